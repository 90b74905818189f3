// The meaning of every errcode. The expectations are written down a second time, in the order of
// the platform reference's table, and not derived from the rows under test.
#include "server/wechat/errcode.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/base/text.h"
#include "server/wechat/errcode_table.h"

namespace hongyan::wechat {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using C = ErrorClass;

constexpr char kSend[] = "/cgi-bin/message/custom/send";
constexpr char kTemplate[] = "/cgi-bin/message/template/send";
constexpr char kTyping[] = "/cgi-bin/message/custom/typing";
constexpr char kStableToken[] = "/cgi-bin/stable_token";
constexpr char kClassicToken[] = "/cgi-bin/token";
constexpr char kRid[] = "61725984-6126f6f9-040f19c4";

absl::Status GetStatus(std::int64_t errcode, const std::string& api = kSend,
                       const std::string& errmsg = "some words rid: 61725984-6126f6f9-040f19c4") {
  return ToStatus({errcode, errmsg, api, "main"});
}

// The detail of a status; an empty one when it has none.
template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  if (payload) {
    EXPECT_TRUE(detail.ParseFromString(std::string(*payload)));
  }
  return detail;
}

// "field" of the only violation; empty when there is none.
std::string FieldOf(const absl::Status& status) {
  const auto bad = DetailOf<google::rpc::BadRequest>(status);
  EXPECT_LE(bad.field_violations_size(), 1);
  return bad.field_violations_size() == 0 ? "" : bad.field_violations(0).field();
}

// A line of the table; the codes from `first` to `last`.
struct Line {
  std::int64_t first;
  std::int64_t last;
  C error_class;
  StatusCode code;
  const char* reason;
};

constexpr auto kUnavailable = StatusCode::kUnavailable;
constexpr auto kExhausted = StatusCode::kResourceExhausted;
constexpr auto kPrecondition = StatusCode::kFailedPrecondition;
constexpr auto kExists = StatusCode::kAlreadyExists;
constexpr auto kInvalid = StatusCode::kInvalidArgument;
constexpr auto kDenied = StatusCode::kPermissionDenied;

