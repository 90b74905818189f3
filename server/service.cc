#include "server/service.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/account_setup.h"
#include "server/api/events.h"
#include "server/api/notify.h"
#include "server/api/subscribers.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/async/task_group.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/core/accounts.h"
#include "server/core/event_feed.h"
#include "server/core/event_intake.h"
#include "server/core/housekeeping.h"
#include "server/core/idempotency.h"
#include "server/core/push_type.h"
#include "server/core/sender.h"
#include "server/core/subscribers.h"
#include "server/core/user_directory.h"
#include "server/endpoints/admin/admin.h"
#include "server/endpoints/admin/storage_metrics.h"
#include "server/endpoints/callback/callback.h"
#include "server/endpoints/grpc/grpc_metrics.h"
#include "server/endpoints/grpc/grpc_server.h"
#include "server/endpoints/grpc/health.h"
#include "server/endpoints/grpc/reflection.h"
#include "server/endpoints/grpc/router.h"
#include "server/endpoints/grpc/self_probe.h"
#include "server/http/curl_http_client.h"
#include "server/http/http_server.h"
#include "server/http/name_resolver.h"
#include "server/storage/age_clock_store.h"
#include "server/storage/database.h"
#include "server/storage/event_store.h"
#include "server/storage/storage_thread.h"
#include "server/storage/subscriber_store.h"
#include "server/wechat/api_transport.h"

namespace hongyan {
namespace {

constexpr std::size_t kMaxBackgroundTasks = 1000;
// Callers that come before the first token wait for it; beyond this a slow platform doesn't keep us from serving.
constexpr absl::Duration kFirstTokenLimit = absl::Seconds(3);
constexpr absl::Duration kLastAnswers = absl::Milliseconds(500);
constexpr absl::Duration kQuietLook = absl::Milliseconds(20);
constexpr absl::Duration kHangUpEvery = absl::Milliseconds(200);
constexpr absl::Duration kCutOffLater =
    absl::Milliseconds(250);  // gRPC's own cut, behind ours on a busy machine too
constexpr absl::Duration kUnreadLook = absl::Seconds(1);
constexpr absl::Duration kBackgroundLimit = absl::Seconds(1);

std::vector<std::string> ServiceNames() {
  return {"hongyan.v1.NotifyService",
          "hongyan.v1.EventService",
          "hongyan.v1.SubscriberService",
          "grpc.health.v1.Health",
          "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection"};
}

http::ServerOptions CallbackOptions(const config::CallbackSettings& settings) {
  http::ServerOptions options;
  options.name = "callback";
  options.max_connections = static_cast<std::size_t>(settings.max_connections);
  options.max_connections_per_address =
      static_cast<std::size_t>(settings.max_connections_per_address);
  options.cert_file = settings.tls.cert_file;
  options.key_file = settings.tls.key_file;
  return options;
}

http::ServerOptions AdminOptions() {
  http::ServerOptions options;
  options.name = "admin";
  options.max_connections = 64;
  options.limits.head.http10_without_host = true;  // as some probes send it
  return options;
}

}  // namespace

// Declared in the order of their dependencies, so destroyed in the reverse.
struct Service::Graph {
  enum class Phase { kStarting, kServing, kDraining };

  Graph(config::Settings configured, std::unique_ptr<storage::Database> database);

  absl::Status Listen();
  endpoints::Readiness Ready() const;
  async::Task<void> BecomeReady();
  std::vector<api::MethodTable> Tables();
  std::vector<core::HandlerCalls*> Handlers();
  async::Task<void> CancelUnreadAnswers();
  async::Task<void> CloseHttp(std::shared_ptr<std::promise<void>> done);
  async::Task<bool> NoCallIsOpen(async::MonoTime until);
  async::Task<void> EndCalls();
  async::Task<void> EndBackground();

  const config::Settings settings;
  async::EventLoop loop;
  async::SystemClock clock{loop};
  base::Metrics metrics;
  async::TaskGroup background{loop.executor(), clock, kMaxBackgroundTasks};

  storage::StorageThread storage;
  storage::EventStore events{storage};
  storage::SubscriberStore subscriber_rows{storage};
  storage::AgeClockStore age_clock{storage};

