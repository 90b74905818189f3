#include "server/service.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
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
#include "server/core/subscriber_effect.h"
#include "server/core/subscribers.h"
#include "server/core/user_directory.h"
#include "server/drain.h"
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
#include "server/wechat/message_kind.h"

namespace hongyan {
namespace {

constexpr std::size_t kMaxBackgroundTasks = 1000;
// Callers that come before the first token wait for it; beyond this a slow platform doesn't keep us
// from serving.
constexpr absl::Duration kFirstTokenLimit = absl::Seconds(3);

std::vector<std::string> ServiceNames() {
  return {"hongyan.v1.NotifyService",
          "hongyan.v1.EventService",
          "hongyan.v1.SubscriberService",
          "grpc.health.v1.Health",
          "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection"};
}

http::ServerOptions CallbackOptions(const v1::CallbackConfig& settings) {
  http::ServerOptions options;
  options.name = "callback";
  options.max_connections = static_cast<std::size_t>(settings.max_connections());
  options.max_connections_per_address =
      static_cast<std::size_t>(settings.max_connections_per_address());
  options.cert_file = settings.tls().cert_file();
  options.key_file = settings.tls().key_file();
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

  config::Settings settings;  // without secrets, once the accounts have theirs
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
  core::Sender sender{recipients, idempotency, clock, metrics};
  core::UserDirectory users{clock, loop.executor()};
  core::Subscribers subscribers{accounts, subscriber_rows, recipients,
                                clock,    loop.executor(), background};
  core::Housekeeping housekeeping{{config::ToDuration(settings.storage().retention()),
                                   config::ToDuration(settings.storage().unsubscribed_retention())},
                                  events,
                                  subscriber_rows,
                                  age_clock,
                                  subscribers,
                                  clock};
  core::EventFeed feed{clock, events.first_cursor()};
  const absl::StatusOr<HandlerClients> handler_clients{ConnectHandlers(settings, loop.executor())};
  core::EventIntake intake;

  api::Notify notify{accounts, sender, users, loop.executor(), clock};
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
};

Service::Graph::Graph(config::Settings configured, std::unique_ptr<storage::Database> database)
    : settings(std::move(configured)),
      storage(loop, clock, std::move(database)),
      http(loop, clock, names,
           http::CurlOptions{settings.wechat().max_connections(), settings.wechat().ca_file()}),
      transport(http, clock, metrics,
                {settings.wechat().api_urls().begin(), settings.wechat().api_urls().end()},
                config::ToDuration(settings.wechat().timeout())),
      intake(events, clock),
      router(loop, clock, metrics, accounts, Tables(),
             endpoints::RouterOptions{settings.grpc().max_in_flight()}),
      callback_endpoint(accounts, config::ToDuration(settings.callback().timestamp_window()),
                        intake, clock, metrics),
      callback(loop.executor(), clock, callback_endpoint, CallbackOptions(settings.callback())),
      admin_endpoint(
          metrics, [this] { return Ready(); }, [this] { return self_probe.alive(); },
          [this] {
            std::vector<base::Figure> figures = endpoints::StorageFigures(storage.stats());
            for (const base::Figure& figure :
                 endpoints::GrpcFigures(grpc.counts(), self_probe.counts())) {
              figures.push_back(figure);
            }
            return figures;
          },
          endpoints::BuildInfo{HONGYAN_VERSION, HONGYAN_REVISION}),
      admin(loop.executor(), clock, admin_endpoint, AdminOptions()) {
  events.SetListener([this](const storage::CommittedEvent& event) {
    feed.Recorded(event.cursor);
    if (core::ChangesProfile(event.effect)) subscribers.Fetch(event.account, event.openid);
  });
  base::AccountLabels labels;
  for (const wechat::MessageKindTraits& kind : wechat::MessageKinds()) {
    labels.message_kinds.push_back(kind.name);
  }
  labels.apis = wechat::WechatClient::Apis();
  for (const v1::AccountConfig& account : settings.accounts()) {
    wechat::AccessToken::Options options;
    options.account = account.name();
    options.app_id = account.app_id();
    options.app_secret = base::Secret(account.app_secret());
    options.classic = settings.wechat().token_endpoint() == "classic";
    labels.token_api = options.path();
    labels.callbacks.clear();
    if (account.has_callback()) labels.callbacks = core::PushTypes();
    metrics.Introduce(account.name(), labels);
    core::Account& added = accounts.Add(std::move(options), transport, clock, metrics, background,
                                        MakePolicy(account));
    if (!handler_clients.ok()) continue;
    const auto client = handler_clients->find(account.name());
    if (client == handler_clients->end()) continue;
    added.handler =
        std::make_unique<core::HandlerCalls>(added, MakeHandlerOptions(account), *client->second,
                                             sender, loop.executor(), clock, metrics);
  }
  config::WipeSecrets(settings);
}

std::vector<api::MethodTable> Service::Graph::Tables() {
  std::vector<api::MethodTable> tables = reflection.Methods();
  for (api::MethodTable table :
       {notify.Methods(), event_api.Methods(), subscriber_api.Methods(), health.Methods()}) {
    tables.push_back(std::move(table));
  }
  return tables;
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

Service::Service(config::Settings settings) : settings_(std::move(settings)) {}

Service::~Service() { Stop(); }

absl::Status Service::Start() {
  auto database = storage::Database::Open(settings_.storage().url());
  if (!database.ok()) return database.status();
  base::Log(base::Level::kInfo, "storage opened", {{"file", (*database)->location()}});
  graph_ = std::make_unique<Graph>(std::move(settings_), *std::move(database));
  Graph& g = *graph_;
  const absl::Status listening = g.Listen();
  // After a failure too: what has begun to listen ends on the loop, in Stop().
  g.thread = std::thread([&g] { g.loop.Run(); });
  return listening;
}

absl::Status Service::Graph::Listen() {
  if (!handler_clients.ok()) return handler_clients.status();
  const auto callback_address = callback.StartListening(settings.callback().listen());
  if (!callback_address.ok()) {
    return absl::UnavailableError(
        absl::StrCat("callback.listen: ", std::string(callback_address.status().message())));
  }
  const auto admin_address = admin.StartListening(settings.admin().listen());
  if (!admin_address.ok()) {
    return absl::UnavailableError(
        absl::StrCat("admin.listen: ", std::string(admin_address.status().message())));
  }
  endpoints::GrpcServerOptions options;
  options.listen = settings.grpc().listen();
  options.cert_file = settings.grpc().tls().cert_file();
  options.key_file = settings.grpc().tls().key_file();
  options.client_ca_file = settings.grpc().tls().client_ca_file();
  options.max_request_bytes = static_cast<std::size_t>(settings.grpc().max_request_bytes());
  options.max_connections = static_cast<std::size_t>(settings.grpc().max_connections());
  options.max_connections_per_address =
      static_cast<std::size_t>(settings.grpc().max_connections_per_address());
  const absl::Status listening = grpc.Start(options, router);
  if (!listening.ok()) {
    return absl::UnavailableError(absl::StrCat("grpc.listen: ", std::string(listening.message())));
  }
  for (core::Account& account : accounts.all()) background.Spawn(account.token.KeepFresh());
  background.Spawn(transport.ProbeAddresses());
  background.Spawn(self_probe.Run(grpc.address(), settings.grpc().has_tls()));
  background.Spawn(BecomeReady());
  background.Spawn(housekeeping.Run());
  background.Spawn(router.SweepUnreadAnswers());
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
  g.loop.Post([&g] { g.self_probe.Stop(); });
  Drain drain({g.loop, g.thread, g.clock, g.background, g.accounts, g.router, g.grpc, g.callback,
               g.admin, g.http},
              config::ToDuration(g.settings.shutdown().grace()));
  const bool drained = drain.Run();
  const bool stored = g.storage.Stop();
  return drained && stored;
}

}  // namespace hongyan