// What a business call (customer-service send) makes of each code.
constexpr Line kLines[] = {
    {-1, -1, C::kBusy, kUnavailable, "WECHAT_BUSY"},
    {40001, 40001, C::kToken, kUnavailable, "ACCESS_TOKEN_REJECTED"},
    {40002, 40002, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {40003, 40003, C::kArgument, kInvalid, "INVALID_OPENID"},
    {40004, 40008, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40009, 40012, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40013, 40013, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {40014, 40014, C::kToken, kUnavailable, "ACCESS_TOKEN_REJECTED"},
    {40031, 40033, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40035, 40036, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40037, 40037, C::kArgument, kInvalid, "INVALID_TEMPLATE_ID"},
    {40038, 40039, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40048, 40048, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40062, 40062, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40066, 40066, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40097, 40097, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40125, 40125, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {40132, 40132, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40164, 40164, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {40165, 40166, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40200, 40200, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {40213, 40214, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40241, 40241, C::kDuplicate, kExists, "DUPLICATE_MESSAGE"},
    {40243, 40243, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {40246, 40247, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {40249, 40249, C::kPolicy, kDenied, "CONTENT_POLICY"},
    // The cache is never empty when a call leaves, so this is our own mistake.
    {41001, 41001, C::kArgument, StatusCode::kInternal, "WECHAT_ERROR"},
    {41002, 41002, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {41004, 41004, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {41006, 41006, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {41009, 41009, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {41028, 41030, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {42001, 42001, C::kToken, kUnavailable, "ACCESS_TOKEN_REJECTED"},
    {42002, 42003, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {42007, 42007, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {43001, 43003, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {43004, 43004, C::kUnreachable, kPrecondition, "NOT_SUBSCRIBED"},
    {43005, 43005, C::kUnreachable, kPrecondition, "RECIPIENT_UNREACHABLE"},
    {43006, 43006, C::kUnreachable, kPrecondition, "RECIPIENT_BLOCKED"},
    {43007, 43007, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {43019, 43019, C::kUnreachable, kPrecondition, "RECIPIENT_BLOCKED"},
    {43101, 43101, C::kUnreachable, kPrecondition, "RECIPIENT_REFUSED"},
    {43102, 43102, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {43104, 43104, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {43106, 43106, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {43116, 43116, C::kPolicy, kDenied, "CONTENT_POLICY"},
    {43117, 43117, C::kThrottle, kExhausted, "THROTTLED"},
    {44001, 44004, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {44007, 44007, C::kDuplicate, kExists, "DUPLICATE_MESSAGE"},
    {45001, 45002, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45003, 45006, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45007, 45008, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45009, 45009, C::kQuota, kExhausted, "QUOTA_EXHAUSTED"},
    {45011, 45011, C::kThrottle, kExhausted, "THROTTLED"},
    {45012, 45014, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45015, 45015, C::kUnreachable, kPrecondition, "RESPONSE_WINDOW_CLOSED"},
    {45016, 45018, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45021, 45021, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45026, 45026, C::kQuota, kExhausted, "QUOTA_EXHAUSTED"},
    {45027, 45027, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45028, 45028, C::kQuota, kExhausted, "QUOTA_EXHAUSTED"},
    {45035, 45035, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {45047, 45047, C::kUnreachable, kPrecondition, "RESPONSE_ALLOWANCE_USED"},
    {45050, 45051, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45056, 45059, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45061, 45061, C::kThrottle, kExhausted, "THROTTLED"},
    {45065, 45065, C::kDuplicate, kExists, "DUPLICATE_MESSAGE"},
    {45066, 45066, C::kThrottle, kExhausted, "THROTTLED"},
    {45067, 45067, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45072, 45072, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45080, 45080, C::kUnreachable, kPrecondition, "RECIPIENT_UNREACHABLE"},
    {45086, 45086, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45087, 45087, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {45094, 45094, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {45098, 45099, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45102, 45102, C::kThrottle, kExhausted, "THROTTLED"},
    {45103, 45103, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {45104, 45104, C::kQuota, kExhausted, "QUOTA_EXHAUSTED"},
    {45157, 45159, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {45501, 45501, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {46001, 46001, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {46004, 46004, C::kUnreachable, kPrecondition, "RECIPIENT_UNREACHABLE"},
    {47001, 47002, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {47003, 47003, C::kArgument, kInvalid, "INVALID_TEMPLATE_VALUE"},
    {48001, 48001, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {48002, 48002, C::kUnreachable, kPrecondition, "RECIPIENT_REFUSED"},
    {48003, 48003, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {48004, 48004, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {48006, 48006, C::kQuota, kExhausted, "QUOTA_EXHAUSTED"},
    {48008, 48008, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {48011, 48011, C::kPolicy, kDenied, "CONTENT_POLICY"},
    {48017, 48017, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {49003, 49003, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {50001, 50004, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {50005, 50005, C::kUnreachable, kPrecondition, "NOT_SUBSCRIBED"},
    {50007, 50007, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {61003, 61003, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {61004, 61004, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {61005, 61016, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {61023, 61024, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {61450, 61450, C::kBusy, kUnavailable, "WECHAT_BUSY"},
    {61451, 61452, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {65400, 65400, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {65416, 65417, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {70000, 70000, C::kUnreachable, kPrecondition, "RECIPIENT_UNREACHABLE"},
    {76001, 76004, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {76021, 76022, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {87009, 87009, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {87014, 87014, C::kPolicy, kDenied, "CONTENT_POLICY"},
    {88000, 88011, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {89501, 89505, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {89506, 89507, C::kConfig, kPrecondition, "ACCOUNT_CONFIG"},
    {200011, 200022, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {200100, 200100, C::kUnauthorized, kDenied, "API_UNAUTHORIZED"},
    {9001001, 9001001, C::kArgument, kInvalid, "INVALID_REQUEST"},
    {9001002, 9001002, C::kBusy, kUnavailable, "WECHAT_BUSY"},
    {268487001, 268487002, C::kBusy, kUnavailable, "WECHAT_BUSY"},
};

// One code each.
std::vector<Line> EachCode() {
  std::vector<Line> codes;
  for (const Line& line : kLines) {
    for (std::int64_t code = line.first; code <= line.last; ++code) {
      codes.push_back({code, code, line.error_class, line.code, line.reason});
    }
  }
  return codes;
}

class ErrcodeTable : public testing::TestWithParam<Line> {};

TEST_P(ErrcodeTable, HasClassCodeReasonAndDetails) {
  const Line& want = GetParam();
  EXPECT_EQ(ClassifyErrcode(want.first, kSend), want.error_class);

  const absl::Status status = GetStatus(want.first);
  EXPECT_EQ(status.code(), want.code);
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.reason(), want.reason);
  EXPECT_EQ(info.domain(), "weixin.qq.com");
  EXPECT_EQ(info.metadata().at("api"), kSend);
  EXPECT_EQ(info.metadata().at("errcode"), absl::StrCat(want.first));
  EXPECT_EQ(info.metadata().at("errmsg"), absl::StrCat("some words rid: ", kRid));
  EXPECT_EQ(info.metadata().at("rid"), kRid);
  EXPECT_EQ(info.metadata().count("address"), 0u);

  // What each class carries besides, and what it must not.
  const auto delay = base::GetRetryDelay(status);
  switch (want.error_class) {
    case C::kBusy:
      EXPECT_EQ(delay, absl::Seconds(2));
      break;
    case C::kToken:
      EXPECT_EQ(delay, absl::Seconds(5));
      break;
    case C::kThrottle:
      EXPECT_EQ(delay, absl::Seconds(60));
      break;
    default:
      EXPECT_EQ(delay, std::nullopt);
  }
  const auto quota = DetailOf<google::rpc::QuotaFailure>(status);
  ASSERT_EQ(quota.violations_size(), want.error_class == C::kQuota ? 1 : 0);
  if (want.error_class == C::kQuota) {
    EXPECT_EQ(quota.violations(0).subject(), absl::StrCat("main:", kSend));
    EXPECT_THAT(quota.violations(0).description(), HasSubstr("reset"));
  }
  if (want.error_class != C::kArgument) {
    EXPECT_EQ(FieldOf(status), "");
  }
}

TEST_P(ErrcodeTable, HasSentencesForPeople) {
  const Line& want = GetParam();
  const absl::Status status = GetStatus(want.first);
  const std::string english(status.message());
  EXPECT_THAT(english, HasSubstr(absl::StrCat("errcode ", want.first, ")")));
  EXPECT_THAT(english, HasSubstr("custom/send"));
  EXPECT_THAT(english, HasSubstr(";"));  // what happened; what to do
  EXPECT_THAT(english, Not(HasSubstr(kRid)));

  const auto chinese = DetailOf<google::rpc::LocalizedMessage>(status);
  EXPECT_EQ(chinese.locale(), "zh-CN");
  EXPECT_TRUE(base::IsUtf8(chinese.message()));
  EXPECT_NE(chinese.message(), english);
  EXPECT_THAT(chinese.message(), HasSubstr(absl::StrCat("errcode ", want.first, ")")));
  EXPECT_THAT(chinese.message(), HasSubstr("，"));
  EXPECT_LT(english.size(), base::kMaxErrorText);  // not cut
  EXPECT_LT(chinese.message().size(), base::kMaxErrorText);
}

INSTANTIATE_TEST_SUITE_P(EveryCode, ErrcodeTable, testing::ValuesIn(EachCode()),
                         [](const testing::TestParamInfo<Line>& info) {
                           const std::int64_t code = info.param.first;
                           return code < 0 ? absl::StrCat("Minus", -code) : absl::StrCat(code);
                         });

TEST(ErrcodeRows, AreExactlyTheCodesOfTheReference) {
  std::set<std::int64_t> rows;
  std::int64_t previous = std::numeric_limits<std::int64_t>::min();
  for (const ErrcodeRow& row : errcode_table::kRows) {
    EXPECT_LT(previous, row.errcode) << "sorted, each code once";
    previous = row.errcode;
    rows.insert(row.errcode);
  }
  std::set<std::int64_t> reference = {0, 45081};  // the two that are fine
  for (const Line& line : EachCode()) {
    EXPECT_TRUE(reference.insert(line.first).second) << line.first << " stands here twice";
  }
  EXPECT_EQ(rows, reference);
}

TEST(Errcode, ZeroIsOk) {
  EXPECT_EQ(ClassifyErrcode(0, kSend), C::kOk);
  EXPECT_TRUE(GetStatus(0).ok());
  EXPECT_TRUE(GetStatus(0, kStableToken).ok());
}

TEST(Errcode, TypingAlreadyIsOkForTypingOnly) {
  for (const char* api : {kTyping, "/cgi-bin/message/custom/business/typing"}) {
    EXPECT_EQ(ClassifyErrcode(45081, api), C::kOk);
    EXPECT_TRUE(GetStatus(45081, api).ok());
  }
  EXPECT_EQ(ClassifyErrcode(45081, kSend), C::kUnknown);
  EXPECT_EQ(GetStatus(45081, kSend).code(), StatusCode::kUnknown);
}

TEST(Errcode, TokenApisAreTheTwo) {
  EXPECT_TRUE(IsTokenApi(kStableToken));
  EXPECT_TRUE(IsTokenApi(kClassicToken));
  EXPECT_TRUE(IsTokenApi("/cgi-bin/token?grant_type=client_credential"));
  EXPECT_FALSE(IsTokenApi("/cgi-bin/token/else"));
  EXPECT_FALSE(IsTokenApi("/cgi-bin/component/api_component_token"));
  EXPECT_FALSE(IsTokenApi(kSend));
  EXPECT_FALSE(IsTokenApi(""));
}

TEST(Errcode, WrongSecretAndForbiddenEndpointAreConfigWhereATokenIsFetched) {
  for (const char* api : {kStableToken, kClassicToken}) {
    for (const std::int64_t code : {40001, 50004}) {
      EXPECT_EQ(ClassifyErrcode(code, api), C::kConfig);
      EXPECT_EQ(GetStatus(code, api).code(), kPrecondition);
      EXPECT_EQ(base::GetReason(GetStatus(code, api)), "ACCOUNT_CONFIG");
      EXPECT_EQ(base::GetRetryDelay(GetStatus(code, api)), std::nullopt);
    }
    // The rest of what the two calls list means the same everywhere.
    EXPECT_EQ(ClassifyErrcode(-1, api), C::kBusy);
    EXPECT_EQ(ClassifyErrcode(45009, api), C::kQuota);
    EXPECT_EQ(ClassifyErrcode(45011, api), C::kThrottle);
    for (const std::int64_t code :
         {40002, 40013, 40125, 40164, 40243, 41002, 41004, 50007, 89503, 89506, 89507}) {
      EXPECT_EQ(ClassifyErrcode(code, api), C::kConfig) << code;
    }
  }
  EXPECT_THAT(std::string(GetStatus(40001, kStableToken).message()),
              StartsWith("stable_token: WeChat refuses the AppSecret"));
}

TEST(Errcode, MessageNamesOperationOrField) {
  EXPECT_THAT(std::string(GetStatus(45015).message()), StartsWith("custom/send: the recipient "));
  EXPECT_THAT(std::string(GetStatus(45015).message()), testing::EndsWith(" (errcode 45015)"));
  EXPECT_THAT(std::string(GetStatus(48001, "/cgi-bin/user/info").message()),
              StartsWith("user/info: "));
  // So that an endpoint can put "notifications[3]." before it.
  EXPECT_THAT(std::string(GetStatus(40003).message()), StartsWith("openid: "));
  EXPECT_THAT(std::string(GetStatus(40003).message()),
              testing::EndsWith(" (custom/send, errcode 40003)"));
}

TEST(Errcode, QueryOfTheApiGoesNowhere) {
  const absl::Status status = GetStatus(45009, absl::StrCat(kSend, "?access_token=SECRET"));
  EXPECT_EQ(base::GetMetadata(status, "api"), kSend);
  EXPECT_THAT(base::SerializeRpcStatus(status), Not(HasSubstr("SECRET")));
}

TEST(Errcode, QuotaSaysWhenItIsReset) {
  const auto description = [](std::int64_t code) {
    return DetailOf<google::rpc::QuotaFailure>(GetStatus(code)).violations(0).description();
  };
  EXPECT_THAT(description(45009), HasSubstr("next 00:00 Beijing time"));
  EXPECT_THAT(description(45009), HasSubstr("as far as known"));
  EXPECT_THAT(description(48006), HasSubstr("next month"));
  EXPECT_THAT(description(45026), HasSubstr("not reset with time"));
}

TEST(Fault, U16_UnknownErrcodeIsUnknownWithCodeAndRid) {
  for (const std::int64_t code :
       {std::int64_t{99999}, std::int64_t{-2}, std::int64_t{1}, std::int64_t{40000},
        std::int64_t{61017}, std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    for (const char* api : {kSend, kStableToken}) {
      EXPECT_EQ(ClassifyErrcode(code, api), C::kUnknown);
      const absl::Status status = GetStatus(code, api);
      EXPECT_EQ(status.code(), StatusCode::kUnknown);
      EXPECT_EQ(base::GetReason(status), "WECHAT_ERROR");
      EXPECT_EQ(base::GetMetadata(status, "errcode"), absl::StrCat(code));
      EXPECT_EQ(base::GetMetadata(status, "rid"), kRid);
      EXPECT_EQ(base::GetRetryDelay(status), std::nullopt);
    }
  }
}

TEST(Fault, U22_BadRequestNamesTheField) {
  EXPECT_EQ(FieldOf(GetStatus(40003)), "openid");
  EXPECT_EQ(FieldOf(GetStatus(49003)), "openid");
  EXPECT_EQ(FieldOf(GetStatus(40003, "/cgi-bin/user/info")), "openid");
  EXPECT_EQ(FieldOf(GetStatus(40003, "/cgi-bin/user/info/batchget")), "openids");
  EXPECT_EQ(FieldOf(GetStatus(40032, "/cgi-bin/user/info/batchget")), "openids");
  EXPECT_EQ(FieldOf(GetStatus(40036, kTemplate)), "template.template_id");
  EXPECT_EQ(FieldOf(GetStatus(40037, kTemplate)), "template.template_id");
  EXPECT_EQ(FieldOf(GetStatus(40039, kTemplate)), "template.url");
  EXPECT_EQ(FieldOf(GetStatus(45005, kTemplate)), "template.url");
  EXPECT_EQ(FieldOf(GetStatus(45002)), "text.content");
  EXPECT_EQ(FieldOf(GetStatus(44004)), "text.content");
  EXPECT_EQ(FieldOf(GetStatus(61451)), "text.kf_account");
  EXPECT_EQ(FieldOf(GetStatus(61452)), "text.kf_account");
  // Not a field of that request.
  EXPECT_EQ(FieldOf(GetStatus(45005)), "");
  EXPECT_EQ(FieldOf(GetStatus(45002, kTemplate)), "");
  EXPECT_EQ(FieldOf(GetStatus(40037, "/cgi-bin/message/template/subscribe")), "");
  // Not an argument at all.
  EXPECT_EQ(FieldOf(GetStatus(45015)), "");
}

TEST(Fault, A13_U22_MiniProgramsFieldIsNamed) {
  EXPECT_EQ(FieldOf(GetStatus(40165, kTemplate)), "template.mini_program.page_path");
  EXPECT_EQ(FieldOf(GetStatus(40166, kTemplate)), "template.mini_program.app_id");
  EXPECT_EQ(FieldOf(GetStatus(41030, kTemplate)), "template.mini_program.page_path");
  // A text names a mini program only in a link inside its content.
  EXPECT_EQ(FieldOf(GetStatus(40165)), "text.content");
  EXPECT_EQ(FieldOf(GetStatus(40166)), "text.content");
  EXPECT_EQ(FieldOf(GetStatus(40165, "/cgi-bin/user/info")), "");
}

TEST(Fault, A13_U22_TemplateOfAWrongSizeNamesItsData) {
  EXPECT_EQ(FieldOf(GetStatus(45013, kTemplate)), "template.data");
  EXPECT_EQ(FieldOf(GetStatus(45014, kTemplate)), "template.data");
  EXPECT_EQ(FieldOf(GetStatus(45014)), "");
}

// The caller of a send has given none of the arguments of a request for a token.
TEST(Errcode, A13_ArgumentOfATokenRequestIsOurMistake) {
  for (const char* api : {kStableToken, kClassicToken}) {
    for (const std::int64_t code : {40066, 43002, 44002, 47001}) {
      EXPECT_EQ(GetStatus(code, api).code(), StatusCode::kInternal) << code;
      EXPECT_EQ(base::GetReason(GetStatus(code, api)), "WECHAT_ERROR") << code;
      EXPECT_EQ(base::GetMetadata(GetStatus(code, api), "errcode"), absl::StrCat(code));
    }
  }
}

TEST(Fault, U22_InvalidTemplateValueNamesItsKeyword) {
  const auto field = [](const std::string& errmsg) {
    return FieldOf(GetStatus(47003, kTemplate, errmsg));
  };
  EXPECT_EQ(field(absl::StrCat("argument invalid! data.thing22.value invalid rid: ", kRid)),
            "template.data.thing22");
  EXPECT_EQ(field("argument invalid! data.character_string4.value is empty"),
            "template.data.character_string4");
  EXPECT_EQ(field("argument invalid!"), "template.data");
  EXPECT_EQ(field(""), "template.data");
  EXPECT_EQ(field("data..value data.a b.value data.\xff.value"), "template.data");
}

TEST(Fault, U22_FieldsCanBeRenamedByTheEndpoints) {
  const absl::Status in_batch = base::PrefixFields(GetStatus(45002), "notifications[3].");
  EXPECT_EQ(FieldOf(in_batch), "notifications[3].text.content");
  EXPECT_THAT(std::string(in_batch.message()), StartsWith("notifications[3].text.content: "));
  const absl::Status in_send_text = base::StripFieldPrefix(GetStatus(45002), "text.");
  EXPECT_EQ(FieldOf(in_send_text), "content");
  EXPECT_THAT(std::string(in_send_text.message()), StartsWith("content: "));
}

TEST(Fault, T07_AddressNotInTheWhitelistIsNamed) {
  const absl::Status status = GetStatus(
      40164, kStableToken,
      absl::StrCat("invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: ", kRid));
  EXPECT_EQ(status.code(), kPrecondition);
  EXPECT_EQ(base::GetReason(status), "ACCOUNT_CONFIG");
  EXPECT_EQ(base::GetMetadata(status, "address"), "203.0.113.9");
  EXPECT_EQ(base::GetMetadata(status, "rid"), kRid);
  EXPECT_THAT(std::string(status.message()), HasSubstr("203.0.113.9"));
  EXPECT_THAT(DetailOf<google::rpc::LocalizedMessage>(status).message(), HasSubstr("203.0.113.9"));
  // No other code's message is searched for one.
  EXPECT_EQ(base::GetMetadata(GetStatus(40013, kStableToken, "invalid ip 203.0.113.9"), "address"),
            "");
}

TEST(Fault, T07_CredentialErrorsAreConfig) {
  for (const std::int64_t code : {40164, 40013, 40125, 40243}) {
    const absl::Status status = GetStatus(code, kStableToken, "no address in here");
    EXPECT_EQ(status.code(), kPrecondition) << code;
    EXPECT_EQ(base::GetReason(status), "ACCOUNT_CONFIG") << code;
    EXPECT_EQ(base::GetMetadata(status, "address"), "") << code;
  }
}

TEST(FindAddress, TakesValidAddressesOnly) {
  EXPECT_EQ(FindAddress("invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist"),
            "203.0.113.9");
  EXPECT_EQ(FindAddress("invalid ip 203.0.113.9, not in whitelist hint: [a]"), "203.0.113.9");
  EXPECT_EQ(FindAddress("invalid ip 203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(FindAddress("invalid ip 2001:db8::7, not in whitelist"), "2001:db8::7");
  EXPECT_EQ(FindAddress("invalid ip  ipv6 2001:db8::7, not in whitelist"), "2001:db8::7");
  EXPECT_EQ(FindAddress("invalid ip ? ipv6 ::ffff:203.0.113.9, not in whitelist"), "203.0.113.9");
  EXPECT_EQ(FindAddress("invalid ip 2001:0db8:1111:2222:3333:4444:255.255.255.255, x"),
            "2001:0db8:1111:2222:3333:4444:255.255.255.255");  // the longest there is

  EXPECT_EQ(FindAddress(""), "");
  EXPECT_EQ(FindAddress("invalid ip "), "");
  EXPECT_EQ(FindAddress("invalid ip 203.0.113.256, x"), "");
  EXPECT_EQ(FindAddress("invalid ip 203.0.113, x"), "");
  EXPECT_EQ(FindAddress("invalid ip 203.0.113.9evil, x"), "");
  EXPECT_EQ(FindAddress("invalid ip 203.0.113.9_, x"), "");
  EXPECT_EQ(FindAddress("invalid ip ::::, x"), "");
  EXPECT_EQ(FindAddress(absl::StrCat("invalid ip ", std::string(10'240, '1'))), "");
  EXPECT_EQ(FindAddress(std::string("invalid ip \0 203.0.113.9", 24)), "");
  EXPECT_EQ(FindAddress("invalid ip \xff\xfe\x1b[2J203.0.113.9"), "");
}

TEST(FindRid, TakesTheLastWellFormedOne) {
  EXPECT_EQ(FindRid("ok rid: 61725984-6126f6f9-040f19c4"), kRid);
  EXPECT_EQ(FindRid("rid: 61725984-6126f6f9-040f19c4"), kRid);
  EXPECT_EQ(FindRid("a rid: 61725984-6126f6f9-040f19c4, and more"), kRid);
  EXPECT_EQ(FindRid("quoted rid: 11111111-1 rid: 61725984-6126f6f9-040f19c4"), kRid);
  EXPECT_EQ(FindRid(absl::StrCat(std::string(10'240, 'x'), " rid: ", kRid)), kRid);
  EXPECT_EQ(FindRid(absl::StrCat("\xff\x01\xc0 rid: ", kRid)), kRid);
  EXPECT_EQ(FindRid(absl::StrCat("a rid: ", std::string(64, 'a'))), std::string(64, 'a'));
}

TEST(FindRid, IsEmptyWithoutOne) {
  EXPECT_EQ(FindRid(""), "");
  EXPECT_EQ(FindRid("system error"), "");
  EXPECT_EQ(FindRid("old style hint: [abcdef]"), "");
  EXPECT_EQ(FindRid("rid: "), "");
  EXPECT_EQ(FindRid("rid:"), "");
  EXPECT_EQ(FindRid("grid: 61725984"), "");
  EXPECT_EQ(FindRid("rid: -"), "");
  EXPECT_EQ(FindRid("rid: 6172598g-1"), "");
  EXPECT_EQ(FindRid("rid: \x1b[31m61725984"), "");
  EXPECT_EQ(FindRid("rid: \xff\xff"), "");
  EXPECT_EQ(FindRid(absl::StrCat("a rid: ", std::string(65, 'a'))), "");
  EXPECT_EQ(FindRid(absl::StrCat("a rid: ", std::string(10'240, '0'))), "");
}

TEST(FindInvalidDataKey, TakesWellFormedKeysOnly) {
  EXPECT_EQ(FindInvalidDataKey("argument invalid! data.thing22.value invalid"), "thing22");
  EXPECT_EQ(FindInvalidDataKey("data.time2.value"), "time2");
  EXPECT_EQ(FindInvalidDataKey("metadata.a.value data.b.value"), "b");
  EXPECT_EQ(FindInvalidDataKey("data.data.time2.value"), "time2");
  EXPECT_EQ(FindInvalidDataKey("data.a.valued data.b.value,"), "b");
  EXPECT_EQ(FindInvalidDataKey(absl::StrCat("data.", std::string(64, 'k'), ".value")),
            std::string(64, 'k'));

  EXPECT_EQ(FindInvalidDataKey(""), "");
  EXPECT_EQ(FindInvalidDataKey("data."), "");
  EXPECT_EQ(FindInvalidDataKey("data..value"), "");
  EXPECT_EQ(FindInvalidDataKey("data.thing22"), "");
  EXPECT_EQ(FindInvalidDataKey("data.a\nb.value"), "");
  EXPECT_EQ(FindInvalidDataKey("data.\xe4\xb8.value"), "");
  EXPECT_EQ(FindInvalidDataKey(absl::StrCat("data.", std::string(65, 'k'), ".value")), "");
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += "data.";
  EXPECT_EQ(FindInvalidDataKey(many), "");
}

TEST(Errcode, HostileMessagesLeaveBoundedPrintableAndWellFormed) {
  const std::string hostile = absl::StrCat("\x1b[2J\r\n", std::string("\0\x7f", 2),
                                           "\xc2\x85 \xff\xfe\xc0\xaf \xed\xa0\x80 ",
                                           std::string(10'240, 'A'), " rid: ", kRid);
  for (const std::int64_t code : {45015, 40164, 47003, 99999}) {
    const absl::Status status = GetStatus(code, kTemplate, hostile);
    const std::string errmsg = base::GetMetadata(status, "errmsg");
    EXPECT_TRUE(base::IsUtf8(errmsg));
    EXPECT_LE(errmsg.size(), base::kMaxErrorText + 8);
    EXPECT_THAT(errmsg, Not(HasSubstr("\x1b")));
    EXPECT_THAT(errmsg, Not(HasSubstr("\n")));
    EXPECT_THAT(errmsg, Not(HasSubstr("\xc2\x85")));
    EXPECT_EQ(base::GetMetadata(status, "rid"), kRid) << "the cut spares the rid";
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("AAAA")));
  }
}

TEST(Errcode, EmptyMessageGivesNoEmptyMetadata) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(GetStatus(45015, kSend, ""));
  EXPECT_EQ(info.metadata().count("errmsg"), 0u);
  EXPECT_EQ(info.metadata().count("rid"), 0u);
  EXPECT_EQ(info.metadata().at("errcode"), "45015");
}

}  // namespace
}  // namespace hongyan::wechat
