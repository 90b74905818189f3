#include "control_push.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "callback_xml.h"
#include "fields.h"

namespace hongyan::sandbox {
namespace {

namespace asio = boost::asio;

constexpr int64_t kLongestWaitMs = 120000;
constexpr int kTriesOfWeChat = 3;

// What every pushing call takes besides its own fields.
struct PushOptions {
  std::string app_id;
  std::string openid;
  std::string timestamp;
  std::string nonce;
  std::string signature;
  std::string content_type = "text/xml";
  int64_t repeat = 0;
  int64_t create_time = 0;
  int64_t time_limit_ms = 5000;
  bool retry = false;
};

FieldReader& ReadOptions(FieldReader& reader, PushOptions* options) {
  return reader.String("app_id", &options->app_id)
      .String("openid", &options->openid)
      .String("timestamp", &options->timestamp)
      .String("nonce", &options->nonce)
      .String("signature", &options->signature)
      .String("content_type", &options->content_type)
      .Int("repeat", 0, 1000, &options->repeat)
      .Int("create_time", INT64_MIN, INT64_MAX, &options->create_time)
      .Int("time_limit_ms", 1, 60000, &options->time_limit_ms)
      .Bool("retry", &options->retry);
}

// Something a user did, ready to be pushed.
struct Happening {
  PushOptions options;
  std::string callback_url;
  std::string callback_token;
  Envelope envelope;
  json::object fields;
  // The body to push instead of envelope and fields.
  std::optional<std::string> raw_body;
  // The user stares at his screen: a wrong answer shows as a failure of the account.
  bool expects_answer = false;
};

std::string SignedQuery(const PushOptions& options, const std::string& token, Platform& platform) {
  const std::string timestamp = options.timestamp.empty()
                                    ? std::to_string(ToSeconds(platform.clock.Now()))
                                    : options.timestamp;
  const std::string nonce =
      options.nonce.empty() ? "1" + platform.random.Text(9, "0123456789") : options.nonce;
  const std::string signature =
      options.signature.empty() ? CallbackSignature(token, timestamp, nonce) : options.signature;
  return "signature=" + PercentEncode(signature) + "&timestamp=" + PercentEncode(timestamp) +
         "&nonce=" + PercentEncode(nonce);
}

json::object ToJson(const PushOutcome& outcome, const PassiveReply& reply) {
  return {{"status", outcome.status},
          {"body", DecodeUtf8(outcome.body, nullptr) ? outcome.body : Hex(outcome.body)},
          {"elapsed_ms", outcome.elapsed_ms},
          {"error", outcome.error},
          {"reply", reply.kind},
          {"reply_error", reply.error}};
}

void RecordReply(Sandbox& sandbox, const Happening& happening, const PushOutcome& outcome,
                 const PassiveReply& reply) {
  Account* account = sandbox.platform.Find(happening.options.app_id);
  if (account == nullptr) return;
  const bool answered = outcome.error.empty() && outcome.status == 200;
  ChatLine line;
  if (answered && !reply.kind.empty()) {
    if (reply.kind == "success" || reply.kind == "empty") return;
    line.kind = "passive_reply";
    line.text = reply.text;
  } else if (happening.expects_answer) {
    line.kind = "service_failure";
    line.text = "该公众号提供的服务出现故障，请稍后再试";
  } else {
    return;
  }
  account->Say(happening.options.openid, std::move(line));
}

asio::awaitable<ControlAnswer> PushHappening(Sandbox& sandbox, CallbackPusher& pusher,
                                             Happening happening) {
  PushRequest request;
  request.method = "POST";
  request.url = happening.callback_url;
  request.content_type = happening.options.content_type;
  request.time_limit = std::chrono::milliseconds(happening.options.time_limit_ms);
  request.query = SignedQuery(happening.options, happening.callback_token, sandbox.platform) +
                  "&openid=" + PercentEncode(happening.options.openid);
  request.body = happening.raw_body.has_value()
                     ? *happening.raw_body
                     : WriteCallbackXml(happening.envelope, happening.fields);
  json::array pushes;
  bool settled = false;
  for (int64_t turn = 0; turn <= happening.options.repeat; ++turn) {
    PushOutcome outcome;
    PassiveReply reply;
    const int tries = happening.options.retry ? kTriesOfWeChat : 1;
    for (int attempt = 1; attempt <= tries; ++attempt) {
      PushRequest same = request;
      outcome = co_await pusher.Push(std::move(same));
      reply = PassiveReply();
      if (outcome.error.empty()) reply = ReadPassiveReply(outcome.body, happening.envelope);
      pushes.push_back(ToJson(outcome, reply));
      if (outcome.error.empty() && outcome.status == 200) break;
    }
    if (!settled) RecordReply(sandbox, happening, outcome, reply);
    settled = true;
  }
  json::object body = {{"openid", happening.options.openid}};
  body["push"] = pushes.front();
  body["pushes"] = std::move(pushes);
  co_return ControlAnswer{200, std::move(body), std::nullopt};
}

// Fills in account and envelope; the answer is an error or empty.
std::string Begin(Sandbox& sandbox, Happening* happening, Account** account) {
  PushOptions& options = happening->options;
  *account = sandbox.platform.FindOrOnly(options.app_id);
  if (*account == nullptr) return "app_id: no such account";
  const AccountSettings& settings = (*account)->settings;
  options.app_id = settings.app_id;
  happening->callback_url = settings.callback_url;
  happening->callback_token = settings.callback_token;
  happening->envelope.to_user = settings.original_id;
  happening->envelope.from_user = options.openid;
  happening->envelope.create_time =
      options.create_time != 0 ? options.create_time : ToSeconds(sandbox.platform.clock.Now());
  return "";
}

void SayFromUser(Account& account, const std::string& openid, std::string kind, std::string text) {
  ChatLine line;
  line.direction = Direction::kFromUser;
  line.kind = std::move(kind);
  line.text = std::move(text);
  account.Say(openid, std::move(line));
}

std::string BeginFollow(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string scene, unionid;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("scene", &scene)
                          .String("unionid", &unionid)
                          .Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  std::string& openid = happening->options.openid;
  if (openid.empty()) openid = account->NewOpenid();
  User* user = account->FindUser(openid);
  if (user == nullptr) {
    User fresh;
    fresh.openid = openid;
    user = &account->AddUser(std::move(fresh));
  }
  user->subscribed = true;
  user->subscribe_time_seconds = ToSeconds(sandbox.platform.clock.Now());
  if (!unionid.empty()) user->unionid = unionid;
  if (!scene.empty()) {
    user->subscribe_scene = "ADD_SCENE_QR_CODE";
    if (!ParseInt(scene, &user->qr_scene)) user->qr_scene_str = scene;
  }
  account->OpenWindow(*user, std::chrono::minutes(1), 3);
  SayFromUser(*account, openid, "event", scene.empty() ? "follows" : "follows, QR code " + scene);
  happening->envelope.from_user = openid;
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = "subscribe";
  happening->fields["EventKey"] = scene.empty() ? "" : "qrscene_" + scene;
  if (!scene.empty())
    happening->fields["Ticket"] = "gQ" + sandbox.platform.random.Text(94, kUrlSafeAlphabet);
  return "";
}

std::string BeginUnfollow(Sandbox& sandbox, const json::object& given, Happening* happening) {
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options).Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  User* user = account->FindUser(happening->options.openid);
  if (user == nullptr) return "openid: no such user";
  user->subscribed = false;
  user->window_until = Time{};
  user->allowance = 0;
  SayFromUser(*account, user->openid, "event", "unfollows");
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = "unsubscribe";
  happening->fields["EventKey"] = "";
  return "";
}

std::string BeginMessage(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string type = "text";
  std::string content;
  const json::object* fields = nullptr;
  auto msg_id =
      static_cast<int64_t>(23456789000000000 + sandbox.platform.random.Number() % 1000000000);
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("type", &type)
                          .String("content", &content)
                          .Int("msg_id", 0, INT64_MAX, &msg_id)
                          .Object("fields", &fields)
                          .Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  User* user = account->FindUser(happening->options.openid);
  if (user == nullptr) return "openid: no such user";
  account->OpenWindow(*user, std::chrono::hours(48), 5);
  SayFromUser(*account, user->openid, type, content);
  happening->envelope.msg_type = type;
  if (type == "text") happening->fields["Content"] = content;
  if (fields != nullptr) {
    for (const auto& member : *fields) happening->fields[member.key()] = member.value();
  }
  happening->fields["MsgId"] = msg_id;
  happening->expects_answer = true;
  return "";
}

std::string BeginEvent(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string event;
  std::optional<std::string> event_key;
  const json::object* fields = nullptr;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("event", &event)
                          .String("event_key", &event_key)
                          .Object("fields", &fields)
                          .Finish();
  Account* account = nullptr;
  if (error.empty() && event.empty()) error = "event: missing";
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  User* user = account->FindUser(happening->options.openid);
  const bool opens_window = event == "CLICK" || event == "SCAN" || event == "scancode_push" ||
                            event == "scancode_waitmsg";
  if (user != nullptr && opens_window) account->OpenWindow(*user, std::chrono::minutes(1), 3);
  if (user != nullptr) SayFromUser(*account, user->openid, "event", event);
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = event;
  if (event_key.has_value()) happening->fields["EventKey"] = *event_key;
  if (fields != nullptr) {
    for (const auto& member : *fields) happening->fields[member.key()] = member.value();
  }
  return "";
}

std::string BeginRaw(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string body;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options).String("body", &body).Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  happening->raw_body = body;
  return error;
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
  PushRequest push;
  push.method = "GET";
  push.url = happening.callback_url;
  push.query = SignedQuery(happening.options, happening.callback_token, sandbox.platform) +
               "&echostr=" + PercentEncode(echostr);
  push.time_limit = std::chrono::milliseconds(happening.options.time_limit_ms);
  const PushOutcome outcome = co_await pusher.Push(std::move(push));
  const bool ok = outcome.status == 200 && outcome.body == echostr;
  json::object body = ToJson(outcome, PassiveReply());
  body.erase("reply");
  body.erase("reply_error");
  body["ok"] = ok;
  body["echostr"] = echostr;
  body["content_type"] = outcome.content_type;
  co_return ControlAnswer{200, std::move(body), std::nullopt};
}

