#include "server/endpoints/callback/callback.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/async/event_loop.h"
#include "server/http/request_head.h"
#include "server/wechat/signature.h"
#include "tests/support/cpu_time.h"
#include "tests/support/run_until_done.h"
#include "tests/support/silent_accounts.h"
#include "tests/support/temp_storage.h"
#include "tests/unit/wechat/callback_vectors.h"

namespace hongyan::endpoints {
namespace {

constexpr char kPath[] = "/wechat/callback/main";
constexpr char kSafePath[] = "/wechat/callback/safe";
// Published by the platform: V1 is the verification, V2 a push.
constexpr char kV1[] =
    "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492";
constexpr char kV2[] =
    "signature=899cf89e464efb63f54ddac96b0a0a235f53aa78&timestamp=1714037059&nonce=486452656";
constexpr char kBody[] =
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>oU</FromUserName><CreateTime>1714037059"
    "</CreateTime><MsgType>text</MsgType><Content>hi</Content><MsgId>1</MsgId></xml>";
const absl::Time kNow = absl::FromUnixSeconds(1714037060);

// The time of day stands still; waits go by the machine's clock.
class StillClock final : public async::Clock {
 public:
  explicit StillClock(async::EventLoop& loop) : machine_(loop) {}
  absl::Time Now() const override { return now; }
  async::MonoTime Mono() const override { return machine_.Mono(); }
  std::unique_ptr<async::Alarm> NewAlarm() override { return machine_.NewAlarm(); }
  absl::Time now = kNow;

 private:
  async::SystemClock machine_;
};

http::RequestHead Head(const std::string& method, const std::string& target) {
  http::RequestHead head;
  head.method = method;
  const std::size_t mark = target.find('?');
  head.path = target.substr(0, mark);
  if (mark != std::string::npos) head.query = *http::ParseQuery(target.substr(mark + 1));
  return head;
}

class CallbackTest : public ::testing::Test {
 protected:
  explicit CallbackTest(absl::Duration window = absl::Minutes(10))
      : endpoint_(*accounts_, window, intake_, clock_, metrics_) {
    auto replies = core::ReplyRules::Create({{"text", "^帮助$", wechat::TextReply{"a]]>b"}},
                                             {"subscribe", "", wechat::TextReply{"welcome"}}});
    AddAccount("main", kPath, base::Secret("AAAAA"), {}, *std::move(replies));
    AddAccount("safe", kSafePath, base::Secret("AAAAA"), Cipher());
    AddAccount("other", "/mp/serverCheck", base::Secret("BBBBB"), {});
  }

  void AddAccount(const std::string& name, const std::string& path, const base::Secret& token,
                  std::optional<wechat::CallbackCipher> cipher, core::ReplyRules replies = {}) {
    accounts_.Add(name,
                  {path, token, wechat::PushOpener(token, std::move(cipher)), std::move(replies)});
  }

  static std::optional<wechat::CallbackCipher> Cipher() {
    return *wechat::CallbackCipher::Create(
        base::Secret(wechat::kCallbackVectors[0].encoding_aes_key), base::Secret(),
        wechat::kCallbackVectors[0].app_id);
  }
  // As the server asks: head first, and the body only when the head passed.
  http::HttpReply Ask(const std::string& method, const std::string& target,
                      const std::string& body = "") {
    const auto head = Head(method, target);
    if (auto refusal = endpoint_.CheckHead(head)) return *std::move(refusal);
    return support::RunUntilDone(loop_, endpoint_.Handle(head, body));
  }
  http::HttpReply Get(const std::string& query) {
    return Ask("GET", absl::StrCat(kPath, "?", query));
  }
  http::HttpReply Post(const std::string& query, const std::string& body = kBody) {
    return Ask("POST", absl::StrCat(kPath, "?", query), body);
  }
  // The query of a push that is signed for the account `main`.
  static std::string Signed(const std::string& timestamp, const std::string& nonce) {
    return absl::StrCat("signature=", wechat::Signature({"AAAAA", timestamp, nonce}),
                        "&timestamp=", timestamp, "&nonce=", nonce);
  }
  std::string Metrics() {
    return prometheus::TextSerializer().Serialize(metrics_.registry().Collect());
  }
  void ExpectForbidden(const http::HttpReply& reply) {
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.body, "");
  }

