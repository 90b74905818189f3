#include "control_api.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "accounts_json.h"
#include "callback_samples.h"
#include "fields.h"
#include "garbage.h"

namespace hongyan::sandbox {
namespace {

using Handler = ControlAnswer (*)(Sandbox&, const ControlRequest&);

ControlAnswer Ok(json::object body = {}) {
  if (body.empty()) body["ok"] = true;
  return {200, std::move(body), std::nullopt};
}

ControlAnswer OkOr(const std::string& error, json::object body = {}) {
  return error.empty() ? Ok(std::move(body)) : ControlError(400, error);
}

ControlAnswer Help(Sandbox&, const ControlRequest&) { return {200, nullptr, ControlHelp()}; }

ControlAnswer Reset(Sandbox& sandbox, const ControlRequest&) {
  sandbox.Reset();
  return Ok();
}

ControlAnswer PostAccount(Sandbox& sandbox, const ControlRequest& request) {
  return OkOr(PutAccount(sandbox.platform, request.body));
}

ControlAnswer GetAccounts(Sandbox& sandbox, const ControlRequest&) {
  json::array list;
  for (const auto& [app_id, account] : sandbox.platform.accounts()) {
    list.push_back(ShowAccount(*account, sandbox.platform.clock));
  }
  return Ok({{"accounts", std::move(list)}});
}

ControlAnswer PostUser(Sandbox& sandbox, const ControlRequest& request) {
  return OkOr(PutUser(sandbox.platform, request.body));
}

ControlAnswer GetUsers(Sandbox& sandbox, const ControlRequest& request) {
  const Account* account = sandbox.platform.FindOrOnly(request.query.Get("app_id"));
  if (account == nullptr) return ControlError(404, "app_id: no such account");
  const std::string openid = request.query.Get("openid");
  json::array list;
  if (!openid.empty()) {
    const std::optional<User> user = account->LookUp(openid);
    if (user.has_value()) list.push_back(ShowUser(*user, sandbox.platform.clock));
  } else {
    for (const auto& [id, user] : account->users()) {
      list.push_back(ShowUser(user, sandbox.platform.clock));
    }
  }
  return Ok({{"users", std::move(list)}});
}

ControlAnswer PostTemplate(Sandbox& sandbox, const ControlRequest& request) {
  std::string template_id;
  const std::string error = PutTemplate(sandbox.platform, request.body, &template_id);
  return OkOr(error, {{"template_id", template_id}});
}

ControlAnswer PostFault(Sandbox& sandbox, const ControlRequest& request) {
  std::string error;
  const int64_t id = sandbox.faults.Add(request.body, &error);
  return OkOr(error, {{"id", id}});
}

ControlAnswer GetFaults(Sandbox& sandbox, const ControlRequest&) {
  json::array list;
  for (const Fault& fault : sandbox.faults.faults()) {
    json::object out = fault.as_given;
    out["id"] = fault.id;
    out["seen"] = fault.seen;
    out["hits"] = fault.hits;
    list.push_back(std::move(out));
  }
  return Ok({{"faults", std::move(list)}});
}

ControlAnswer DeleteFaults(Sandbox& sandbox, const ControlRequest& request) {
  constexpr std::string_view kPrefix = "/sandbox/faults/";
  if (request.path.size() <= kPrefix.size()) {
    sandbox.faults.Clear();
    return Ok();
  }
  int64_t id = 0;
  const bool removed =
      ParseInt(request.path.substr(kPrefix.size()), &id) && sandbox.faults.Remove(id);
  return removed ? Ok() : ControlError(404, "no such fault");
}

// The fields that the three token calls share.
struct TokenTarget {
  Account* account = nullptr;
  std::optional<TokenFamily> family;
  bool stuck = false;
  std::string error;
};

TokenTarget ReadTokenTarget(Sandbox& sandbox, const ControlRequest& request) {
  TokenTarget target;
  std::string app_id, family;
  target.error = FieldReader(request.body)
                     .String("app_id", &app_id)
                     .String("family", &family)
                     .Bool("stuck", &target.stuck)
                     .Finish();
  if (!target.error.empty()) return target;
  target.account = sandbox.platform.FindOrOnly(app_id);
  if (target.account == nullptr) target.error = "app_id: no such account";
  if (family == "classic") {
    target.family = TokenFamily::kClassic;
  } else if (family == "stable") {
    target.family = TokenFamily::kStable;
  } else if (!family.empty()) {
    target.error = "family: classic or stable expected";
  }
  return target;
}

ControlAnswer StealToken(Sandbox& sandbox, const ControlRequest& request) {
  const TokenTarget target = ReadTokenTarget(sandbox, request);
  if (!target.error.empty()) return ControlError(400, target.error);
  if (!target.family.has_value()) return ControlError(400, "family: missing");
  target.account->tokens.Steal(*target.family);
  return Ok();
}

ControlAnswer RevokeTokens(Sandbox& sandbox, const ControlRequest& request) {
  const TokenTarget target = ReadTokenTarget(sandbox, request);
  if (!target.error.empty()) return ControlError(400, target.error);
  target.account->tokens.Revoke(target.family, target.stuck);
  return Ok();
}

ControlAnswer ExpireTokens(Sandbox& sandbox, const ControlRequest& request) {
  const TokenTarget target = ReadTokenTarget(sandbox, request);
  if (!target.error.empty()) return ControlError(400, target.error);
  target.account->tokens.Expire(target.family);
  return Ok();
}

ControlAnswer GetTokens(Sandbox& sandbox, const ControlRequest& request) {
  const Account* account = sandbox.platform.FindOrOnly(request.query.Get("app_id"));
  if (account == nullptr) return ControlError(404, "app_id: no such account");
  return Ok(ShowTokens(*account, sandbox.platform.clock));
}

ControlAnswer PostQuota(Sandbox& sandbox, const ControlRequest& request) {
  std::string app_id, api;
  std::optional<int64_t> limit;
  const std::string error = FieldReader(request.body)
                                .String("app_id", &app_id)
                                .String("api", &api)
                                .Int("daily_limit", 0, INT64_MAX, &limit)
                                .Finish();
  if (!error.empty()) return ControlError(400, error);
  Account* account = sandbox.platform.FindOrOnly(app_id);
  if (account == nullptr) return ControlError(400, "app_id: no such account");
  if (api.empty() || !limit.has_value()) return ControlError(400, "api, daily_limit: missing");
  account->SetDailyLimit(api, *limit);
  return Ok();
}

ControlAnswer AdvanceClock(Sandbox& sandbox, const ControlRequest& request) {
  constexpr int64_t kTenYears = int64_t{3650} * 86400 * 1000;
  int64_t advance_ms = 0;
  const std::string error =
      FieldReader(request.body).Int("advance_ms", 0, kTenYears, &advance_ms).Finish();
  if (!error.empty()) return ControlError(400, error);
  Clock& clock = sandbox.platform.clock;
  clock.Advance(std::chrono::milliseconds(advance_ms));
  return Ok({{"now_ms", ToMillis(clock.Now())}, {"offset_ms", clock.offset().count()}});
}

ControlAnswer GetLedger(Sandbox& sandbox, const ControlRequest& request) {
  const LedgerFilter filter = FilterFromQuery(request.query);
  const int64_t limit = std::clamp<int64_t>(request.query.GetInt("limit", 10000), 0, 100000);
  json::array requests;
  int64_t total = 0;
  for (const LedgerEntry& entry : sandbox.ledger.entries()) {
    if (!filter.Matches(entry)) continue;
    if (total++ < limit) requests.push_back(ToJson(entry));
  }
  return Ok({{"total", total},
             {"forgotten", sandbox.ledger.dropped()},
             {"requests", std::move(requests)}});
}

ControlAnswer GetPushes(Sandbox& sandbox, const ControlRequest& request) {
  const PushFilter filter = PushFilterFromQuery(request.query);
  const int64_t limit = std::clamp<int64_t>(request.query.GetInt("limit", 10000), 0, 100000);
  json::array pushes;
  int64_t total = 0;
  int64_t delivered = 0;
  int64_t failed = 0;
  int64_t pending = 0;
  for (const PushRecord& record : sandbox.pushes.records()) {
    if (!filter.Matches(record)) continue;
    if (total++ < limit) pushes.push_back(ToJson(record));
    ++(record.Delivered() ? delivered : record.outcome == "failed" ? failed : pending);
  }
  return Ok({{"total", total},
             {"delivered", delivered},
             {"failed", failed},
             {"pending", pending},
             {"forgotten", sandbox.pushes.dropped()},
             {"pushes", std::move(pushes)}});
}

ControlAnswer GetTypes(Sandbox&, const ControlRequest&) {
  return Ok({{"messages", SampleNames(false)}, {"events", SampleNames(true)}});
}

ControlAnswer GetGarbage(Sandbox&, const ControlRequest&) {
  return Ok({{"kinds", GarbageKinds()}});
}

ControlAnswer PostFollowers(Sandbox& sandbox, const ControlRequest& request) {
  std::string first, last;
  const std::string error = PutFollowers(sandbox.platform, request.body, &first, &last);
  return OkOr(error, {{"first", first}, {"last", last}});
}

ControlAnswer GetCounters(Sandbox& sandbox, const ControlRequest&) {
  const Counters& counters = sandbox.counters;
  json::object apis;
  for (const auto& [api, counts] : counters.by_api) {
    apis[api] = json::object{{"requests", counts.requests},
                             {"refused", counts.refused},
                             {"counted", counts.counted},
                             {"faults", counts.faults}};
  }
  return Ok({{"requests", counters.requests},
             {"in_flight", counters.in_flight},
             {"in_flight_peak", counters.in_flight_peak},
             {"connections",
              {{"total", counters.connections_total},
               {"open", counters.connections_open},
               {"peak", counters.connections_peak},
               {"refused", counters.connections_refused}}},
             {"violations",
              {{"chunked_bodies", counters.chunked_bodies},
               {"missing_lengths", counters.missing_lengths},
               {"unicode_escapes", counters.unicode_escapes},
               {"expect_headers", counters.expect_headers},
               {"malformed_http", counters.malformed_http},
               {"too_large_bodies", counters.too_large_bodies},
               {"wrong_callback_replies", counters.wrong_callback_replies}}},
             {"apis", std::move(apis)}});
}

// One line as a person reads it; the client shows what the account says on the left.
std::string ToText(const ChatLine& line) {
  const std::time_t seconds = ToSeconds(line.time);
  std::tm local{};
  char clock[16];
  localtime_r(&seconds, &local);
  std::strftime(clock, sizeof(clock), "%H:%M:%S", &local);
  std::string text;
  for (const char c : line.text) {
    text += c;
    if (c == '\n') text += "                ";
  }
  const bool from_user = line.direction == Direction::kFromUser;
  std::string out = std::string(clock) + (from_user ? "  用户 → " : "  用户 ← ") + "[" + line.kind +
                    "] " + text + "\n";
  if (!line.url.empty()) out += "                ↳ " + line.url + "\n";
  return out;
}

ControlAnswer GetChat(Sandbox& sandbox, const ControlRequest& request) {
  const Account* account = sandbox.platform.FindOrOnly(request.query.Get("app_id"));
  if (account == nullptr) return ControlError(404, "app_id: no such account");
  const std::string wanted = request.query.Get("openid");
  std::vector<std::pair<const std::string*, const ChatLine*>> lines;
  for (const auto& [openid, chat] : account->chats()) {
    if (!wanted.empty() && openid != wanted) continue;
    for (const ChatLine& line : chat) lines.emplace_back(&openid, &line);
  }
  std::sort(lines.begin(), lines.end(),
            [](const auto& a, const auto& b) { return a.second->seq < b.second->seq; });
  if (request.query.Get("format") == "text") {
    std::string text;
    const std::string* shown = nullptr;
    for (const auto& [openid, line] : lines) {
      if (shown == nullptr || *shown != *openid) text += "── " + *openid + " ──\n";
      shown = openid;
      text += ToText(*line);
    }
    return {200, nullptr, text};
  }
  json::array out;
  for (const auto& [openid, line] : lines) {
    out.push_back({{"seq", line->seq},
                   {"time_ms", ToMillis(line->time)},
                   {"openid", *openid},
                   {"direction", line->direction == Direction::kToUser ? "to_user" : "from_user"},
                   {"kind", line->kind},
                   {"text", line->text},
                   {"url", line->url},
                   {"msgid", line->msgid}});
  }
  return Ok({{"chat", std::move(out)}});
}

struct Route {
  std::string_view method;
  std::string_view path;
  Handler handle;
};

constexpr Route kRoutes[] = {
    {"GET", "/sandbox", Help},
    {"GET", "/sandbox/", Help},
    {"POST", "/sandbox/reset", Reset},
    {"POST", "/sandbox/clock", AdvanceClock},
    {"POST", "/sandbox/accounts", PostAccount},
    {"GET", "/sandbox/accounts", GetAccounts},
    {"POST", "/sandbox/users", PostUser},
    {"GET", "/sandbox/users", GetUsers},
    {"POST", "/sandbox/followers", PostFollowers},
    {"POST", "/sandbox/templates", PostTemplate},
    {"POST", "/sandbox/faults", PostFault},
    {"GET", "/sandbox/faults", GetFaults},
    {"DELETE", "/sandbox/faults", DeleteFaults},
    {"POST", "/sandbox/tokens/steal", StealToken},
    {"POST", "/sandbox/tokens/revoke", RevokeTokens},
    {"POST", "/sandbox/tokens/expire", ExpireTokens},
    {"GET", "/sandbox/tokens", GetTokens},
    {"POST", "/sandbox/quota", PostQuota},
    {"GET", "/sandbox/ledger", GetLedger},
    {"GET", "/sandbox/counters", GetCounters},
    {"GET", "/sandbox/pushes", GetPushes},
    {"GET", "/sandbox/types", GetTypes},
    {"GET", "/sandbox/garbage", GetGarbage},
    {"GET", "/sandbox/chat", GetChat},
};

}  // namespace

ControlAnswer ControlError(int status, const std::string& error) {
  return {status, json::object{{"error", error}}, std::nullopt};
}

LedgerFilter FilterFromQuery(const Query& query) {
  LedgerFilter filter;
  filter.app_id = query.Get("app_id");
  filter.api = query.Get("api");
  filter.openid = query.Get("openid");
  filter.client_msg_id = query.Get("client_msg_id");
  filter.content = query.Get("content");
  filter.outcome = query.Get("outcome");
  filter.after_seq = query.GetInt("after_seq", 0);
  return filter;
}

PushFilter PushFilterFromQuery(const Query& query) {
  PushFilter filter;
  filter.app_id = query.Get("app_id");
  filter.openid = query.Get("openid");
  filter.msg_type = query.Get("msg_type");
  filter.event = query.Get("event");
  filter.outcome = query.Get("outcome");
  filter.after_id = query.GetInt("after_id", 0);
  return filter;
}

std::optional<ControlAnswer> HandleControl(Sandbox& sandbox, const ControlRequest& request) {
  std::string path = request.path;
  if (path.rfind("/sandbox/faults/", 0) == 0) path = "/sandbox/faults";
  bool known = false;
  for (const Route& route : kRoutes) {
    if (route.path != path) continue;
    if (route.method == request.method) return route.handle(sandbox, request);
    known = true;
  }
  // The garbage's POST waits, and so belongs to control_push.h.
  if (known && path != "/sandbox/garbage")
    return ControlError(405, "method not allowed; see GET /sandbox/");
  return std::nullopt;
}

}  // namespace hongyan::sandbox
