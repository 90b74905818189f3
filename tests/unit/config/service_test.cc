// Everything but the accounts: defaults, ranges, the rules between keys, and whole files.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ServiceTest : public ConfigTest {
 protected:
  // Expects the one problem of `line`, which stands at line 5.
  void ExpectRefused(const std::string& line, const std::string& path, const std::string& part) {
    SCOPED_TRACE(line);
    EXPECT_THAT(LoadWith(line + "\n").problems, ElementsAre(IsProblem(path, 5, part)));
  }
  Settings Accepted(const std::string& line) {
    SCOPED_TRACE(line);
    LoadResult result = LoadWith(line + "\n");
    EXPECT_THAT(result.problems, IsEmpty());
    return std::move(result.settings);
  }
};

TEST_F(ServiceTest, OnlyAccountsAreRequiredAndDefaultsAreThoseOfTheContract) {
  const LoadResult result = LoadWith("");
  ASSERT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(result.warnings, IsEmpty());
  const Settings& s = result.settings;
  EXPECT_EQ(s.grpc().listen(), "127.0.0.1:9090");
  EXPECT_FALSE(s.grpc().has_tls());
  EXPECT_EQ(s.grpc().max_in_flight(), 4096);
  EXPECT_EQ(s.grpc().max_request_bytes(), 4194304);
  EXPECT_EQ(s.grpc().max_connections(), 1024);
  EXPECT_EQ(s.grpc().max_connections_per_address(), 0);
  EXPECT_EQ(s.callback().listen(), "127.0.0.1:8080");
  EXPECT_EQ(s.callback().max_connections(), 1024);
  EXPECT_EQ(s.callback().max_connections_per_address(), 0);
  EXPECT_EQ(ToDuration(s.callback().timestamp_window()), absl::Minutes(10));
  EXPECT_EQ(s.admin().listen(), "127.0.0.1:9091");
  EXPECT_EQ(LogLevel(s), base::Level::kInfo);
  EXPECT_EQ(LogFormat(s), base::LogFormat::kJson);
  EXPECT_THAT(s.wechat().api_urls(),
              ElementsAre("https://api.weixin.qq.com", "https://api2.weixin.qq.com"));
  EXPECT_EQ(s.wechat().token_endpoint(), "stable");
  EXPECT_EQ(ToDuration(s.wechat().timeout()), absl::Seconds(5));
  EXPECT_EQ(s.wechat().max_connections(), 128);
  EXPECT_EQ(s.wechat().ca_file(), "");
  EXPECT_EQ(ToDuration(s.shutdown().delay()), absl::Seconds(5));
  EXPECT_EQ(ToDuration(s.shutdown().grace()), absl::Seconds(20));
}

TEST_F(ServiceTest, OnATerminalTheProcessEndsAtOnceUnlessTold) {
  on_terminal_ = true;
  EXPECT_EQ(ToDuration(Accepted("").shutdown().delay()), absl::ZeroDuration());
  EXPECT_EQ(ToDuration(Accepted("shutdown: {delay: 3s}").shutdown().delay()), absl::Seconds(3));
}