asio::awaitable<ControlAnswer> Wait(Sandbox& sandbox, ControlRequest request) {
  LedgerFilter filter = FilterFromQuery(request.query);
  filter.outcome.clear();
  const int64_t count = request.query.GetInt("count", 1);
  const int64_t timeout_ms =
      std::clamp<int64_t>(request.query.GetInt("timeout_ms", 10000), 0, kLongestWaitMs);
  if (sandbox.ledger.CountMatching(filter) < count) {
    auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor,
                                                      std::chrono::milliseconds(timeout_ms));
    const int64_t watch = sandbox.ledger.Watch(filter, count, [timer] { timer->cancel(); });
    if (watch == 0) co_return ControlError(503, "too many waits at once");
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    sandbox.ledger.Unwatch(watch);
  }
  const int64_t reached = sandbox.ledger.CountMatching(filter);
  co_return ControlAnswer{200, json::object{{"reached", reached >= count}, {"count", reached}},
                          std::nullopt};
}

}  // namespace

asio::awaitable<ControlAnswer> HandleWaitingControl(Sandbox& sandbox, CallbackPusher& pusher,
                                                    ControlRequest request) {
  const std::string path = request.path;
  if (path == "/sandbox/wait") {
    if (request.method != "GET") co_return ControlError(405, "GET expected");
    co_return co_await Wait(sandbox, std::move(request));
  }
  std::string (*begin)(Sandbox&, const json::object&, Happening*) = nullptr;
  if (path == "/sandbox/follow") begin = BeginFollow;
  if (path == "/sandbox/unfollow") begin = BeginUnfollow;
  if (path == "/sandbox/message") begin = BeginMessage;
  if (path == "/sandbox/event") begin = BeginEvent;
  if (path == "/sandbox/push") begin = BeginRaw;
  if (begin == nullptr && path != "/sandbox/verify") {
    co_return ControlError(404, "unknown control path; see GET /sandbox/");
  }
  if (request.method != "POST") co_return ControlError(405, "POST expected");
  if (begin == nullptr) co_return co_await Verify(sandbox, pusher, std::move(request));
  Happening happening;
  const std::string error = begin(sandbox, request.body, &happening);
  if (!error.empty()) co_return ControlError(400, error);
  co_return co_await PushHappening(sandbox, pusher, std::move(happening));
}

}  // namespace hongyan::sandbox
