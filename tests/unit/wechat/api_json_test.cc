// WeChat's JSON: golden bytes out, suspicious reading in.
#include "server/wechat/api_json.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/text.h"
#include "tests/support/status_matchers.h"

namespace hongyan::wechat {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Where the odd fields don't matter.
absl::StatusOr<model::User> ReadUser(const ApiAnswer& answer) {
  OddFields odd;
  return ReadUser(answer, "oAsked", odd);
}

constexpr char kBom[] = "\xEF\xBB\xBF";

ApiAnswer Parsed(const std::string& body) {
  auto answer = ParseAnswer(body);
  EXPECT_THAT(answer, IsOk()) << body;
  return answer.ok() ? *answer : ApiAnswer{};
}

// --- bodies

TEST(Body, TextIsRawUtf8WithItsLinksAndLineBreaks) {
  const TextMessage message{
      "订单 1024 已发货 🚚\n<a href=\"https://example.com/o/1024?a=1&b='2'\">查看</a>\t\\end",
      "test1@kftest"};
  EXPECT_EQ(
      SendBody("oABC", Compile(message), ""),
      "{\"touser\":\"oABC\",\"msgtype\":\"text\",\"text\":{\"content\":\"订单 1024 已发货 🚚\\n"
      "<a href=\\\"https://example.com/o/1024?a=1&b='2'\\\">查看</a>\\t\\\\end\"},"
      "\"customservice\":{\"kf_account\":\"test1@kftest\"}}");
}

TEST(Body, TextWithoutKfAccountHasNoCustomservice) {
  EXPECT_EQ(SendBody("oABC", Compile(TextMessage{"hi", ""}), ""),
            R"({"touser":"oABC","msgtype":"text","text":{"content":"hi"}})");
}

TEST(Body, NothingAboveTheControlCharactersIsEscaped) {
  // Two, three and four bytes of UTF-8, DEL, the line separators that script engines escape, and a
  // slash.
  const std::string content = "é中𠮷🚚\x7f\u2028\u2029\ufeff</a>&'+%";
  const std::string body = SendBody("o", Compile(TextMessage{content, ""}), "");
  EXPECT_THAT(body, HasSubstr(content));
  EXPECT_THAT(body, Not(HasSubstr("\\u")));
}

TEST(Body, TemplateHasItsKeysInAFixedOrder) {
  TemplateMessage message;
  message.template_id = "ngqI";
  message.url = "https://example.com/o/1024?x=\"y\"";
  message.mini_program_app_id = "wx1";
  message.mini_program_page_path = "index?foo=bar";
  message.data = {{"time2", "2026年3月1日 15:01"},
                  {"amount3", "¥39.80"},
                  {"thing1", "夏日\"蜜桃\"茶🍑"},
                  {"character_string4", "1024-77"}};
  EXPECT_EQ(
      SendBody("oABC", Compile(message), "01JABC"),
      "{\"touser\":\"oABC\",\"template_id\":\"ngqI\",\"url\":\"https://example.com/o/"
      "1024?x=\\\"y\\\"\","
      "\"miniprogram\":{\"appid\":\"wx1\",\"pagepath\":\"index?foo=bar\"},\"client_msg_id\":"
      "\"01JABC\","
      "\"data\":{\"amount3\":{\"value\":\"¥39.80\"},\"character_string4\":{\"value\":\"1024-77\"},"
      "\"thing1\":{\"value\":\"夏日\\\"蜜桃\\\"茶🍑\"},\"time2\":{\"value\":\"2026年3月1日 "
      "15:01\"}}}");
}

TEST(Body, TemplateLeavesOutWhatIsEmpty) {
  TemplateMessage message;
  message.template_id = "ngqI";
  message.data = {{"thing1", "茶"}};
  EXPECT_EQ(SendBody("oABC", Compile(message), ""),
            R"({"touser":"oABC","template_id":"ngqI","data":{"thing1":{"value":"茶"}}})");
  message.mini_program_app_id = "wx1";
  EXPECT_EQ(SendBody("oABC", Compile(message), ""),
            R"({"touser":"oABC","template_id":"ngqI","miniprogram":{"appid":"wx1"},)"
            R"("data":{"thing1":{"value":"茶"}}})");
}

TEST(Body, ClientMsgIdStandsBeforeTheDataWhateverTheTextsSay) {
  TemplateMessage message;
  message.template_id = "T";
  message.url = R"(https://e.com/,"data":{)";
  message.data = {{"data", R"(,"data":{)"}};
  EXPECT_EQ(SendBody("o", Compile(message), "id"),
            R"({"touser":"o","template_id":"T","url":"https://e.com/,\"data\":{",)"
            R"("client_msg_id":"id","data":{"data":{"value":",\"data\":{"}}})");
}