TEST_F(ServiceTest, ValuesArriveWhereTheyBelong) {
  files_["/ca.pem"].content = "";
  const Settings s = Accepted(
      "grpc: {listen: '[::1]:1', max_in_flight: 7, max_request_bytes: 64KiB, behind_proxy: true, "
      "max_connections: 5, max_connections_per_address: 6}\n"
      "callback: {listen: 0.0.0.0:2, max_connections: 8, max_connections_per_address: 9, "
      "timestamp_window: 0s}\n"
      "admin: {listen: localhost:3}\n"
      "log: {level: trace, format: text}\n"
      "wechat: {api_urls: [http://127.0.0.1:5/], token_endpoint: classic, timeout: 250ms, "
      "max_connections: 11}\n"
      "token_store: memory\n"
      "shutdown: {delay: 1s, grace: 1m}");
  EXPECT_EQ(s.grpc().listen(), "[::1]:1");
  EXPECT_EQ(s.grpc().max_in_flight(), 7);
  EXPECT_EQ(s.grpc().max_request_bytes(), 65536);
  EXPECT_EQ(s.grpc().max_connections(), 5);
  EXPECT_EQ(s.grpc().max_connections_per_address(), 6);
  EXPECT_EQ(s.callback().listen(), "0.0.0.0:2");
  EXPECT_EQ(s.callback().max_connections(), 8);
  EXPECT_EQ(s.callback().max_connections_per_address(), 9);
  EXPECT_EQ(ToDuration(s.callback().timestamp_window()), absl::ZeroDuration());
  EXPECT_EQ(s.admin().listen(), "127.0.0.1:3");
  EXPECT_EQ(LogLevel(s), base::Level::kDebug);
  EXPECT_EQ(LogFormat(s), base::LogFormat::kText);
  EXPECT_THAT(s.wechat().api_urls(), ElementsAre("http://127.0.0.1:5"));
  EXPECT_EQ(s.wechat().token_endpoint(), "classic");
  EXPECT_EQ(ToDuration(s.wechat().timeout()), absl::Milliseconds(250));
  EXPECT_EQ(s.wechat().max_connections(), 11);
  EXPECT_EQ(ToDuration(s.shutdown().delay()), absl::Seconds(1));
  EXPECT_EQ(ToDuration(s.shutdown().grace()), absl::Minutes(1));
}

TEST_F(ServiceTest, RangesHoldAtBothEnds) {
  const struct {
    const char* section;
    const char* key;
    const char* fits[2];
    const char* wrong[2];
  } kRows[] = {
      {"grpc", "max_in_flight", {"1", "100000"}, {"0", "100001"}},
      {"grpc", "max_request_bytes", {"1KiB", "64MiB"}, {"1023", "67108865"}},
      {"grpc", "max_connections", {"1", "100000"}, {"0", "100001"}},
      {"grpc", "max_connections_per_address", {"0", "100000"}, {"-1", "100001"}},
      {"callback", "max_connections", {"1", "100000"}, {"0", "100001"}},
      {"callback", "max_connections_per_address", {"0", "100000"}, {"-1", "100001"}},
      {"callback", "timestamp_window", {"0s", "24h"}, {"999ms", "25h"}},
      {"wechat", "timeout", {"100ms", "60s"}, {"99ms", "61s"}},
      {"wechat", "max_connections", {"1", "10000"}, {"0", "10001"}},
      {"shutdown", "delay", {"0s", "10m"}, {"11m", "1h"}},
      {"shutdown", "grace", {"0s", "10m"}, {"11m", "1h"}},
  };
  for (const auto& row : kRows) {
    for (const char* value : row.fits)
      Accepted(absl::StrCat(row.section, ": {", row.key, ": ", value, "}"));
    for (const char* value : row.wrong) {
      ExpectRefused(absl::StrCat(row.section, ": {", row.key, ": ", value, "}"),
                    absl::StrCat(row.section, ".", row.key), "must be ");
    }
  }
}

TEST_F(ServiceTest, ChoicesNameWhatThereIs) {
  ExpectRefused("log: {level: verbose}", "log.level",
                "\"verbose\"; must be one of trace, debug, info, warn, error");
  ExpectRefused("log: {level: INFO}", "log.level", "must be one of");
  ExpectRefused("log: {format: ''}", "log.format", "must be one of json, text");
  ExpectRefused("wechat: {token_endpoint: new}", "wechat.token_endpoint", "stable, classic");
}

TEST_F(ServiceTest, K03_ListenersNameTheirKey) {
  for (const char* name : {"grpc", "callback", "admin"}) {
    for (const char* address : {"127.0.0.1:70000", "nohost", "example.com:80", ""}) {
      ExpectRefused(absl::StrCat(name, ": {listen: '", address, "'}"),
                    absl::StrCat(name, ".listen"), "");
    }
    Accepted(absl::StrCat(name, ": {listen: '127.0.0.1:0'}"));
  }
}

