#include "accounts_json.h"

#include <utility>

#include "callback_cipher.h"
#include "fields.h"

namespace hongyan::sandbox {
namespace {

constexpr size_t kMostAccounts = 1000;
constexpr size_t kMostUsers = 200000;
constexpr int64_t kMostFollowers = 5000000;
constexpr size_t kMostTemplates = 1000;
constexpr int64_t kYear = 365 * 86400;

std::string ReadCallback(const json::object& given, CallbackSettings* callback) {
  std::string mode(NameOf(callback->mode));
  std::string format(NameOf(callback->format));
  const std::string error = FieldReader(given)
                                .String("url", &callback->url)
                                .String("token", &callback->token)
                                .String("mode", &mode)
                                .String("encoding_aes_key", &callback->encoding_aes_key)
                                .String("format", &format)
                                .Bool("retry", &callback->retry)
                                .Finish();
  if (!error.empty()) return error;
  for (const CallbackMode each :
       {CallbackMode::kPlain, CallbackMode::kCompatible, CallbackMode::kSafe}) {
    if (mode == NameOf(each)) callback->mode = each;
  }
  callback->format = format == "json" ? CallbackFormat::kJson : CallbackFormat::kXml;
  if (mode != NameOf(callback->mode)) return "mode: plain, compatible or safe expected";
  if (format != NameOf(callback->format)) return "format: xml or json expected";
  const bool has_key = !callback->encoding_aes_key.empty();
  if (has_key && !AesKey(callback->encoding_aes_key).has_value()) {
    return "encoding_aes_key: 43 letters and digits expected";
  }
  if (!has_key && callback->mode != CallbackMode::kPlain) return "encoding_aes_key: missing";
  return "";
}

std::string ReadReceipts(const json::object& given, ReceiptSettings* receipts) {
  std::string when = "late";
  const std::string error = FieldReader(given)
                                .String("when", &when)
                                .Int("times", 1, 10, &receipts->times)
                                .Int("delay_ms", 0, 600000, &receipts->delay_ms)
                                .String("status", &receipts->status)
                                .Bool("zero_msgid", &receipts->zero_msgid)
                                .Finish();
  if (!error.empty()) return error;
  if (when != "none" && when != "early" && when != "late") {
    return "when: none, early or late expected";
  }
  receipts->when = ReceiptTime::kLate;
  if (when == "none") receipts->when = ReceiptTime::kNone;
  if (when == "early") receipts->when = ReceiptTime::kEarly;
  return "";
}

std::string ReadSettings(const json::object& given, AccountSettings* settings) {
  int64_t lifetime = settings->tokens.lifetime.count();
  int64_t overlap = settings->tokens.overlap.count();
  int64_t spacing = settings->tokens.forced_spacing.count();
  const json::object* callback = nullptr;
  const json::object* receipts = nullptr;
  std::string error = FieldReader(given)
                          .String("app_id", &settings->app_id)
                          .String("app_secret", &settings->app_secret)
                          .String("original_id", &settings->original_id)
                          .Object("callback", &callback)
                          .Object("receipts", &receipts)
                          .Int("token_lifetime_seconds", 1, kYear, &lifetime)
                          .Int("token_overlap_seconds", 0, kYear, &overlap)
                          .Int("forced_spacing_seconds", 0, kYear, &spacing)
                          .Int("forced_per_day", 0, 1000000, &settings->tokens.forced_per_day)
                          .Int("token_length", 16, 8192, &settings->tokens.length)
                          .Bool("token_needs_escaping", &settings->tokens.needs_escaping)
                          .Bool("enforce_window", &settings->enforce_window)
                          .Bool("ip_whitelisted", &settings->ip_whitelisted)
                          .Bool("secret_frozen", &settings->secret_frozen)
                          .Bool("account_frozen", &settings->account_frozen)
                          .Bool("verified", &settings->verified)
                          .Finish();
  if (!error.empty()) return error;
  if (callback != nullptr) {
    error = ReadCallback(*callback, &settings->callback);
    if (!error.empty()) return "callback." + error;
  }
  if (receipts != nullptr) {
    error = ReadReceipts(*receipts, &settings->receipts);
    if (!error.empty()) return "receipts." + error;
  }
  settings->tokens.lifetime = std::chrono::seconds(lifetime);
  settings->tokens.overlap = std::chrono::seconds(overlap);
  settings->tokens.forced_spacing = std::chrono::seconds(spacing);
  return settings->app_id.empty() ? "app_id: missing" : "";
}

json::array ToArray(const std::vector<int64_t>& numbers) {
  json::array out;
  for (const int64_t number : numbers) out.push_back(number);
  return out;
}

std::string ReadListedValues(const json::object& given, Template* out) {
  for (const auto& member : given) {
    const json::array* values = member.value().if_array();
    if (values == nullptr) return "listed_values: arrays of strings expected";
    std::vector<std::string>& listed = out->listed_values[std::string(member.key())];
    for (const json::value& value : *values) {
      if (!value.is_string()) return "listed_values: arrays of strings expected";
      listed.emplace_back(value.get_string().data(), value.get_string().size());
    }
  }
  return "";
}

// Applies `put` to each object of an optional array, with the account's app_id added.
template <class Put>
std::string PutEach(const json::array* items, const std::string& app_id, Put put) {
  if (items == nullptr) return "";
  for (const json::value& item : *items) {
    if (!item.is_object()) return "objects expected";
    json::object object = item.get_object();
    object["app_id"] = app_id;
    std::string error = put(object);
    if (!error.empty()) return error;
  }
  return "";
}

}  // namespace

std::string PutAccount(Platform& platform, const json::object& given) {
  const std::string app_id = StringField(given, "app_id");
  Account* existing = platform.Find(app_id);
  AccountSettings settings;
  if (existing != nullptr) settings = existing->settings;
  std::string error = ReadSettings(given, &settings);
  if (!error.empty()) return error;
  if (settings.app_secret.empty()) return "app_secret: missing";
  if (existing != nullptr) {
    existing->settings = std::move(settings);
    return "";
  }
  if (platform.accounts().size() >= kMostAccounts) return "there are 1000 accounts already";
  if (settings.original_id.empty()) settings.original_id = "gh_" + platform.random.HexText(12);
  platform.Add(std::move(settings));
  return "";
}

std::string PutUser(Platform& platform, const json::object& given) {
  Account* account = platform.FindOrOnly(StringField(given, "app_id"));
  if (account == nullptr) return "app_id: no such account";
  User user;
  const User* existing = account->FindUser(StringField(given, "openid"));
  if (existing != nullptr) user = *existing;
  std::string app_id;
  int64_t window_seconds = 48 * 3600;
  int64_t allowance = 1000000;
  const json::object* odd_fields = nullptr;
  const std::string error = FieldReader(given)
                                .String("app_id", &app_id)
                                .String("openid", &user.openid)
                                .Bool("subscribed", &user.subscribed)
                                .String("unionid", &user.unionid)
                                .String("remark", &user.remark)
                                .Ints("tag_ids", &user.tag_ids)
                                .Int("group_id", 0, INT32_MAX, &user.group_id)
                                .Bool("blacklisted", &user.blacklisted)
                                .Bool("refuses_messages", &user.refuses_messages)
                                .Int("subscribe_time", 0, INT64_MAX, &user.subscribe_time_seconds)
                                .String("subscribe_scene", &user.subscribe_scene)
                                .Int("qr_scene", 0, INT32_MAX, &user.qr_scene)
                                .String("qr_scene_str", &user.qr_scene_str)
                                .String("language", &user.language)
                                .Object("odd_fields", &odd_fields)
                                .Int("window_seconds", 0, kYear, &window_seconds)
                                .Int("allowance", 0, INT32_MAX, &allowance)
                                .Finish();
  if (!error.empty()) return error;
  if (user.openid.empty()) return "openid: missing";
  if (odd_fields != nullptr) user.odd_fields = *odd_fields;
  if (existing == nullptr && account->users().size() >= kMostUsers) {
    return "there are 200000 users already";
  }
  if (existing == nullptr || given.contains("window_seconds") || given.contains("allowance")) {
    user.window_until = platform.clock.Now() + std::chrono::seconds(window_seconds);
    user.allowance = allowance;
  }
  account->AddUser(std::move(user));
  return "";
}

std::string PutFollowers(Platform& platform, const json::object& given, std::string* first,
                         std::string* last) {
  std::string app_id;
  std::string prefix = "oCrowd";
  int64_t count = 0;
  const std::string error = FieldReader(given)
                                .String("app_id", &app_id)
                                .String("prefix", &prefix)
                                .Int("count", 1, kMostFollowers, &count)
                                .Finish();
  if (!error.empty()) return error;
  Account* account = platform.FindOrOnly(app_id);
  if (account == nullptr) return "app_id: no such account";
  if (count == 0) return "count: missing";
  if (prefix.empty() || prefix.size() > Crowd::kLongestPrefix ||
      prefix.find_first_not_of(kUrlSafeAlphabet) != std::string::npos) {
    return "prefix: 1 to 20 letters, digits, - or _ expected";
  }
  if (account->FollowerCount() + count > kMostFollowers) return "count: 5000000 followers at most";
  const int64_t number = account->AddCrowd(prefix, count);
  if (number < 0) return "prefix: overlaps with another one, or there are 16 already";
  const Crowd crowd(prefix, 0);
  *first = crowd.OpenidOf(number);
  *last = crowd.OpenidOf(number + count - 1);
  return "";
}

std::string PutTemplate(Platform& platform, const json::object& given, std::string* template_id) {
  Account* account = platform.FindOrOnly(StringField(given, "app_id"));
  if (account == nullptr) return "app_id: no such account";
  Template added;
  std::string app_id;
  const json::object* listed = nullptr;
  std::string error = FieldReader(given)
                          .String("app_id", &app_id)
                          .String("template_id", &added.template_id)
                          .String("title", &added.title)
                          .String("content", &added.content)
                          .String("primary_industry", &added.primary_industry)
                          .String("deputy_industry", &added.deputy_industry)
                          .String("example", &added.example)
                          .Object("listed_values", &listed)
                          .Finish();
  if (error.empty() && listed != nullptr) error = ReadListedValues(*listed, &added);
  if (!error.empty()) return error;
  if (added.Keys().empty()) return "content: a placeholder such as {{thing1.DATA}} expected";
  if (account->templates().size() >= kMostTemplates) return "there are 1000 templates already";
  *template_id = account->AddTemplate(std::move(added)).template_id;
  return "";
}

std::string PutConfig(Platform& platform, const json::object& config) {
  const json::array* accounts = nullptr;
  std::string error = FieldReader(config).Array("accounts", &accounts).Finish();
  if (!error.empty()) return error;
  if (accounts == nullptr || accounts->empty()) return "accounts: at least one expected";
  for (const json::value& item : *accounts) {
    if (!item.is_object()) return "accounts: objects expected";
    json::object account = item.get_object();
    const std::string app_id = StringField(account, "app_id");
    json::object lists;
    for (const char* name : {"users", "templates"}) {
      if (!account.contains(name)) continue;
      lists[name] = account[name];
      account.erase(name);
    }
    error = PutAccount(platform, account);
    const json::array* users = nullptr;
    const json::array* templates = nullptr;
    if (error.empty()) {
      error = FieldReader(lists).Array("users", &users).Array("templates", &templates).Finish();
    }
    if (error.empty()) {
      error = PutEach(users, app_id,
                      [&platform](const json::object& user) { return PutUser(platform, user); });
    }
    std::string template_id;
    if (error.empty()) {
      error = PutEach(templates, app_id, [&platform, &template_id](const json::object& each) {
        return PutTemplate(platform, each, &template_id);
      });
    }
    if (!error.empty()) return "account " + app_id + ": " + error;
  }
  return "";
}

json::object ShowAccount(const Account& account, const Clock& clock) {
  const AccountSettings& settings = account.settings;
  return {{"app_id", settings.app_id},
          {"original_id", settings.original_id},
          {"callback_url", settings.callback.url},
          {"callback_mode", NameOf(settings.callback.mode)},
          {"callback_format", NameOf(settings.callback.format)},
          {"callback_retry", settings.callback.retry},
          {"token_lifetime_seconds", settings.tokens.lifetime.count()},
          {"token_overlap_seconds", settings.tokens.overlap.count()},
          {"enforce_window", settings.enforce_window},
          {"ip_whitelisted", settings.ip_whitelisted},
          {"secret_frozen", settings.secret_frozen},
          {"account_frozen", settings.account_frozen},
          {"verified", settings.verified},
          {"followers", account.FollowerCount()},
          {"templates", static_cast<int64_t>(account.templates().size())},
          {"tokens", ShowTokens(account, clock)}};
}

json::object ShowUser(const User& user, const Clock& clock) {
  const auto window = user.window_until - clock.Now();
  const int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(window).count();
  return {{"openid", user.openid},
          {"subscribed", user.subscribed},
          {"unionid", user.unionid},
          {"remark", user.remark},
          {"tag_ids", ToArray(user.tag_ids)},
          {"subscribe_time", user.subscribe_time_seconds},
          {"subscribe_scene", user.subscribe_scene},
          {"blacklisted", user.blacklisted},
          {"refuses_messages", user.refuses_messages},
          {"window_seconds_left", seconds > 0 ? seconds : 0},
          {"allowance_left", user.allowance}};
}

json::object ShowTokens(const Account& account, const Clock& clock) {
  const auto show = [&clock](const IssuedToken* token) -> json::value {
    if (token == nullptr) return nullptr;
    return json::object{{"sha8", Sha256Hex(token->value).substr(0, 8)},
                        {"age_ms", ToMillis(clock.Now()) - ToMillis(token->issued_at)},
                        {"expires_in_ms", ToMillis(token->expires_at) - ToMillis(clock.Now())},
                        {"refused", token->refused}};
  };
  const TokenCounts& counts = account.tokens.counts();
  return {{"classic",
           {{"requests", counts.classic_requests},
            {"issued", counts.classic_issued},
            {"current", show(account.tokens.Current(TokenFamily::kClassic))}}},
          {"stable",
           {{"normal_requests", counts.stable_normal_requests},
            {"forced_requests", counts.stable_forced_requests},
            {"forced_refreshes", counts.forced_refreshes},
            {"issued", counts.stable_issued},
            {"current", show(account.tokens.Current(TokenFamily::kStable))}}}};
}

}  // namespace hongyan::sandbox
