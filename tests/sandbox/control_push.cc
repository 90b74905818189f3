#include "control_push.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "fields.h"
#include "garbage.h"
#include "push_run.h"
#include "user_actions.h"

namespace hongyan::sandbox {
namespace {

namespace asio = boost::asio;

constexpr int64_t kLongestWaitMs = 120000;
constexpr int64_t kMostGarbageOfKind = 10000;

asio::awaitable<ControlAnswer> PushHappening(Sandbox& sandbox, CallbackPusher& pusher,
                                             Happening happening) {
  const std::string openid = happening.options.openid;
  const PushResult result = co_await RunPush(sandbox, pusher, std::move(happening));
  json::array pushes;
  for (const PushAttempt& attempt : result.attempts) pushes.push_back(ToJson(attempt));
  json::object body = {{"openid", openid}, {"id", result.id}};
  body["push"] = pushes.front();
  body["pushes"] = std::move(pushes);
  co_return ControlAnswer{200, std::move(body), std::nullopt};
}

asio::awaitable<ControlAnswer> Verify(Sandbox& sandbox, CallbackPusher& pusher,
                                      ControlRequest request) {
  Happening happening;
  std::string echostr = sandbox.platform.random.Text(19, "123456789");
  FieldReader reader(request.body);
  std::string error = ReadOptions(reader, &happening.options).String("echostr", &echostr).Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, &happening, &account);
  if (!error.empty()) co_return ControlError(400, error);
  const CallbackSettings& callback = account->settings.callback;
  Complete(&happening.options.stamp, callback.token, "", sandbox.platform);
  PushRequest push;
  push.method = "GET";
  push.url = callback.url;
  // In no mode is echostr encrypted.
  push.query = SignedQuery(happening.options.stamp, "", "") + "&echostr=" + PercentEncode(echostr);
  push.time_limit = std::chrono::milliseconds(happening.options.time_limit_ms);
  PushAttempt attempt;
  attempt.outcome = co_await pusher.Push(std::move(push));
  const bool ok = attempt.outcome.status == 200 && attempt.outcome.body == echostr;
  json::object body = ToJson(attempt);
  body.erase("reply");
  body.erase("reply_error");
  body["ok"] = ok;
  body["echostr"] = echostr;
  body["content_type"] = attempt.outcome.content_type;
  co_return ControlAnswer{200, std::move(body), std::nullopt};
}

// How long a waiting call may wait.
std::chrono::milliseconds TimeoutOf(const ControlRequest& request) {
  return std::chrono::milliseconds(
      std::clamp<int64_t>(request.query.GetInt("timeout_ms", 10000), 0, kLongestWaitMs));
}

asio::awaitable<ControlAnswer> Wait(Sandbox& sandbox, ControlRequest request) {
  LedgerFilter filter = FilterFromQuery(request.query);
  filter.outcome.clear();
  const int64_t count = request.query.GetInt("count", 1);
  if (sandbox.ledger.CountMatching(filter) < count) {
    auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor,
                                                      TimeoutOf(request));
    const int64_t watch = sandbox.ledger.Watch(filter, count, [timer] { timer->cancel(); });
    if (watch == 0) co_return ControlError(503, "too many waits at once");
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    sandbox.ledger.Unwatch(watch);
  }
  const int64_t reached = sandbox.ledger.CountMatching(filter);
  co_return ControlAnswer{200, json::object{{"reached", reached >= count}, {"count", reached}},
                          std::nullopt};
}

asio::awaitable<ControlAnswer> WaitForPushes(Sandbox& sandbox, ControlRequest request) {
  const PushFilter filter = PushFilterFromQuery(request.query);
  const int64_t count = request.query.GetInt("count", 1);
  const auto deadline = std::chrono::steady_clock::now() + TimeoutOf(request);
  auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor);
  const int64_t listener = sandbox.pushes.Listen([timer] { timer->cancel(); });
  if (listener == 0) co_return ControlError(503, "too many waits at once");
  while (sandbox.pushes.CountSettled(filter) < count &&
         std::chrono::steady_clock::now() < deadline) {
    timer->expires_at(deadline);
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
  }
  sandbox.pushes.Unlisten(listener);
  const int64_t reached = sandbox.pushes.CountSettled(filter);
  co_return ControlAnswer{200, json::object{{"reached", reached >= count}, {"count", reached}},
                          std::nullopt};
}

