#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HandlerTest : public ConfigTest {
 protected:
  LoadResult LoadHandler(const std::string& parts) {
    return LoadWith(absl::StrCat("    callback: {token: '${WX_CALLBACK_TOKEN}'}\n    handler: {",
                                 parts, "}\n"));
  }
  v1::HandlerConfig Accepted(const std::string& parts) {
    const LoadResult result = LoadHandler(parts);
    EXPECT_THAT(result.problems, IsEmpty()) << parts;
    EXPECT_THAT(result.warnings, IsEmpty()) << parts;
    return result.settings.accounts(0).handler();
  }
  void ExpectRefused(const std::string& parts, const std::string& key, const std::string& part) {
    EXPECT_THAT(LoadHandler(parts).problems,
                ElementsAre(IsProblem("accounts[0].handler." + key, 6, part)))
        << parts;
  }
};

TEST_F(HandlerTest, OnlyTheTargetIsRequired) {
  EXPECT_FALSE(LoadWith("").settings.accounts(0).has_handler());
  const v1::HandlerConfig handler = Accepted("target: 'dns:///support-bot:50051'");
  EXPECT_EQ(handler.target(), "dns:///support-bot:50051");
  EXPECT_EQ(ToDuration(handler.timeout()), absl::Seconds(4));
  EXPECT_EQ(ToDuration(handler.late_reply_within()), absl::ZeroDuration());
  EXPECT_FALSE(handler.has_tls());
  EXPECT_THAT(handler.on(), IsEmpty());
  ExpectRefused("timeout: 4s", "target", "is required");
}

TEST_F(HandlerTest, Targets) {
  for (const char* target :
       {"127.0.0.1:50051", "[::1]:1", "bot:65535", "dns:///bot.svc:1", "unix:/run/bot.sock",
        "unix:bot.sock", "bot:08080", "[fe80::1%eth0]:1"}) {
    EXPECT_EQ(Accepted(absl::StrCat("target: '", target, "'")).target(), target);
  }
  for (const char* target :
       {"bot", "bot:", ":1", "bot:0", "bot:65536", "bot:http", "http://bot:1", "xds:///bot:1",
        "dns://8.8.8.8/bot:1", "dns:///bot", "a b:1", "unix:", "u@bot:1", "[]:1", "bot:000001"}) {
    ExpectRefused(absl::StrCat("target: '", target, "'"), "target", "is no target");
  }
  ExpectRefused("target: ''", "target", "is empty, and is required");
}

TEST_F(HandlerTest, TimesStayWithinWhatWechatWaits) {
  EXPECT_EQ(ToDuration(Accepted("target: 'a:1', timeout: 4500ms").timeout()),
            absl::Milliseconds(4500));
  EXPECT_EQ(ToDuration(Accepted("target: 'a:1', late_reply_within: 60s").late_reply_within()),
            absl::Seconds(60));
  Accepted("target: 'a:1', late_reply_within: 0s");
  ExpectRefused("target: 'a:1', timeout: 5s", "timeout", "from 100ms to 4500ms");
  ExpectRefused("target: 'a:1', timeout: 0s", "timeout", "from 100ms");
  ExpectRefused("target: 'a:1', late_reply_within: 4s", "late_reply_within", "0s, or from 5s");
  ExpectRefused("target: 'a:1', late_reply_within: 61s", "late_reply_within", "to 60s");
}

TEST_F(HandlerTest, TypesAreKnownOnes) {
  EXPECT_THAT(Accepted("target: 'a:1', on: [text, scancode_push]").on(),
              ElementsAre("text", "scancode_push"));
  ExpectRefused("target: 'a:1', on: [text, subcribe]", "on[1]", "known are text, image");
  ExpectRefused("target: 'a:1', on: []", "on", "from 1 to 100");
}

TEST_F(HandlerTest, TlsNamesItsFiles) {
  EXPECT_TRUE(Accepted("target: 'a:1', tls: {}").has_tls());
  ExpectRefused("target: 'a:1', tls: {ca_file: /nowhere.pem}", "tls.ca_file", "");
  ExpectRefused("target: 'a:1', tls: {ca_file: ''}", "tls.ca_file", "is empty");
  ExpectRefused("target: 'a:1', tls: {cert_file: /a.pem}", "tls.key_file", "belong together");
}

TEST_F(HandlerTest, WithoutACallbackItIsWarnedAbout) {
  const LoadResult result = LoadWith("    handler: {target: 'a:1'}\n");
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(result.warnings,
              ElementsAre(IsProblem("accounts[0].handler", 5, "will never be used")));
}

}  // namespace
}  // namespace hongyan::config