TEST_F(ServiceTest, TwoListenersOnOneAddressAreRefused) {
  ExpectRefused("grpc: {listen: 127.0.0.1:9091}", "grpc.listen",
                "is the address of admin.listen too");
  ExpectRefused("admin: {listen: localhost:8080}", "admin.listen", "callback.listen");
  Accepted("grpc: {listen: 127.0.0.1:0}\nadmin: {listen: 127.0.0.1:0}");
}

TEST_F(ServiceTest, K05_W06_GrpcStaysOnLoopbackUnlessInsecureAndAdminWarns) {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:127.0.0.1]:0"}) {
    const std::string grpc = absl::StrCat("grpc: {listen: '", address, "'}");
    const std::string admin = absl::StrCat("admin: {listen: '", address, "'}");
    ExpectRefused(grpc, "grpc.listen", "auth.insecure: true");
    const LoadResult figures = LoadWith(admin + "\n");
    EXPECT_THAT(figures.problems, IsEmpty());
    EXPECT_THAT(figures.warnings,
                ElementsAre(IsProblem("admin.listen", 5, "may read the metrics")));
    Accepted(absl::StrCat("callback: {listen: '", address, "'}"));

    const LoadResult insecure =
        LoadWith(absl::StrCat(grpc, "\n", admin, "\nauth: {insecure: true}\n"));
    EXPECT_THAT(insecure.problems, IsEmpty());
    EXPECT_THAT(insecure.warnings,
                ElementsAre(IsProblem("grpc.listen", 5, "may send messages"),
                            IsProblem("admin.listen", 6, "may read the metrics")));
  }
  ExpectRefused("grpc: {listen: '0.0.0.0:0', behind_proxy: true}", "grpc.listen",
                "grpc.tls.client_ca_file");
  ExpectRefused("grpc: {listen: '0.0.0.0:0'}\nauth: {insecure: false}", "grpc.listen",
                "auth.insecure");
}

TEST_F(ServiceTest, ApiUrlsAreCheckedOneByOne) {
  const LoadResult result = LoadWith(
      "wechat:\n  api_urls:\n    - https://a.cn/\n    - http://a.cn\n    - "
      "'https://u:Planted@a.cn'\n");
  EXPECT_THAT(result.problems,
              ElementsAre(IsProblem("wechat.api_urls[1]", 8, "loopback addresses only"),
                          IsProblem("wechat.api_urls[2]", 9, "without credentials")));
  EXPECT_THAT(AllText(result), ::testing::Not(HasSubstr("Planted")));
  ExpectRefused("wechat: {api_urls: []}", "wechat.api_urls", "must be from 1 to 8");
  const std::string eight =
      "https://a.cn,https://a.cn,https://a.cn,https://a.cn,https://a.cn,https://a.cn,"
      "https://a.cn,https://a.cn";
  Accepted(absl::StrCat("wechat: {api_urls: [", eight, "]}"));
  ExpectRefused(absl::StrCat("wechat: {api_urls: [", eight, ",https://a.cn]}"), "wechat.api_urls",
                "has 9 items; must be from 1 to 8");
}

TEST_F(ServiceTest, WhatComesLaterIsRefusedOrWarnedAbout) {
  ExpectRefused("auth: {clients: [{name: a, scopes: [notify]}]}", "auth.clients",
                "comes with a later version");
  ExpectRefused("token_store: redis://127.0.0.1", "token_store", "comes with a later version");
  ExpectRefused("token_store: disk", "token_store", "must be memory");
  Accepted("token_store: memory\ntoken_store_key: 'x:{app_id}'");
  Accepted("auth: {clients: []}");
  for (const auto& [text, path] : {std::pair("token_store_key: 'x:{app_id}'", "token_store_key"),
                                   std::pair("grpc: {behind_proxy: true}", "grpc.behind_proxy")}) {
    EXPECT_THAT(LoadWith(std::string(text) + "\n").warnings,
                ElementsAre(IsProblem(path, 5, "not used by this version")));
  }
  const LoadResult result = LoadWith("    send_rate: 50\n");
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(result.warnings,
              ElementsAre(IsProblem("accounts[0].send_rate", 5, "not used by this version")));
}

