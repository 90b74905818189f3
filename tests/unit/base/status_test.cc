// Errors as they leave the service, read back with the protos of google.rpc themselves.
#include "server/base/status.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "hongyan/v1/errors.pb.h"
#include "server/base/text.h"

namespace hongyan::base {
namespace {

google::rpc::Status Rpc(const absl::Status& status) {
  google::rpc::Status rpc;
  EXPECT_TRUE(rpc.ParseFromString(SerializeRpcStatus(status)));
  return rpc;
}

template <typename Detail>
Detail Only(const absl::Status& status) {
  Detail found;
  int count = 0;
  const google::rpc::Status rpc = Rpc(status);
  for (const auto& any : rpc.details()) count += any.Is<Detail>() && any.UnpackTo(&found);
  EXPECT_EQ(count, 1) << Detail::descriptor()->full_name();
  return found;
}

TEST(ReasonTest, NamesAreThoseOfTheProto) {
  std::set<std::string> ours;
  for (int i = 0; i <= static_cast<int>(kLastReason); ++i) {
    ours.insert("ERROR_REASON_" + std::string(ReasonName(static_cast<Reason>(i))));
  }
  std::set<std::string> theirs;
  const auto* descriptor = v1::ErrorReason_descriptor();
  for (int i = 0; i < descriptor->value_count(); ++i) theirs.insert(descriptor->value(i)->name());
  theirs.erase("ERROR_REASON_UNSPECIFIED");
  EXPECT_EQ(ours, theirs);
}

TEST(ErrorBuilderTest, CarriesEveryDetail) {
  const absl::Status status =
      ErrorBuilder(absl::StatusCode::kResourceExhausted, Reason::kThrottled, "too fast")
          .SaidByWechat()
          .With("account", "main")
          .With("errcode", "45011")
          .With("rid", "")
          .Field("openid", "bad")
          .RetryAfter(absl::Milliseconds(61500))
          .Quota("main:/x", "tomorrow")
          .Chinese("太快了");
  EXPECT_EQ(Rpc(status).code(), 8);
  EXPECT_EQ(Rpc(status).message(), "too fast");
  const auto info = Only<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.reason(), "THROTTLED");
  EXPECT_EQ(info.domain(), "weixin.qq.com");
  EXPECT_EQ(info.metadata().at("errcode"), "45011");
  EXPECT_EQ(info.metadata().count("rid"), 0u);
  EXPECT_EQ(Only<google::rpc::RetryInfo>(status).retry_delay().seconds(), 61);
  EXPECT_EQ(Only<google::rpc::RetryInfo>(status).retry_delay().nanos(), 500000000);
  EXPECT_EQ(Only<google::rpc::QuotaFailure>(status).violations(0).subject(), "main:/x");
  EXPECT_EQ(Only<google::rpc::BadRequest>(status).field_violations(0).field(), "openid");
  EXPECT_EQ(Only<google::rpc::LocalizedMessage>(status).locale(), "zh-CN");
  EXPECT_EQ(Only<google::rpc::LocalizedMessage>(status).message(), "太快了");
  EXPECT_EQ(GetRetryDelay(status), absl::Milliseconds(61500));
}

TEST(ErrorBuilderTest, HostileTextIsBoundedAndWellFormed) {
  const std::string hostile = std::string(100000, 'x') + "\xff\xfe";
  const absl::Status status =
      ErrorBuilder(absl::StatusCode::kUnknown, Reason::kWechatError, hostile)
          .With("errmsg", "\xff" + hostile)
          .Build();
  EXPECT_LT(SerializeRpcStatus(status).size(), 4000u);
  EXPECT_TRUE(IsUtf8(GetMetadata(status, "errmsg")));
}

TEST(FieldNamesTest, CanBePrefixedAndStripped) {
  const absl::Status status = InvalidField("text.content", "is required", "必须填写");
  const absl::Status stripped = StripFieldPrefix(status, "text.");
  EXPECT_EQ(Only<google::rpc::BadRequest>(stripped).field_violations(0).field(), "content");
  EXPECT_EQ(stripped.message(), "content: is required");
  EXPECT_EQ(Only<google::rpc::LocalizedMessage>(stripped).message(), "content：必须填写");
  const absl::Status prefixed = PrefixFields(status, "notifications[3].");
  EXPECT_EQ(Only<google::rpc::BadRequest>(prefixed).field_violations(0).field(),
            "notifications[3].text.content");
  EXPECT_EQ(GetReason(prefixed), "INVALID_REQUEST");
}

}  // namespace
}  // namespace hongyan::base