  async::EventLoop loop_;
  StillClock clock_{loop_};
  base::Metrics metrics_;
  support::TempStorage storage_{loop_, clock_};
  support::SilentAccounts accounts_{loop_, clock_};
  core::EventIntake intake_{storage_.events(), clock_};
  CallbackEndpoint endpoint_;
};

class CallbackWithoutWindow : public CallbackTest {
 protected:
  CallbackWithoutWindow() : CallbackTest(absl::ZeroDuration()) {}
};

// V3: the platform's own encrypted push, as it would be posted.
TEST_F(CallbackWithoutWindow, EncryptedPushIsTakenInEncryptedFormOnly) {
  const wechat::CallbackVector& v3 = wechat::kCallbackVectors[0];
  const std::string query =
      absl::StrCat("signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=", v3.timestamp,
                   "&nonce=", v3.nonce);
  const std::string encrypted =
      absl::StrCat(query, "&encrypt_type=aes&msg_signature=", v3.msg_signature);
  const std::string body =
      absl::StrCat(R"({"ToUserName":"gh_97417a04a28d","Encrypt":")", v3.encrypt, R"("})");
  const auto post = [&](const std::string& with, const std::string& what) {
    return Ask("POST", absl::StrCat(kSafePath, "?", with), what);
  };
  const auto reply = post(encrypted, body);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "success");
  ExpectForbidden(post(query, body));                                     // nothing says aes
  ExpectForbidden(post(absl::StrCat(query, "&encrypt_type=aes"), body));  // no msg_signature
  ExpectForbidden(post(absl::StrCat(query, "&encrypt_type=raw"), v3.message));
  ExpectForbidden(post(encrypted, v3.message));  // no Encrypt
  ExpectForbidden(post(absl::StrReplaceAll(encrypted, {{"046e02f8", "046e02f9"}}), body));
  ExpectForbidden(Post(encrypted, body));  // signed alike, but the account is in plain mode
}