TEST(Body, TemplateIsReadBackAsItWas) {
  TemplateMessage message;
  message.template_id = "T\"";
  message.url = "https://e.com/茶";
  message.mini_program_app_id = "wx1";
  message.mini_program_page_path = "index?a=\\";
  message.data = {{"thing1", "夏日\"蜜桃\"茶🍑\n"}, {"time2", ""}};
  const TemplateMessage read = ReadTemplate(Compile(message));
  EXPECT_EQ(read.template_id, message.template_id);
  EXPECT_EQ(read.url, message.url);
  EXPECT_EQ(read.mini_program_app_id, message.mini_program_app_id);
  EXPECT_EQ(read.mini_program_page_path, message.mini_program_page_path);
  EXPECT_EQ(read.data, message.data);
}

TEST(Body, TheSmallOnes) {
  EXPECT_EQ(TypingBody("oABC", false), R"({"touser":"oABC","command":"Typing"})");
  EXPECT_EQ(TypingBody("oABC", true), R"({"touser":"oABC","command":"CancelTyping"})");
  EXPECT_EQ(
      StableTokenBody("wx1", "s\"1", false),
      R"({"grant_type":"client_credential","appid":"wx1","secret":"s\"1","force_refresh":false})");
  EXPECT_EQ(
      StableTokenBody("wx1", "s", true),
      R"({"grant_type":"client_credential","appid":"wx1","secret":"s","force_refresh":true})");
  EXPECT_EQ(BatchGetBody({"O1", "O2"}, "zh_CN"),
            R"({"user_list":[{"openid":"O1","lang":"zh_CN"},{"openid":"O2","lang":"zh_CN"}]})");
  EXPECT_EQ(BatchGetBody({"O1"}, ""), R"({"user_list":[{"openid":"O1"}]})");
}

// --- numbers

struct Number {
  std::string json;
  std::optional<std::int64_t> value;  // none: unintelligible
};

void PrintTo(const Number& number, std::ostream* out) { *out << number.json; }

class U14_Errcode : public ::testing::TestWithParam<Number> {};