TEST_F(ServiceTest, StorageIsASqliteFileWithItsRetentions) {
  const LoadResult defaults = LoadWith("");
  EXPECT_EQ(defaults.settings.storage().url(), "sqlite:hongyan.db");
  EXPECT_EQ(ToDuration(defaults.settings.storage().retention()), absl::Hours(30 * 24));
  const LoadResult given = LoadWith(
      "storage: {url: 'sqlite:/var/lib/h.db', retention: 7d, unsubscribed_retention: 12h}\n");
  EXPECT_THAT(given.problems, IsEmpty());
  EXPECT_EQ(given.settings.storage().url(), "sqlite:/var/lib/h.db");
  EXPECT_EQ(ToDuration(given.settings.storage().retention()), absl::Hours(7 * 24));
  EXPECT_EQ(ToDuration(given.settings.storage().unsubscribed_retention()), absl::Hours(12));
  ExpectRefused("storage: {url: 'postgresql://u:Planted@db/h'}", "storage.url", "later version");
  ExpectRefused("storage: {url: 'sqlite:'}", "storage.url", "must be sqlite:PATH");
  ExpectRefused("storage: {url: 'h.db'}", "storage.url", "must be sqlite:PATH");
  ExpectRefused("storage: {url: 'sqlite://h.db'}", "storage.url", "two slashes");
  ExpectRefused("storage: {url: 'sqlite:///var/lib/h.db'}", "storage.url", "two slashes");
  ExpectRefused("storage: {url: 'sqlite:h.db?mode=ro'}", "storage.url", "parameters");
  ExpectRefused("storage: {retention: 1m}", "storage.retention", "from 1h");
}

