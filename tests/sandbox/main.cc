// hongyan-sandbox: a strict stand-in for the WeChat Official Account platform.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/parse.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "accounts_json.h"
#include "callback_cipher.h"
#include "callback_push.h"
#include "http_server.h"
#include "sandbox.h"

namespace hongyan::sandbox {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

struct Options {
  std::string listen = "127.0.0.1:8900";
  AccountSettings account;
  std::vector<std::string> users;
  std::string config_file;
  std::string tls_cert_file;
  std::string tls_key_file;
};

constexpr char kDescription[] =
    R"(hongyan-sandbox stands in for api.weixin.qq.com: point any SDK's base URL at it.

It issues access tokens by WeChat's rules, takes customer-service and template messages for followers it knows, answers
user look-ups, and pushes every message and event to your endpoint: plain, compatible or safe mode, XML or JSON, with
WeChat's tries. It is strict: chunked bodies, \u escapes, unknown and doubled fields, foreign openids and over-long values
are refused with WeChat's codes and wording. Under /sandbox/ it takes orders: faults, stolen tokens, users, time; and shows
the ledger of all requests and the chat as the user sees it. GET /sandbox/ lists them.
)";

constexpr char kFooter[] = R"(Without --app-id and --config there is a demo account:
  app_id         wxsandbox00000001
  app_secret     sandboxsecret0000000000000000001
  original_id    gh_sandbox000001
  callback token sandboxtoken   (--callback-url and --callback-token override)
  followers      oSandbox_AliceDemoFollower01, oSandbox_BobbyDemoFollower02
  templates      SandboxOrderShippedTemplate0000000000000001  thing1 time2 amount3 character_string4
                 SandboxPaymentResultTemplate000000000000002  phrase1 amount2 phone_number3 date4
                 SandboxReservationTemplate00000000000000003  name1 thing2 time3 car_number4 number5 const6
An account made by --app-id has the same templates and the followers of --user.
Customer-service windows (45015, 45047) are enforced only for accounts with enforce_window: true (control API or
--enforce-window); followers made by --user may be written to for 48 hours either way.

Try it:
  hongyan-sandbox --listen 127.0.0.1:8900 &
  curl 'http://127.0.0.1:8900/cgi-bin/token?grant_type=client_credential&appid=wxsandbox00000001&secret=sandboxsecret0000000000000000001'
  curl 'http://127.0.0.1:8900/cgi-bin/message/custom/send?access_token=TOKEN' \
       -d '{"touser":"oSandbox_AliceDemoFollower01","msgtype":"text","text":{"content":"你好"}}'
  curl 'http://127.0.0.1:8900/sandbox/chat?format=text'
  curl  http://127.0.0.1:8900/sandbox/faults -d '{"api":"/cgi-bin/message/custom/send","times":2,"effect":{"errcode":-1}}'

"listening sandbox ADDRESS:PORT" on standard output says that it is ready. SIGTERM and SIGINT end it with exit code
0; wrong flags and whatever else keeps it from starting, with 2.)";

const std::map<std::string, CallbackMode> kModes = {{"plain", CallbackMode::kPlain},
                                                    {"compatible", CallbackMode::kCompatible},
                                                    {"safe", CallbackMode::kSafe}};
const std::map<std::string, CallbackFormat> kFormats = {{"xml", CallbackFormat::kXml},
                                                        {"json", CallbackFormat::kJson}};

std::string IsEncodingAesKey(const std::string& key) {
  return AesKey(key).has_value() ? "" : "43 letters and digits expected";
}

void AddOptions(CLI::App& app, Options* options) {
  app.add_option("--listen", options->listen, "HOST:PORT; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--app-id", options->account.app_id, "app_id of the account, wx…");
  app.add_option("--app-secret", options->account.app_secret, "its secret");
  app.add_option("--original-id", options->account.original_id, "its original id, gh_…");
  app.add_option("--callback-url", options->account.callback.url,
                 "where its callbacks go, http://… or https://…");
  app.add_option("--callback-token", options->account.callback.token,
                 "the Token that signs its callbacks");
  app.add_option_function<std::string>(
         "--callback-mode",
         [options](const std::string& mode) { options->account.callback.mode = kModes.at(mode); },
         "all but plain need --encoding-aes-key")
      ->check(CLI::IsMember({"plain", "compatible", "safe"}));
  app.add_option("--encoding-aes-key", options->account.callback.encoding_aes_key,
                 "the EncodingAESKey, 43 letters and digits")
      ->check(IsEncodingAesKey);
  app.add_option_function<std::string>(
         "--callback-format",
         [options](const std::string& format) {
           options->account.callback.format = kFormats.at(format);
         },
         "of what is pushed")
      ->check(CLI::IsMember({"xml", "json"}));
  app.add_flag("--callback-retry", options->account.callback.retry,
               "try pushes without a good answer twice more, as WeChat does");
  app.add_flag("--enforce-window", options->account.enforce_window,
               "refuse customer-service messages outside the window");
  app.add_option("--user", options->users, "openid of a follower; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--config", options->config_file,
                 "JSON file {\"accounts\":[{…, \"users\":[…], \"templates\":[…]}]}, fields as in "
                 "POST /sandbox/accounts, users and templates")
      ->check(CLI::ExistingFile);
  auto* cert = app.add_option("--tls-cert", options->tls_cert_file,
                              "PEM certificate chain: serve HTTPS instead of HTTP")
                   ->check(CLI::ExistingFile);
  auto* key =
      app.add_option("--tls-key", options->tls_key_file, "its PEM key")->check(CLI::ExistingFile);
  cert->needs(key);
  key->needs(cert);
}