TEST_F(CallbackWithoutWindow, VerificationIsNeverEncrypted) {
  const auto reply = Ask("GET", absl::StrCat(kSafePath, "?", kV1, "&echostr=4375120948345356249"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "4375120948345356249");
}

TEST_F(CallbackTest, VerificationGivesTheVeryBytesBack) {
  const auto reply = Get(absl::StrCat(kV1, "&echostr=4375120948345356249"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, "text/plain");
  EXPECT_EQ(reply.body, "4375120948345356249");
}

TEST_F(CallbackTest, PushWithoutARuleIsAnsweredSuccess) {
  const auto reply = Post(absl::StrCat(kV2, "&openid=oU"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "success");
  EXPECT_TRUE(absl::StrContains(
      Metrics(), R"(hongyan_callbacks_total{account="main",outcome="ok",type="text"} 1)"));
}

TEST_F(CallbackTest, RuleAnswersInXmlWithBothNamesSwapped) {
  const auto reply = Post(kV2, absl::StrReplaceAll(kBody, {{">hi<", ">帮助<"}}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body,
            "<xml><ToUserName><![CDATA[oU]]></ToUserName><FromUserName><![CDATA[gh_1]]>"
            "</FromUserName><CreateTime>1714037060</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            "<Content><![CDATA[a]]]]><![CDATA[>b]]></Content></xml>");
}

TEST_F(CallbackTest, RuleAnswersInJsonWhereThePushWasJson) {
  const auto reply = Post(
      kV2, R"({"ToUserName":"gh_1","FromUserName":"oU","MsgType":"event","Event":"subscribe"})");
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.body, R"({"ToUserName":"oU","FromUserName":"gh_1","CreateTime":1714037060,)"
                        R"("MsgType":"text","Content":"welcome"})");
}

TEST_F(CallbackTest, H06_OnlyTheExactPathIsKnown) {
  for (const char* path :
       {"/", "/wechat/callback/main/", "//wechat/callback/main",
        "/wechat/callback/../callback/main", "/wechat/callback/%6dain", "/wechat/callback/main;x",
        "/wechat/callback/MAIN", "/wechat/callback/main%00", "/wechat/callback/mai",
        "/%2e%2e/wechat/callback/main"}) {
    EXPECT_EQ(Ask("GET", absl::StrCat(path, "?", kV1, "&echostr=1")).status, 404) << path;
    EXPECT_EQ(Ask("DELETE", path).status, 404) << path;
  }
}

TEST_F(CallbackTest, H06_OtherMethodsAreNotAllowed) {
  for (const char* method : {"HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "GETX"}) {
    const auto reply = Ask(method, absl::StrCat(kPath, "?", kV1, "&echostr=1"));
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.allow, "GET, POST");
  }
}

TEST_F(CallbackTest, H17_MissingEmptyAndDoubledParametersAreRefused) {
  const std::string signature = "signature=f464b24fc39322e44b38aa78f5edd27bd1441696";
  const std::string right = absl::StrCat(kV1, "&echostr=1");
  ASSERT_EQ(Get(right).status, 200);
  for (const std::string& query :
       {std::string(), std::string("echostr=1"), absl::StrReplaceAll(right, {{signature, ""}}),
        absl::StrReplaceAll(right, {{"timestamp=1714036504", ""}}),
        absl::StrReplaceAll(right, {{"nonce=1514711492", "nonce="}}), std::string(kV1),
        absl::StrCat(kV1, "&echostr="), absl::StrCat(right, "&", signature),
        absl::StrCat(right, "&timestamp=1714036504"), absl::StrCat(right, "&nonce=2"),
        absl::StrCat(right, "&echostr=2"),
        absl::StrReplaceAll(right, {{"signature=", "signature[]="}}),
        absl::StrReplaceAll(right, {{"signature=", "Signature="}})}) {
    EXPECT_EQ(Get(query).status, 400) << query;
  }
  EXPECT_EQ(Post(absl::StrCat(kV2, "&encrypt_type=raw&encrypt_type=aes")).status, 400);
  EXPECT_EQ(Post(absl::StrCat(kV2, "&msg_signature=a&msg_signature=b")).status, 400);
}

TEST_F(CallbackTest, H18_WrongSignaturesAreForbidden) {
  const std::string right = "f464b24fc39322e44b38aa78f5edd27bd1441696";
  for (const std::string& wrong :
       {right.substr(0, 39), right + "0", std::string("F464B24FC39322E44B38AA78F5EDD27BD1441696"),
        right.substr(0, 38) + "00", std::string("x"), std::string("%00"), std::string("%ff%fe")}) {
    ExpectForbidden(Get(absl::StrReplaceAll(absl::StrCat(kV1, "&echostr=1"), {{right, wrong}})));
    ExpectForbidden(Post(absl::StrReplaceAll(kV1, {{right, wrong}})));
  }
  // Another account's token.
  ExpectForbidden(Ask("GET", absl::StrCat("/mp/serverCheck?", kV1, "&echostr=1")));
}

// Promise 10. That the time is the same wherever the signature differs is ConstantTimeEquals'
// matter.
TEST_F(CallbackTest, H18_RefusalCostsLessThanAMillisecond) {
  const std::string wrong = absl::StrReplaceAll(kV2, {{"signature=8", "signature=9"}});
  const auto refused = [&] { ExpectForbidden(Post(wrong)); };
  EXPECT_LT(support::QuickestTurns({refused}, 20, 5).front(), 0.001);
}

TEST_F(CallbackTest, WhatTheServerRefusesIsCountedButNotTimed) {
  for (const int status : {0, 408, 413, 400}) endpoint_.OnRefused(status, "192.0.2.1");
  endpoint_.OnEvicted("192.0.2.1");
  const std::string metrics = Metrics();
  for (const char* outcome : {"over_limit", "timeout", "too_large", "malformed", "evicted"}) {
    EXPECT_TRUE(absl::StrContains(
        metrics, absl::StrCat("hongyan_callbacks_total{account=\"unknown\",outcome=\"", outcome,
                              "\",type=\"unknown\"} 1")))
        << metrics;
  }
  EXPECT_FALSE(absl::StrContains(metrics, "hongyan_callback_seconds_count"));
}

TEST_F(CallbackTest, H19_EchostrIsTextAndBounded) {
  const auto reply = Get(absl::StrCat(kV1, "&echostr=%3Cscript%3E%00%2B"));
  EXPECT_EQ(reply.content_type, "text/plain");
  EXPECT_EQ(reply.body, std::string("<script>\0+", 10));
  EXPECT_EQ(Get(absl::StrCat(kV1, "&echostr=", std::string(1024, 'e'))).body,
            std::string(1024, 'e'));
  EXPECT_EQ(Get(absl::StrCat(kV1, "&echostr=", std::string(1025, 'e'))).status, 400);
}

TEST_F(CallbackTest, TimestampWindowHoldsForBothMethods) {
  const absl::Time sent = absl::FromUnixSeconds(1714036504);
  const std::string get = absl::StrCat(kV1, "&echostr=1");
  clock_.now = sent + absl::Minutes(10);
  EXPECT_EQ(Get(get).status, 200);
  EXPECT_EQ(Post(kV1).status, 200);
  clock_.now = sent + absl::Minutes(10) + absl::Seconds(1);
  ExpectForbidden(Get(get));
  ExpectForbidden(Post(kV1));
  clock_.now = sent - absl::Minutes(10);
  EXPECT_EQ(Get(get).status, 200);
  clock_.now = sent - absl::Minutes(10) - absl::Seconds(1);
  ExpectForbidden(Get(get));
}

TEST_F(CallbackWithoutWindow, AnyTimestampIsAccepted) {
  clock_.now = absl::FromUnixSeconds(2000000000);
  EXPECT_EQ(Get(absl::StrCat(kV1, "&echostr=1")).status, 200);
}

TEST_F(CallbackTest, X01_BadBodiesAreRefusedAndNotRemembered) {
  for (const char* body : {"", "hello", "<xml>", "<!DOCTYPE xml><xml/>", "<xml a='b'/>", "[]",
                           "{\"a\":", "<html></html>"}) {
    EXPECT_EQ(Post(kV2, body).status, 400) << body;
  }
  EXPECT_EQ(Post(kV2).body, "success");
  EXPECT_FALSE(absl::StrContains(Metrics(), "replay"));
}

TEST_F(CallbackTest, X08_UnknownTypesAreTakenAndCountedAsUnknown) {
  EXPECT_EQ(Post(Signed("1714037059", "1"), "<xml><MsgType>zzz1</MsgType></xml>").body, "success");
  EXPECT_EQ(
      Post(Signed("1714037059", "2"), "<xml><MsgType>event</MsgType><Event>zzz2</Event></xml>")
          .body,
      "success");
  EXPECT_EQ(Post(Signed("1714037059", "3"), "<xml><CreateTime>abc</CreateTime></xml>").body,
            "success");
  EXPECT_TRUE(absl::StrContains(
      Metrics(), R"(hongyan_callbacks_total{account="main",outcome="ok",type="unknown"} 3)"));
  EXPECT_FALSE(absl::StrContains(Metrics(), "zzz"));
}

TEST_F(CallbackTest, X08_ReplyNeedsSomebodyToReplyTo) {
  EXPECT_EQ(Post(kV2, "<xml><MsgType>text</MsgType><Content>帮助</Content></xml>").body, "success");
}

TEST_F(CallbackTest, X10_EncryptedPushesAreForbiddenInPlainMode) {
  ExpectForbidden(Post(absl::StrCat(kV2, "&encrypt_type=aes&msg_signature=x")));
  ExpectForbidden(Post(kV2, "<xml><ToUserName>g</ToUserName><Encrypt>AAAA</Encrypt></xml>"));
  ExpectForbidden(Post(kV2, R"({"Encrypt":"AAAA"})"));
  EXPECT_EQ(Post(absl::StrCat(kV2, "&encrypt_type=raw")).body, "success");
}

TEST_F(CallbackTest, X12_RepeatsAreAnsweredAndCountedApart) {
  clock_.now = absl::FromUnixSeconds(1714037059);
  EXPECT_EQ(Post(kV2).body, "success");
  clock_.now += absl::Seconds(1);
  EXPECT_EQ(Post(kV2).body, "success");
  clock_.now += absl::Minutes(9);
  EXPECT_EQ(Post(kV2).body, "success");
  clock_.now += absl::Minutes(2);
  ExpectForbidden(Post(kV2));
  const std::string metrics = Metrics();
  EXPECT_TRUE(absl::StrContains(metrics, R"(outcome="ok",type="text"} 1)"));
  EXPECT_TRUE(absl::StrContains(metrics, R"(outcome="repeated",type="text"} 2)"));
  EXPECT_TRUE(absl::StrContains(metrics, R"(outcome="stale",type="unknown"} 1)"));
}

TEST_F(CallbackTest, C02_WrongClockIsSeenInTheMetrics) {
  const auto shows = [this](const std::string& seconds) {
    return absl::StrContains(Metrics(), "\nhongyan_callback_clock_skew_seconds " + seconds + "\n");
  };
  clock_.now = absl::FromUnixSeconds(1714037059) + absl::Hours(1);
  ExpectForbidden(Post(kV2));
  EXPECT_TRUE(shows("3600"));
  // Whoever can't sign doesn't move it.
  ExpectForbidden(Post("signature=0&timestamp=1&nonce=1"));
  EXPECT_TRUE(shows("3600"));
  clock_.now = absl::FromUnixSeconds(1714037059) - absl::Seconds(2);
  EXPECT_EQ(Post(kV2).status, 200);
  EXPECT_TRUE(shows("-2"));
}

TEST_F(CallbackTest, X13_OtherBodyUnderAKnownSignatureIsForbidden) {
  EXPECT_EQ(Post(kV2).status, 200);
  ExpectForbidden(Post(kV2, absl::StrReplaceAll(kBody, {{"hi", "evil"}})));
  ExpectForbidden(Post(kV2, "not even xml"));
  EXPECT_EQ(Post(kV2).status, 200);
  EXPECT_TRUE(absl::StrContains(
      Metrics(), R"(hongyan_callbacks_total{account="main",outcome="replay",type="unknown"} 2)"));
}

TEST_F(CallbackWithoutWindow, X13_SignatureCutElsewhereIsForbidden) {
  const std::string signature = "signature=899cf89e464efb63f54ddac96b0a0a235f53aa78";
  EXPECT_EQ(Post(kV2).status, 200);
  // All of these have the very signature of V2.
  EXPECT_EQ(wechat::Signature({"AAAAA", "9486452656", "171403705"}), signature.substr(10));
  ExpectForbidden(Post(absl::StrCat(signature, "&timestamp=171403705&nonce=9486452656")));
  ExpectForbidden(Post(absl::StrCat(signature, "&timestamp=171403705948&nonce=6452656")));
  ExpectForbidden(Post(absl::StrCat(signature, "&timestamp=1714037059486452656&nonce=AAAAA")));
  // The form allows this one; it is the same signature, so it stays bound to the same body.
  ExpectForbidden(Post(absl::StrCat(signature, "&timestamp=9486452656&nonce=171403705"), "<xml/>"));
}

TEST_F(CallbackTest, X13_TimestampAndNonceHaveOneForm) {
  for (const auto& [timestamp, nonce] :
       std::vector<std::pair<std::string, std::string>>{{"171403705", "1"},
                                                        {"17140370590", "1"},
                                                        {"171403705x", "1"},
                                                        {"-171403705", "1"},
                                                        {"1714037059", std::string(129, '1')},
                                                        {"1714037059", "%E4%BD%A0"}}) {
    const std::string plain = absl::StrReplaceAll(nonce, {{"%E4%BD%A0", "你"}});
    ExpectForbidden(Post(absl::StrCat("signature=", wechat::Signature({"AAAAA", timestamp, plain}),
                                      "&timestamp=", timestamp, "&nonce=", nonce)));
  }
  EXPECT_EQ(Post(Signed("1714037059", "aZ9")).status, 200);
  EXPECT_EQ(Post(Signed("1714037059", "3f2b-4c_d")).status, 200);
  EXPECT_EQ(Post(Signed("1714037059", std::string(128, '1'))).status, 200);
}

TEST_F(CallbackTest, W04_AWrongUrlInTheConsoleIsWarnedAboutWithItsPath) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Ask("GET", absl::StrCat("/mp/servercheck/\u202E", std::string(500, 'x'), "?",
                                    Signed("1714037059", "1"), "&echostr=secret"))
                .status,
            404);
  // The same again is suppressed, and what isn't WeChat's is no warning.
  Ask("POST", absl::StrCat("/other?", Signed("1714037059", "2")));
  Ask("GET", "/scanner?signature=1");
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("\"level\":\"warn\""), log.rfind("\"level\":\"warn\"")) << log;
  for (const char* part :
       {R"("event":"callback to a path that no account has")", R"(/mp/servercheck/\\u202exxx)",
        R"("account":"main")", R"("expected_path":"/wechat/callback/main")", "callback.path"}) {
    EXPECT_TRUE(absl::StrContains(log, part)) << part << "\n" << log;
  }
  EXPECT_FALSE(absl::StrContains(log, std::string(200, 'x')));
  for (const char* secret : {"secret", "signature=", "1714037059", "scanner"}) {
    EXPECT_FALSE(absl::StrContains(log, secret)) << secret;
  }
}

TEST_F(CallbackTest, UnknownPathsAreOneSeries) {
  for (int i = 0; i < 50; ++i) Ask("GET", absl::StrCat("/scan", i));
  const std::string metrics = Metrics();
  EXPECT_TRUE(absl::StrContains(
      metrics,
      R"(hongyan_callbacks_total{account="unknown",outcome="not_found",type="unknown"} 50)"));
  EXPECT_FALSE(absl::StrContains(metrics, "scan"));
}

}  // namespace
}  // namespace hongyan::endpoints