TEST_F(ServiceTest, ExampleOfTheContractReducedToThisVersion) {
  const LoadResult result = Load(R"(
grpc:     { listen: 127.0.0.1:9090, max_in_flight: 4096, max_request_bytes: 4MiB,
            max_connections: 1024, max_connections_per_address: 0 }
callback: { listen: 127.0.0.1:8080, max_connections: 1024, timestamp_window: 10m }   # 0s: no check
admin:    { listen: 127.0.0.1:9091 }
log:      { level: info, format: json }                            # trace … error; json or text
wechat:
  api_urls: [https://api.weixin.qq.com, https://api2.weixin.qq.com]   # order of failover
  token_endpoint: stable                                             # or classic
  timeout: 5s              # one whole request
  max_connections: 128
token_store: memory                                                 # or redis://…
shutdown: { delay: 5s, grace: 20s }
storage: { url: "sqlite:hongyan.db", retention: 30d }
accounts:
  - name: main
    app_id: wx0123456789abcdef
    app_secret: ${WX_APP_SECRET}
    callback: { path: /mp/serverCheck, token: ${WX_CALLBACK_TOKEN}, mode: plain }
    send_rate: 100          # per second, for queued sends
    replies:
      - { on: subscribe, text: "谢谢您的关注!" }
      - { on: text, match: "^帮助$", text: "…" }
)");
  ASSERT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(result.warnings, ElementsAre(IsProblem("accounts[0].send_rate", 20, "")));
  ASSERT_EQ(result.settings.accounts_size(), 1);
  const v1::AccountConfig& account = result.settings.accounts(0);
  EXPECT_EQ(account.app_secret(), "s3cretfromtheenvironment");
  EXPECT_EQ(account.callback().path(), "/mp/serverCheck");
  ASSERT_EQ(account.replies_size(), 2);
  EXPECT_EQ(account.replies(1).match(), "^帮助$");
}

// The example that ships says that it shows the defaults; so it must.
TEST_F(ServiceTest, TheShippedExampleLoadsAndShowsTheDefaults) {
  Environment world = World();
  world.read_file = SystemEnvironment().read_file;
  const LoadResult example = config::Load(HONGYAN_EXAMPLE, world);
  ASSERT_THAT(example.problems, IsEmpty());
  EXPECT_THAT(example.warnings, IsEmpty());
  ASSERT_EQ(example.settings.accounts_size(), 1);
  const v1::AccountConfig& account = example.settings.accounts(0);
  EXPECT_EQ(account.callback().path(), "/wechat/callback/main");
  EXPECT_EQ(account.callback().token(), "t0kenfromenv");
  EXPECT_EQ(account.replies_size(), 2);
  Settings shown = example.settings;
  Settings defaults = Accepted("");
  shown.clear_accounts();
  defaults.clear_accounts();
  EXPECT_EQ(shown.DebugString(), defaults.DebugString());
}

TEST_F(ServiceTest, K10_TooFewDescriptorsAreRefusedWithTheArithmetic) {
  Settings settings;
  settings.mutable_callback()->set_max_connections(1000);
  settings.mutable_wechat()->set_max_connections(100);
  settings.mutable_grpc()->set_max_connections(500);
  const std::uint64_t needed = 1000 + 500 + 100 + 64 + 64 + 128;
  EXPECT_FALSE(CheckFileLimit(settings, needed));
  const auto problem = CheckFileLimit(settings, needed - 1);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->path, "callback.max_connections");
  EXPECT_EQ(problem->line, 0);
  for (const char* part :
       {"1855 files", "needs 1856", "1000 (callback.max_connections)", "500 (grpc.max_connections)",
        "100 (wechat.max_connections)", "64 (gRPC connections that end)", "64 (admin listener)",
        "128 (to spare)", "or grpc.max_connections"}) {
    EXPECT_THAT(problem->message, HasSubstr(part));
  }
  const Settings defaults = Accepted("");
  EXPECT_TRUE(CheckFileLimit(defaults, 2048));
  EXPECT_FALSE(CheckFileLimit(defaults, ~std::uint64_t{0}));
}

TEST_F(ServiceTest, WipedSecretsLeaveNothingButZeros) {
  const std::string key(43, 'k');
  LoadResult result = LoadWith(
      "    callback: {token: '${WX_CALLBACK_TOKEN}', mode: safe, encoding_aes_key: " + key +
      ", previous_encoding_aes_key: " + key + "}\n");
  ASSERT_THAT(result.problems, IsEmpty());
  const v1::AccountConfig& account = result.settings.accounts(0);
  const v1::AccountCallbackConfig& callback = account.callback();
  const std::string* secrets[] = {&account.app_secret(), &callback.token(),
                                  &callback.encoding_aes_key(),
                                  &callback.previous_encoding_aes_key()};
  const char* first_bytes = account.app_secret().data();
  WipeSecrets(result.settings);
  EXPECT_EQ(account.app_secret().data(), first_bytes);  // where they stood
  for (const std::string* secret : secrets) EXPECT_THAT(*secret, AllOf(Not(IsEmpty()), Each('\0')));
  EXPECT_EQ(account.name(), "main");
  EXPECT_EQ(account.app_id(), "wx0123456789abcdef");
}

TEST_F(ServiceTest, LinesForPeople) {
  EXPECT_EQ(Format("a.yaml", {"log.level", 3, "is wrong"}, "error"),
            "a.yaml:3: error: log.level: is wrong");
  EXPECT_EQ(Format("a.yaml", {"", 0, "can't be read"}, "error"), "a.yaml: error: can't be read");
}

}  // namespace
}  // namespace hongyan::config