// Which kinds of garbage, how often, to whom.
struct GarbageOrder {
  std::string app_id;
  std::vector<std::string> kinds;
  int64_t count = 1;
  int64_t time_limit_ms = 5000;
};

std::string ReadGarbage(const json::object& given, GarbageOrder* order) {
  const json::array* kinds = nullptr;
  std::string error = FieldReader(given)
                          .String("app_id", &order->app_id)
                          .Array("kinds", &kinds)
                          .Int("count", 1, kMostGarbageOfKind, &order->count)
                          .Int("time_limit_ms", 1, 60000, &order->time_limit_ms)
                          .Finish();
  if (!error.empty()) return error;
  if (kinds == nullptr || kinds->empty()) return "kinds: missing; see GET /sandbox/garbage";
  for (const json::value& kind : *kinds) {
    if (!kind.is_string()) return "kinds: strings expected";
    order->kinds.emplace_back(kind.get_string());
  }
  return "";
}

asio::awaitable<ControlAnswer> SendGarbage(Sandbox& sandbox, CallbackPusher& pusher,
                                           ControlRequest request) {
  GarbageOrder order;
  std::string error = ReadGarbage(request.body, &order);
  const Account* account = sandbox.platform.FindOrOnly(order.app_id);
  if (error.empty() && account == nullptr) error = "app_id: no such account";
  if (!error.empty()) co_return ControlError(400, error);
  const AccountSettings settings = account->settings;
  PushRequest trial;
  for (const std::string& kind : order.kinds) {
    error = Forge(sandbox.platform, settings, kind, 0, &trial);
    if (!error.empty()) co_return ControlError(400, error);
  }
  std::map<std::string, std::map<std::string, int64_t>> statuses;
  int64_t sent = 0;
  int64_t slowest_ms = 0;
  for (int64_t i = 0; i < order.count; ++i) {
    for (const std::string& kind : order.kinds) {
      PushRequest forged;
      error = Forge(sandbox.platform, settings, kind, ++sandbox.garbage_sent, &forged);
      forged.time_limit = std::chrono::milliseconds(order.time_limit_ms);
      const PushOutcome outcome = co_await pusher.Push(std::move(forged));
      const std::string answer =
          outcome.status == 0 ? outcome.error : std::to_string(outcome.status);
      ++statuses[kind][answer];
      ++sent;
      slowest_ms = std::max(slowest_ms, outcome.elapsed_ms);
    }
  }
  json::object shown;
  for (const auto& [kind, counts] : statuses) {
    json::object of_kind;
    for (const auto& [answer, count] : counts) of_kind[answer] = count;
    shown[kind] = std::move(of_kind);
  }
  co_return ControlAnswer{
      200, json::object{{"sent", sent}, {"statuses", std::move(shown)}, {"slowest_ms", slowest_ms}},
      std::nullopt};
}

}  // namespace

asio::awaitable<ControlAnswer> HandleWaitingControl(Sandbox& sandbox, CallbackPusher& pusher,
                                                    ControlRequest request) {
  const std::string path = request.path;
  const bool waits = path == "/sandbox/wait" || path == "/sandbox/pushes/wait";
  const bool sends = path == "/sandbox/verify" || path == "/sandbox/garbage";
  const Action action = FindAction(path);
  if (!waits && !sends && action == nullptr) {
    co_return ControlError(404, "unknown control path; see GET /sandbox/");
  }
  if (request.method != (waits ? "GET" : "POST")) {
    co_return ControlError(405, waits ? "GET expected" : "POST expected");
  }
  if (path == "/sandbox/wait") co_return co_await Wait(sandbox, std::move(request));
  if (waits) co_return co_await WaitForPushes(sandbox, std::move(request));
  if (path == "/sandbox/verify") {
    co_return co_await Verify(sandbox, pusher, std::move(request));
  }
  if (sends) co_return co_await SendGarbage(sandbox, pusher, std::move(request));
  Happening happening;
  const std::string error = action(sandbox, request.body, &happening);
  if (!error.empty()) co_return ControlError(400, error);
  co_return co_await PushHappening(sandbox, pusher, std::move(happening));
}

}  // namespace hongyan::sandbox