  http::NameResolver names{loop, clock};
  http::CurlHttpClient http;
  wechat::ApiTransport transport;
  core::Accounts accounts;
  core::Idempotency idempotency{clock, metrics};
  core::StoredRecipients recipients{subscriber_rows, clock, background, metrics};
  core::Sender sender{accounts, recipients, idempotency, clock, metrics};
  core::UserDirectory users{accounts, clock, loop.executor()};
  core::Subscribers subscribers{accounts, subscriber_rows, recipients,
                                clock,    loop.executor(), background};
  core::Housekeeping housekeeping{
      {settings.storage.retention, settings.storage.unsubscribed_retention},
      events,
      subscriber_rows,
      age_clock,
      subscribers,
      clock};
  core::EventFeed feed{clock};
  const absl::StatusOr<HandlerClients> handler_clients{ConnectHandlers(settings, loop.executor())};
  core::EventIntake intake;

  api::Notify notify{sender, users, loop.executor(), clock};
  api::Events event_api{events, feed, clock, metrics};
  api::Subscribers subscriber_api{subscribers, clock};
  endpoints::Health health{ServiceNames(), clock};
  endpoints::Reflection reflection{ServiceNames()};
  endpoints::Router router;
  endpoints::GrpcServer grpc;
  endpoints::SelfProbe self_probe{loop.executor(), clock,
                                  [this](std::uint16_t port) { grpc.ExpectSelf(port); }};

  endpoints::CallbackEndpoint callback_endpoint;
  http::HttpServer callback;
  endpoints::AdminEndpoint admin_endpoint;
  http::HttpServer admin;