TEST_P(U14_Errcode, IsAnIntegerOrAStringThatHoldsOne) {
  const auto answer =
      ParseAnswer(absl::StrCat(R"({"errcode":)", GetParam().json, R"(,"errmsg":"ok"})"));
  if (GetParam().value) {
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->errcode, *GetParam().value);
  } else {
    EXPECT_THAT(answer, StatusIs(StatusCode::kDataLoss));
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr("unintelligible answer"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , U14_Errcode,
    ::testing::Values(Number{"0", 0}, Number{"-1", -1}, Number{"40001", 40001},
                      Number{R"("40001")", 40001}, Number{R"("-1")", -1}, Number{R"("0")", 0},
                      Number{"9001001", 9001001}, Number{"268487001", 268487001}, Number{"0.0", {}},
                      Number{"40001.0", {}}, Number{"1e2", {}}, Number{"null", {}},
                      Number{"[]", {}}, Number{"[0]", {}}, Number{"{}", {}}, Number{"true", {}},
                      Number{"false", {}}, Number{R"("")", {}}, Number{R"("ok")", {}},
                      Number{R"("0x0")", {}}, Number{R"("40001abc")", {}}, Number{R"("1e2")", {}},
                      Number{"1099511627776", {}}, Number{R"("1099511627776")", {}},
                      Number{"-1099511627776", {}}, Number{"4294967296", {}},
                      Number{"9223372036854775807", {}}, Number{"18446744073709551616", {}},
                      Number{"1e400", {}}));

class U14_MsgId : public ::testing::TestWithParam<Number> {};

TEST_P(U14_MsgId, IsExactOrRefused) {
  const auto id = ReadMsgId(Parsed(absl::StrCat(R"({"errcode":0,"msgid":)", GetParam().json, "}")));
  if (GetParam().value) {
    ASSERT_THAT(id, IsOk());
    EXPECT_EQ(*id, *GetParam().value);
  } else {
    EXPECT_THAT(id, StatusIs(StatusCode::kDataLoss));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , U14_MsgId,
    ::testing::Values(Number{"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
                      Number{"3717005636572528642", 3717005636572528642},
                      Number{"90261533849829378", 90261533849829378},
                      Number{R"("3717005636572528642")", 3717005636572528642}, Number{"0", 0},
                      Number{"-5", {}}, Number{R"("-5")", {}}, Number{"9223372036854775808", {}},
                      Number{R"("9223372036854775808")", {}}, Number{"18446744073709551616", {}},
                      Number{"3.7e18", {}}, Number{"1.5", {}}, Number{"[1]", {}},
                      Number{R"("abc")", {}}, Number{"true", {}}, Number{"1e400", {}}));

TEST(MsgId, AbsentIsZero) { EXPECT_EQ(*ReadMsgId(Parsed(R"({"errcode":0})")), 0); }

class U14_ExpiresIn : public ::testing::TestWithParam<Number> {};

TEST_P(U14_ExpiresIn, IsASensibleNumberOfSeconds) {
  const auto grant = ReadToken(
      Parsed(absl::StrCat(R"({"access_token":"canary","expires_in":)", GetParam().json, "}")));
  if (GetParam().value) {
    ASSERT_THAT(grant, IsOk());
    EXPECT_EQ(grant->expires_in_seconds, *GetParam().value);
    EXPECT_EQ(grant->access_token, "canary");
  } else {
    EXPECT_THAT(grant, StatusIs(StatusCode::kDataLoss));
    EXPECT_THAT(std::string(grant.status().message()), Not(HasSubstr("canary")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , U14_ExpiresIn,
    ::testing::Values(Number{"7200", 7200}, Number{"345", 345}, Number{R"("7200")", 7200},
                      Number{"1", 1}, Number{"0", {}}, Number{"-5", {}}, Number{R"("-5")", {}},
                      Number{"7200.0", {}}, Number{"1e400", {}}, Number{"1e3", {}},
                      Number{"null", {}}, Number{"[7200]", {}}, Number{R"("soon")", {}},
                      Number{"18446744073709551616", {}}, Number{"9223372036854775807", {}}));

TEST(Token, IsThere) {
  for (const char* body :
       {R"({})", R"({"expires_in":7200})", R"({"access_token":"t"})",
        R"({"access_token":"","expires_in":7200})", R"({"access_token":5,"expires_in":7200})",
        R"({"access_token":null,"expires_in":7200})"}) {
    EXPECT_THAT(ReadToken(Parsed(body)), StatusIs(StatusCode::kDataLoss)) << body;
  }
}

TEST(Token, T10_HasAtMost1024Bytes) {
  const auto with = [](std::size_t size) {
    return ReadToken(Parsed(
        absl::StrCat(R"({"access_token":")", std::string(size, 'a'), R"(","expires_in":300})")));
  };
  EXPECT_THAT(with(512), IsOk());
  EXPECT_THAT(with(1024), IsOk());
  EXPECT_THAT(with(1025), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(with(4096), StatusIs(StatusCode::kDataLoss));
}

// --- envelopes

TEST(Envelope, U09_ByteOrderMarkIsSkipped) {
  EXPECT_EQ(Parsed(absl::StrCat(kBom, R"({"errcode":45015,"errmsg":"late"})")).errcode, 45015);
}

TEST(Envelope, U09_MissingErrcodeIsZero) {
  const ApiAnswer answer = Parsed(R"({"access_token":"t","expires_in":7200})");
  EXPECT_EQ(answer.errcode, 0);
  EXPECT_EQ(answer.errmsg, "");
}

TEST(Envelope, UnknownKeysAndBlanksAreIgnored) {
  EXPECT_EQ(Parsed("\r\n\t { \"new\" : {\"a\":[1,2]} , \"errcode\" : 7 } \n").errcode, 7);
}

TEST(Envelope, A01_AbsentErrcodeIsToldApartFromZero) {
  EXPECT_TRUE(Parsed(R"({"errcode":0})").has_errcode);
  EXPECT_TRUE(Parsed(R"({"errcode":"0"})").has_errcode);
  for (const char* body : {"{}", R"({"errCode":45015})", R"({"ErrCode":0})", R"({"errmsg":"ok"})",
                           R"({"a":{"errcode":0}})"}) {
    EXPECT_FALSE(Parsed(body).has_errcode) << body;
  }
}

TEST(Envelope, WhatIsNoAnswerIsRefusedAndNotQuoted) {
  for (const char* body :
       {"", " ", kBom, "canary", "<html>canary</html>", "[]", "0", "null", "\"canary\"", "{", "}",
        R"({"errcode":0}canary)", R"({"errcode":0}{"errcode":0})", R"({errcode:0})",
        R"({'errcode':0})", R"({"errcode":0,})", R"({"errcode":01})", R"({"errcode":NaN})",
        R"({"canary":"\q"})"}) {
    const auto answer = ParseAnswer(body);
    EXPECT_THAT(answer, StatusIs(StatusCode::kDataLoss)) << body;
    EXPECT_THAT(std::string(answer.status().message()), Not(HasSubstr("canary")));
  }
}

TEST(Envelope, U05_EveryCutIsNoticed) {
  const std::string body = R"({"errcode":0,"errmsg":"ok","msgid":3717005636572528642})";
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_THAT(ParseAnswer(body.substr(0, size)), StatusIs(StatusCode::kDataLoss)) << size;
  }
  EXPECT_THAT(ParseAnswer(body), IsOk());
}

TEST(Envelope, DepthIsBounded) {
  const std::string deep = absl::StrCat(R"({"a":)", std::string(1000000, '['), "}");
  EXPECT_THAT(ParseAnswer(deep), StatusIs(StatusCode::kDataLoss));
}

TEST(Envelope, U15_RawControlCharactersAndBadUtf8AreReplaced) {
  const std::string body = std::string(
                               "{\"subscribe\":1,\"openid\":\"o1\",\"remark\":"
                               "\"老\x01\x1f\tX\n\xff\xc0\xafY\xed\xa0\x80\",\"city\":\"a") +
                           '\0' + "b\"}";
  const auto user = ReadUser(Parsed(body));
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->subscribed, true);
  EXPECT_TRUE(base::IsUtf8(user->profile.remark));
  EXPECT_THAT(user->profile.remark, ::testing::StartsWith("老"));
  EXPECT_THAT(user->profile.remark, HasSubstr("X"));
  EXPECT_THAT(user->profile.remark, HasSubstr("Y"));
  for (const char c : user->profile.remark + user->profile.city)
    EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST(Envelope, U15_StringsAreWellFormedWhateverTheEscapes) {
  for (const char* remark :
       {R"(\ud83d\ude9a)", R"(\ud83d)", R"(\ude9a)", R"(\ud83dx)", R"(\u0000)"}) {
    const auto answer = ParseAnswer(absl::StrCat(R"({"openid":"o1","remark":")", remark, R"("})"));
    const auto user = answer.ok() ? ReadUser(*answer) : answer.status();
    ASSERT_THAT(user, support::IsOk()) << remark;
    EXPECT_TRUE(base::IsUtf8(user->profile.remark)) << remark;
  }
  EXPECT_EQ(ReadUser(Parsed(R"({"openid":"o1","remark":"a\ud83d"})"))->profile.remark, "a\uFFFD");
  EXPECT_EQ(ReadUser(Parsed(R"({"openid":"o1","remark":"\ud83d\ude9a"})"))->profile.remark, "🚚");
}

// --- what the answers hold

TEST(User, HasAllItsFields) {
  const auto user =
      ReadUser(Parsed(R"({"subscribe":1,"openid":"o6_bm","nickname":"N","sex":2,"language":"zh_CN",
      "city":"广州","province":"广东","country":"中国","headimgurl":"https://example.com/h","subscribe_time":1382694957,
      "unionid":"o6_u","remark":"VIP","groupid":3,"tagid_list":[128,2],"subscribe_scene":"ADD_SCENE_QR_CODE",
      "qr_scene":98765,"qr_scene_str":"s","new_field":{"a":1}})"));
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->openid, "o6_bm");
  EXPECT_EQ(user->profile.unionid, "o6_u");
  EXPECT_EQ(user->subscribed, true);
  EXPECT_EQ(user->subscribe_time, absl::FromUnixSeconds(1382694957));
  EXPECT_EQ(user->profile.subscribe_scene, "ADD_SCENE_QR_CODE");
  EXPECT_EQ(user->profile.remark, "VIP");
  EXPECT_EQ(user->profile.group_id, 3);
  EXPECT_THAT(user->profile.tag_ids, ElementsAre(128, 2));
  EXPECT_EQ(user->profile.qr_scene, 98765);
  EXPECT_EQ(user->profile.qr_scene_str, "s");
  EXPECT_EQ(user->profile.language, "zh_CN");
  EXPECT_EQ(user->profile.nickname, "N");
  EXPECT_EQ(user->profile.head_image_url, "https://example.com/h");
  EXPECT_EQ(user->profile.sex, 2);
  EXPECT_EQ(user->profile.city, "广州");
  EXPECT_EQ(user->profile.province, "广东");
  EXPECT_EQ(user->profile.country, "中国");
}

TEST(User, WhoLeftHasNothingButAnOpenid) {
  const auto user = ReadUser(Parsed(R"({"subscribe":0,"openid":"o1"})"));
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->subscribed, false);
  EXPECT_EQ(user->subscribe_time, std::nullopt);
  EXPECT_THAT(user->profile.tag_ids, IsEmpty());
}

TEST(User, NumbersMayComeAsStringsAndAreNeverWrapped) {
  const auto user = ReadUser(Parsed(
      R"({"subscribe":"1","openid":"o1","subscribe_time":"1382694957","groupid":"3","tagid_list":["128"]})"));
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->subscribed, true);
  EXPECT_EQ(user->subscribe_time, absl::FromUnixSeconds(1382694957));
  EXPECT_EQ(user->profile.group_id, 3);
  EXPECT_THAT(user->profile.tag_ids, ElementsAre(128));
}

struct OddField {
  const char* json;
  const char* name;
};

void PrintTo(const OddField& field, std::ostream* out) { *out << field.json; }

class A12_OddField : public ::testing::TestWithParam<OddField> {};

TEST_P(A12_OddField, IsAbsentAndNamedAndTheRestStays) {
  OddFields odd;
  const auto user = ReadUser(
      Parsed(absl::StrCat(R"({"subscribe":1,"openid":"o1","unionid":"u1",)", GetParam().json, "}")),
      "o1", odd);
  ASSERT_THAT(user, IsOk());
  EXPECT_THAT(odd, ElementsAre(GetParam().name));
  EXPECT_EQ(user->openid, "o1");
  EXPECT_EQ(user->profile.unionid, "u1");
  EXPECT_EQ(user->subscribed, true);
  EXPECT_EQ(user->subscribe_time, std::nullopt);
  EXPECT_EQ(user->profile.group_id, 0);
  EXPECT_EQ(user->profile.qr_scene, 0);
  EXPECT_EQ(user->profile.sex, 0);
  EXPECT_EQ(user->profile.remark, "");
  EXPECT_THAT(user->profile.tag_ids, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    , A12_OddField,
    ::testing::Values(OddField{R"("qr_scene":"")", "qr_scene"}, OddField{R"("sex":"")", "sex"},
                      OddField{R"("subscribe_time":"")", "subscribe_time"},
                      OddField{R"("groupid":4294967297)", "groupid"},
                      OddField{R"("groupid":99999999999999999999)", "groupid"},
                      OddField{R"("sex":1e400)", "sex"}, OddField{R"("sex":[1])", "sex"},
                      OddField{R"("qr_scene":1.5)", "qr_scene"},
                      OddField{R"("subscribe_time":-1)", "subscribe_time"},
                      OddField{R"("subscribe_time":18446744073709551616)", "subscribe_time"},
                      OddField{R"("subscribe_time":253402300800)", "subscribe_time"},
                      OddField{R"("tagid_list":[null])", "tagid_list"},
                      OddField{R"("tagid_list":[4294967297])", "tagid_list"},
                      OddField{R"("tagid_list":[-1,"x",[],{}])", "tagid_list"},
                      OddField{R"("tagid_list":"2,3")", "tagid_list"},
                      OddField{R"("tagid_list":{})", "tagid_list"},
                      OddField{R"("remark":{})", "remark"}, OddField{R"("remark":[1])", "remark"},
                      OddField{R"("remark":true)", "remark"},
                      OddField{R"("remark":1.5)", "remark"}));

TEST(User, A12_NullIsAsGoodAsAbsent) {
  OddFields odd;
  const auto user = ReadUser(
      Parsed(
          R"({"subscribe":1,"openid":"o1","sex":null,"remark":null,"tagid_list":null,"qr_scene":null})"),
      "o1", odd);
  ASSERT_THAT(user, IsOk());
  EXPECT_THAT(odd, IsEmpty());
}

TEST(User, A12_OddTagHidesNoOther) {
  OddFields odd;
  const auto user =
      ReadUser(Parsed(R"({"subscribe":1,"openid":"o1","tagid_list":[2,null,128]})"), "o1", odd);
  ASSERT_THAT(user, IsOk());
  EXPECT_THAT(user->profile.tag_ids, ElementsAre(2, 128));
}

// Who is taken to have left loses the profile, so nobody has left because an answer doesn't say.
TEST(User, A12_UnreadableSubscribeIsNoLeave) {
  for (const char* subscribe : {R"("subscribe":"",)", R"("subscribe":null,)", R"("subscribe":[],)",
                                R"("subscribe":0.0,)", ""}) {
    OddFields odd;
    const auto user =
        ReadUser(Parsed(absl::StrCat("{", subscribe, R"("openid":"o1","remark":"r"})")), "o1", odd);
    ASSERT_THAT(user, IsOk()) << subscribe;
    EXPECT_EQ(user->subscribed, std::nullopt) << subscribe;
    EXPECT_EQ(user->profile.remark, "r") << subscribe;
    EXPECT_THAT(odd, ElementsAre("subscribe")) << subscribe;
  }
}

TEST(User, A12_WithoutUsableOpenidItIsThePersonAskedFor) {
  for (const char* openid : {"", R"("openid":7,)", R"("openid":"",)", R"("openid":null,)"}) {
    OddFields odd;
    const auto user = ReadUser(Parsed(absl::StrCat("{", openid, R"("subscribe":1,"remark":"r"})")),
                               "oAsked", odd);
    ASSERT_THAT(user, IsOk()) << openid;
    EXPECT_EQ(user->openid, "oAsked") << openid;
    EXPECT_EQ(user->subscribed, true) << openid;
    EXPECT_EQ(user->profile.remark, "r") << openid;
    EXPECT_THAT(odd, ElementsAre("openid")) << openid;
  }
}

TEST(User, C03_SubscribeTimeAfter2038IsExact) {
  EXPECT_EQ(ReadUser(Parsed(R"({"openid":"o1","subscribe_time":4102444800})"))->subscribe_time,
            absl::FromUnixSeconds(4102444800));
}

TEST(User, WithoutOpenidIsNone) {
  for (const char* openid : {"", R"(,"openid":"")", R"(,"openid":7)", R"(,"openid":null)",
                             R"(,"openid":"a b")", R"(,"openid":"中")", R"(,"openid":["o1"])"}) {
    EXPECT_THAT(ReadUser(Parsed(absl::StrCat(R"({"remark":"r")", openid, "}"))),
                StatusIs(StatusCode::kDataLoss))
        << openid;
  }
  EXPECT_THAT(ReadUser(Parsed(absl::StrCat(R"({"openid":")", std::string(129, 'o'), R"("})"))),
              StatusIs(StatusCode::kDataLoss));
}

TEST(Users, ComeAsAList) {
  OddFields odd;
  const auto batch = ReadUsers(
      Parsed(R"({"user_info_list":[{"subscribe":1,"openid":"o1"},{"subscribe":0,"openid":"o2"}]})"),
      odd);
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ(batch->users.size(), 2u);
  EXPECT_EQ(batch->users[1].openid, "o2");
  EXPECT_EQ(batch->unusable, 0);
  EXPECT_THAT(odd, IsEmpty());
  EXPECT_THAT(ReadUsers(Parsed(R"({"user_info_list":[]})"), odd), IsOk());
  for (const char* body : {"{}", R"({"user_info_list":{}})", R"({"user_info_list":null})"}) {
    EXPECT_THAT(ReadUsers(Parsed(body), odd), StatusIs(StatusCode::kDataLoss)) << body;
  }
}

TEST(Users, A12_UnusableEntryHidesNoOther) {
  OddFields odd;
  const auto batch = ReadUsers(
      Parsed(
          R"({"user_info_list":[1,{},null,{"subscribe":1,"openid":"o1","sex":""},{"openid":[]},[]]})"),
      odd);
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ(batch->users.size(), 1u);
  EXPECT_EQ(batch->users[0].openid, "o1");
  EXPECT_EQ(batch->unusable, 5);
  EXPECT_THAT(odd, ElementsAre("sex", "user_info_list"));
}

TEST(Followers, A12_UnusableEntryHidesNoOther) {
  OddFields odd;
  const auto page = ReadFollowers(
      Parsed(
          R"({"total":5,"count":"x","data":{"openid":["o1",7,null,"","o2"]},"next_openid":"o2"})"),
      "", odd);
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->openids, ElementsAre("o1", "o2"));
  EXPECT_EQ(page->unusable, 3);
  EXPECT_EQ(page->next_openid, "o2");
  EXPECT_THAT(odd, ElementsAre("data.openid"));
}

// What would read as "nobody follows" or "that was the end".
TEST(Followers, A01_NeedTheirTotalAndAWordAboutThePage) {
  OddFields odd;
  for (const char* body :
       {"{}", R"({"code":503})", R"({"total":"","count":0})", R"({"total":null,"count":0})",
        R"({"total":3,"count":3})", R"({"total":3,"count":""})",
        R"({"total":3,"count":0,"data":[]})", R"({"total":3,"count":3,"data":{}})"}) {
    EXPECT_THAT(ReadFollowers(Parsed(body), "", odd), StatusIs(StatusCode::kDataLoss)) << body;
  }
}

TEST(Templates, ComeAsAList) {
  OddFields odd;
  const auto list = ReadTemplates(
      Parsed(
          R"({"template_list":[{"template_id":"iPk5","title":"领取奖金提醒","primary_industry":"IT科技","content":"{{thing1.DATA}}\n{{time2.DATA}}","example":"…"}]})"),
      odd);
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->templates.size(), 1u);
  EXPECT_EQ(list->templates[0].template_id, "iPk5");
  EXPECT_EQ(list->templates[0].title, "领取奖金提醒");
  EXPECT_EQ(list->templates[0].content, "{{thing1.DATA}}\n{{time2.DATA}}");
  EXPECT_TRUE(list->templates[0].has_content);
  EXPECT_THAT(ReadTemplates(Parsed("{}"), odd), StatusIs(StatusCode::kDataLoss));
}

TEST(Templates, A12_UnusableEntryHidesNoOther) {
  OddFields odd;
  const auto list = ReadTemplates(
      Parsed(
          R"({"template_list":[7,{"title":"t"},{"template_id":"a","content":5},{"template_id":"b","title":[],"content":"x"}]})"),
      odd);
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->unusable, 2);
  ASSERT_EQ(list->templates.size(), 2u);
  EXPECT_FALSE(list->templates[0].has_content);
  EXPECT_TRUE(list->templates[1].has_content);
  EXPECT_THAT(odd, ElementsAre("content", "template_list", "title"));
}

}  // namespace
}  // namespace hongyan::wechat