// The account of the flags, or the demo account with what the flags change in it.
void SetUpFromFlags(Platform& platform, const Options& options) {
  if (options.account.app_id.empty()) {
    AccountSettings& settings = AddDemoAccount(platform).settings;
    const AccountSettings& given = options.account;
    if (!given.app_secret.empty()) settings.app_secret = given.app_secret;
    if (!given.original_id.empty()) settings.original_id = given.original_id;
    std::string token = settings.callback.token;
    settings.callback = given.callback;
    if (settings.callback.token.empty()) settings.callback.token = std::move(token);
    settings.enforce_window = given.enforce_window;
  } else {
    AccountSettings settings = options.account;
    if (settings.app_secret.empty()) settings.app_secret = kDemoAppSecret;
    if (settings.original_id.empty()) settings.original_id = kDemoOriginalId;
    if (settings.callback.token.empty()) settings.callback.token = kDemoCallbackToken;
    AddDemoTemplates(platform.Add(std::move(settings)));
  }
  Account& account = *platform.accounts().begin()->second;
  for (const std::string& openid : options.users) {
    AddDemoFollower(account, platform.clock, openid);
  }
}

std::string ReadConfig(const std::string& path, json::object* config) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  json::error_code error;
  json::value document = json::parse(text.str(), error);
  if (error || !document.is_object()) return path + ": a JSON object expected";
  *config = std::move(document.get_object());
  return "";
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Fail(const std::string& what) {
  std::fprintf(stderr, "hongyan-sandbox: %s\n", what.c_str());
  return 2;
}

int Run(const Options& options) {
  const CallbackSettings& callback = options.account.callback;
  if (callback.mode != CallbackMode::kPlain && callback.encoding_aes_key.empty()) {
    return Fail("--callback-mode: --encoding-aes-key is missing");
  }
  RaiseDescriptorLimit();
  std::signal(SIGPIPE, SIG_IGN);
  json::object config;
  if (!options.config_file.empty()) {
    if (std::string error = ReadConfig(options.config_file, &config); !error.empty()) {
      return Fail(error);
    }
  }
  Sandbox sandbox;
  std::string set_up_error;
  sandbox.set_up = [&options, &config, &set_up_error](Platform& platform) {
    if (config.empty() || !options.account.app_id.empty()) SetUpFromFlags(platform, options);
    if (!config.empty()) set_up_error = PutConfig(platform, config);
  };
  sandbox.set_up(sandbox.platform);
  if (!set_up_error.empty()) return Fail(options.config_file + ": " + set_up_error);

  asio::ssl::context tls(asio::ssl::context::tls_server);
  const bool with_tls = !options.tls_cert_file.empty();
  if (with_tls) {
    boost::system::error_code error;
    tls.use_certificate_chain_file(options.tls_cert_file, error);
    if (!error) tls.use_private_key_file(options.tls_key_file, asio::ssl::context::pem, error);
    if (error) return Fail("--tls-cert, --tls-key: " + error.message());
  }
  CallbackPusher pusher;
  // What the loop still holds when it is destroyed may touch only what was made before it.
  asio::io_context io(1);
  HttpServer server(io, sandbox, pusher, with_tls ? &tls : nullptr);
  if (std::string error = server.Listen(options.listen); !error.empty()) {
    return Fail("--listen " + options.listen + ": " + error);
  }
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
  server.Start();
  std::printf("listening sandbox %s\n", server.LocalAddress().c_str());
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace
}  // namespace hongyan::sandbox

int main(int argc, char** argv) {
  hongyan::sandbox::Options options;
  CLI::App app(hongyan::sandbox::kDescription);
  app.footer(hongyan::sandbox::kFooter);
  app.set_version_flag("--version", "hongyan-sandbox " HONGYAN_VERSION);
  hongyan::sandbox::AddOptions(app, &options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // --help is an "error" without a code
  }
  return hongyan::sandbox::Run(options);
}