  Phase phase = Phase::kStarting;  // the loop's
  std::vector<std::pair<std::string, std::string>> listeners;
  std::thread thread;
  bool gave_up = false;  // the loop's while it runs
};

Service::Graph::Graph(config::Settings configured, std::unique_ptr<storage::Database> database)
    : settings(std::move(configured)),
      storage(loop, clock, std::move(database)),
      http(loop, clock, names,
           http::CurlOptions{settings.wechat.max_connections, settings.wechat.ca_file}),
      transport(http, clock, metrics, settings.wechat.api_urls, settings.wechat.timeout),
      intake(events, feed, clock,
             [this](const std::string& account, const std::string& openid) {
               subscribers.Fetch(account, openid);
             }),
      router(loop, clock, metrics, accounts, Tables(),
             endpoints::RouterOptions{settings.grpc.max_in_flight}),
      callback_endpoint(accounts, settings.callback.timestamp_window, intake, clock, metrics),
      callback(loop.executor(), clock, callback_endpoint, CallbackOptions(settings.callback)),
      admin_endpoint(
          metrics, [this] { return Ready(); }, [this] { return self_probe.alive(); },
          [this] {
            return endpoints::StorageMetricsText(storage.stats()) +
                   endpoints::GrpcMetricsText(grpc.counts(), self_probe.counts());
          },
          endpoints::BuildInfo{HONGYAN_VERSION, HONGYAN_REVISION}),
      admin(loop.executor(), clock, admin_endpoint, AdminOptions()) {
  const std::vector<absl::string_view> push_types = core::PushTypes();
  for (const config::AccountSettings& account : settings.accounts) {
    const bool classic = settings.wechat.token_endpoint == config::TokenEndpoint::kClassic;
    metrics.Introduce(account.name, classic ? "/cgi-bin/token" : "/cgi-bin/stable_token",
                      account.has_callback ? push_types : std::vector<absl::string_view>());
    wechat::AccessToken::Options options;
    options.account = account.name;
    options.app_id = account.app_id;
    options.app_secret = account.app_secret;
    options.classic = classic;
    core::Account& added = accounts.Add(std::move(options), transport, clock, metrics, background,
                                        MakePolicy(account));
    if (!handler_clients.ok()) continue;
    const auto client = handler_clients->find(account.name);
    if (client == handler_clients->end()) continue;
    added.handler = std::make_unique<core::HandlerCalls>(
        MakeHandlerOptions(account), *client->second, sender, loop.executor(), clock, metrics);
  }
}

std::vector<api::MethodTable> Service::Graph::Tables() {
  std::vector<api::MethodTable> tables = reflection.Methods();
  for (api::MethodTable table :
       {notify.Methods(), event_api.Methods(), subscriber_api.Methods(), health.Methods()}) {
    tables.push_back(std::move(table));
  }
  return tables;
}

std::vector<core::HandlerCalls*> Service::Graph::Handlers() {
  std::vector<core::HandlerCalls*> handlers;
  for (core::Account& account : accounts.all()) {
    if (account.handler) handlers.push_back(account.handler.get());
  }
  return handlers;
}

endpoints::Readiness Service::Graph::Ready() const {
  endpoints::Readiness ready;
  const absl::Status stored = storage.health();
  const absl::Status grpc_answers = self_probe.ready();
  const bool grpc_full = grpc.counts().full;
  ready.ready = phase == Phase::kServing && stored.ok() && grpc_answers.ok() && !grpc_full;
  if (!stored.ok())
    absl::StrAppend(&ready.reasons, "storage: ", std::string(stored.message()), "\n");
  if (!grpc_answers.ok()) {
    absl::StrAppend(&ready.reasons, std::string(grpc_answers.message()), "\n");
  }
  if (grpc_full) {
    ready.reasons += "gRPC port: full, connections are refused (grpc.max_connections)\n";
  }
  if (phase == Phase::kStarting) ready.reasons += "starting\n";
  if (phase == Phase::kDraining) ready.reasons += "draining\n";
  for (const core::Account& account : accounts.all()) {
    if (account.token.last_error().ok()) {
      if (!account.token.has_token()) {
        absl::StrAppend(&ready.reasons, "account ", account.name,
                        ": no token yet, the first is being fetched\n");
      }
      continue;
    }
    absl::StrAppend(&ready.reasons, "account ", account.name, ": ",
                    account.token.has_token() ? "token works, its renewal fails, retrying: "
                                              : "no token, retrying: ",
                    std::string(account.token.last_error().message()), "\n");
  }
  return ready;
}

async::Task<void> Service::Graph::BecomeReady() {
  const async::MonoTime limit = async::After(clock.Mono(), kFirstTokenLimit);
  for (core::Account& account : accounts.all()) co_await account.token.Get(limit);
  const bool answers = co_await self_probe.UntilAnswered();
  if (!answers) co_return;
  if (phase != Phase::kStarting) co_return;
  phase = Phase::kServing;
  health.Set(true);
  base::Log(base::Level::kInfo, "serving");
}

async::Task<void> Service::Graph::CancelUnreadAnswers() {
  const auto alarm = clock.NewAlarm();
  while (true) {
    const bool time_came = co_await alarm->WaitUntil(async::After(clock.Mono(), kUnreadLook));
    if (!time_came) co_return;
    router.CancelUnreadAnswers(clock.Mono());
  }
}

async::Task<void> Service::Graph::CloseHttp(std::shared_ptr<std::promise<void>> done) {
  async::MonoTime until = async::After(clock.Mono(), settings.shutdown.grace);
  const bool answered = co_await callback.Finish(until);
  if (!answered) {
    // They are recorded: WeChat hears `success` though no handler has replied.
    for (core::HandlerCalls* handler : Handlers()) handler->ReleasePushes();
    until = async::After(until, kLastAnswers);
  }
  co_await callback.Drain(until);
  // Late answers are still on their way, from handlers and to users.
  co_await core::DrainHandlers(Handlers(), until, loop.executor(), clock);
  done->set_value();
}

// True once no call is open. Polled, since the last touch of a call is on a thread of gRPC's.
async::Task<bool> Service::Graph::NoCallIsOpen(async::MonoTime until) {
  const auto alarm = clock.NewAlarm();
  while (router.open() > 0 && clock.Mono() < until) {
    const async::MonoTime next = std::min(until, async::After(clock.Mono(), kQuietLook));
    const bool time_came = co_await alarm->WaitUntil(next);
    if (!time_came) break;
  }
  co_return router.open() == 0;
}

async::Task<void> Service::Graph::EndCalls() {
  const async::MonoTime grace_end = async::After(clock.Mono(), settings.shutdown.grace);
  const auto alarm = clock.NewAlarm();
  // A call may still begin until gRPC refuses new ones, so it takes a while without any before the connections are closed.
  bool quiet = co_await NoCallIsOpen(grace_end);
  while (quiet) {
    const async::MonoTime next = async::After(clock.Mono(), kHangUpEvery);
    const bool time_came = co_await alarm->WaitUntil(std::min(next, grace_end));
    if (!time_came) co_return;
    if (clock.Mono() >= grace_end) break;
    if (router.open() == 0) grpc.HangUp();
    quiet = co_await NoCallIsOpen(grace_end);
  }
  // Before gRPC would cut them off: cut off, a caller can't know what became of its message. A batch gives its items half
  // of the time that is left, and its reader half of the rest; then it says its last word.
  router.CancelAll(async::After(clock.Mono(), kLastAnswers / 2),
                   async::After(clock.Mono(), kLastAnswers * 3 / 4));
  co_await NoCallIsOpen(async::After(clock.Mono(), kLastAnswers));
  const bool time_came = co_await alarm->WaitUntil(async::After(clock.Mono(), kHangUpEvery));
  if (time_came) grpc.HangUp();
}

async::Task<void> Service::Graph::EndBackground() {
  co_await admin.Drain(async::After(clock.Mono(), absl::Milliseconds(200)));
  background.CancelAll();
  const bool ended = co_await background.Drain(async::After(clock.Mono(), kBackgroundLimit));
  http.Close();
  if (ended) {
    loop.ReleaseWork();
  } else {
    gave_up = true;
    base::Log(base::Level::kWarn, "stopping: background tasks don't end and are given up");
    loop.Stop();
  }
}

Service::Service(config::Settings settings) : settings_(std::move(settings)) {}

Service::~Service() { Stop(); }

absl::Status Service::Start() {
  auto database = storage::Database::Open(settings_.storage.url);
  if (!database.ok()) return database.status();
  base::Log(base::Level::kInfo, "storage opened", {{"file", (*database)->path()}});
  graph_ = std::make_unique<Graph>(std::move(settings_), *std::move(database));
  Graph& g = *graph_;
  const absl::Status listening = g.Listen();
  // After a failure too: what has begun to listen ends on the loop, in Stop().
  g.thread = std::thread([&g] { g.loop.Run(); });
  return listening;
}

absl::Status Service::Graph::Listen() {
  if (!handler_clients.ok()) return handler_clients.status();
  const auto callback_address = callback.StartListening(settings.callback.listen);
  if (!callback_address.ok()) {
    return absl::UnavailableError(
        absl::StrCat("callback.listen: ", std::string(callback_address.status().message())));
  }
  const auto admin_address = admin.StartListening(settings.admin.listen);
  if (!admin_address.ok()) {
    return absl::UnavailableError(
        absl::StrCat("admin.listen: ", std::string(admin_address.status().message())));
  }
  endpoints::GrpcServerOptions options;
  options.listen = settings.grpc.listen;
  options.cert_file = settings.grpc.tls.cert_file;
  options.key_file = settings.grpc.tls.key_file;
  options.client_ca_file = settings.grpc.tls.client_ca_file;
  options.max_request_bytes = settings.grpc.max_request_bytes;
  options.max_connections = static_cast<std::size_t>(settings.grpc.max_connections);
  options.max_connections_per_address =
      static_cast<std::size_t>(settings.grpc.max_connections_per_address);
  const absl::Status listening = grpc.Start(options, router);
  if (!listening.ok()) {
    return absl::UnavailableError(absl::StrCat("grpc.listen: ", std::string(listening.message())));
  }
  for (core::Account& account : accounts.all()) background.Spawn(account.token.KeepFresh());
  background.Spawn(transport.ProbeAddresses());
  background.Spawn(self_probe.Run(grpc.address(), settings.grpc.tls.enabled()));
  background.Spawn(BecomeReady());
  background.Spawn(housekeeping.Run());
  background.Spawn(CancelUnreadAnswers());
  listeners = {
      {"grpc", grpc.address()}, {"callback", *callback_address}, {"admin", *admin_address}};
  return absl::OkStatus();
}

std::vector<std::pair<std::string, std::string>> Service::Listeners() const {
  if (graph_ == nullptr) return {};
  return graph_->listeners;
}

void Service::BeginDrain() {
  graph_->loop.Post([g = graph_.get()] {
    g->phase = Graph::Phase::kDraining;
    g->health.Set(false);
  });
}

bool Service::Stop() {
  if (graph_ == nullptr || !graph_->thread.joinable()) return true;
  Graph& g = *graph_;
  auto http_closed = std::make_shared<std::promise<void>>();
  g.loop.Post([&g, http_closed] {
    g.self_probe.Stop();
    g.background.Spawn(g.EndCalls());
    g.router.BeginStop(async::After(g.clock.Mono(), g.settings.shutdown.grace + kLastAnswers));
    g.callback.StopListening();
    if (!g.background.Spawn(g.CloseHttp(http_closed))) http_closed->set_value();
  });
  g.grpc.Shutdown(g.settings.shutdown.grace + kLastAnswers + kCutOffLater);
  http_closed->get_future().wait();
  g.loop.Post([&g] {
    async::asio::co_spawn(g.loop.executor(), g.EndBackground(), [&g](std::exception_ptr e) {
      if (!e) return;
      base::Log(base::Level::kError, "stopping failed; ending all the same");
      g.loop.Stop();
    });
  });
  g.thread.join();
  if (!g.storage.Stop()) g.gave_up = true;
  return !g.gave_up;
}

}  // namespace hongyan
