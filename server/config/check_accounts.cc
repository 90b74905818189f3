#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/text.h"
#include "server/config/checks.h"

namespace hongyan::config {
namespace {

constexpr int kMaxAccounts = 100;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxAppId = 64;
constexpr std::size_t kMaxSecret = 256;
constexpr std::size_t kMaxPath = 256;
constexpr std::size_t kAesKey = 43;

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

template <typename Allowed>
bool Consists(absl::string_view text, std::size_t shortest, std::size_t longest, Allowed allowed) {
  return text.size() >= shortest && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), allowed);
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsName(absl::string_view text) {
  return Consists(text, 1, kMaxName,
                  [](char c) { return IsLower(c) || IsDigit(c) || c == '_' || c == '-'; });
}
bool IsAppId(absl::string_view text) {
  return text.substr(0, 2) == "wx" && Consists(text, 3, kMaxAppId, IsAlnum);
}
bool IsPath(absl::string_view text) {
  return text.substr(0, 1) == "/" && Consists(text, 1, kMaxPath, [](char c) {
           return IsAlnum(c) || absl::string_view("/-._~").find(c) != absl::string_view::npos;
         });
}

class AccountsCheck {
 public:
  AccountsCheck(const Environment& environment, Findings& findings, Settings& settings)
      : environment_(environment), findings_(findings), settings_(settings) {}

  void Run(const v1::Config& config) {
    if (findings_.Given("accounts") && !findings_.Usable("accounts")) return;
    if (config.accounts_size() == 0) {
      return findings_.Refuse("accounts", "at least one account is required");
    }
    if (config.accounts_size() > kMaxAccounts) {
      return findings_.Refuse(
          "accounts", absl::StrCat("has ", config.accounts_size(), " accounts; ", kMaxAccounts,
                                   " are the limit"));
    }
    for (int i = 0; i < config.accounts_size(); ++i) {
      const std::string path = absl::StrCat("accounts[", i, "]");
      if (findings_.Usable(path)) CheckAccount(path, config.accounts(i));
    }
  }

 private:
  using Seen = std::map<std::string, std::string>;  // value → path of its first user

  // Whether the key is there with a value; reports a missing one.
  bool Required(const std::string& path, const std::string& value) {
    if (!findings_.Given(path)) {
      findings_.Refuse(path, "is required");
    } else if (findings_.Usable(path) && value.empty()) {
      findings_.Refuse(path, "is empty, and is required");
    }
    return findings_.Usable(path) && !value.empty();
  }

  void Unique(const std::string& path, const std::string& value, Seen& seen) {
    const auto [first, fresh] = seen.emplace(value, path);
    if (!fresh) findings_.Refuse(path, absl::StrCat("is the same as ", first->second));
  }

  void WarnInline(const std::string& path) {
    if (findings_.Substituted(path)) return;
    findings_.Warn(
        path, "a secret stands in the file itself; better take it from ${NAME} or ${file:PATH}");
  }

  void CheckAccount(const std::string& path, const v1::AccountConfig& account) {
    AccountSettings out;
    const std::string name_path = path + ".name";
    if (Required(name_path, account.name())) {
      if (!IsName(account.name())) {
        findings_.Refuse(name_path, absl::StrCat(findings_.Quoted(name_path, account.name()),
                                                 " is not 1 to 64 of a-z 0-9 _ -"));
      }
      Unique(name_path, account.name(), names_);
      out.name = account.name();
    }
    const std::string app_id_path = path + ".app_id";
    if (Required(app_id_path, account.app_id())) {
      if (!IsAppId(account.app_id())) {
        findings_.Refuse(app_id_path, absl::StrCat(findings_.Quoted(app_id_path, account.app_id()),
                                                   " is no appid: wx and letters or digits"));
      }
      Unique(app_id_path, account.app_id(), app_ids_);
      out.app_id = account.app_id();
    }
    const std::string secret_path = path + ".app_secret";
    if (Required(secret_path, account.app_secret())) {
      if (account.app_secret().size() > kMaxSecret || !base::IsVisibleAscii(account.app_secret())) {
        findings_.Refuse(secret_path,
                         "is no AppSecret: it holds spaces or other than ASCII, or is too long");
      }
      WarnInline(secret_path);
      out.app_secret = base::Secret(account.app_secret());
    }
    if (account.has_callback() && findings_.Usable(path + ".callback")) {
      CheckCallback(path + ".callback", account.callback(), out);
    }
    CheckReplies(path, account, findings_, out);
    CheckHandler(path, account, environment_, findings_, out);
    if (findings_.Usable(path + ".send_rate")) {
      if (account.send_rate() < 1 || account.send_rate() > 100000) {
        findings_.Refuse(path + ".send_rate",
                         absl::StrCat("is ", account.send_rate(), "; must be from 1 to 100000"));
      } else {
        findings_.Warn(path + ".send_rate", "is not used by this version, which has no queue");
      }
    }
    settings_.accounts.push_back(std::move(out));
  }

  void CheckCallback(const std::string& path, const v1::AccountCallbackConfig& callback,
                     AccountSettings& out) {
    out.has_callback = true;
    const std::string url_path = path + ".path";
    out.callback_path = absl::StrCat("/wechat/callback/", out.name);
    if (findings_.Usable(url_path)) {
      out.callback_path = callback.path();
      if (!IsPath(callback.path())) {
        findings_.Refuse(url_path, absl::StrCat(findings_.Quoted(url_path, callback.path()),
                                                " is no path: / and then A-Z a-z 0-9 - . _ ~ /, at "
                                                "most 256 in all"));
      }
    }
    if (findings_.Usable(url_path) || (!findings_.Given(url_path) && !out.name.empty())) {
      Unique(url_path, out.callback_path, paths_);
    }
    const std::string token_path = path + ".token";
    if (Required(token_path, callback.token())) {
      if (!Consists(callback.token(), 3, 32, IsAlnum)) {
        findings_.Refuse(token_path,
                         "is not 3 to 32 letters and digits, as WeChat's console wants it");
      }
      WarnInline(token_path);
      out.callback_token = base::Secret(callback.token());
    }
    CheckMode(path, callback, out);
    CheckAesKey(path + ".encoding_aes_key", callback.encoding_aes_key(), out.encoding_aes_key);
    CheckAesKey(path + ".previous_encoding_aes_key", callback.previous_encoding_aes_key(),
                out.previous_encoding_aes_key);
  }

  // The last of the 43 characters carries two spare bits; WeChat's console fills them at will, so any will do.
  void CheckAesKey(const std::string& path, const std::string& key, base::Secret& out) {
    if (!findings_.Usable(path)) return;
    if (!Consists(key, kAesKey, kAesKey, IsAlnum)) {
      return findings_.Refuse(
          path, absl::StrCat("has ", key.size(), " characters; an EncodingAESKey has ", kAesKey,
                             " letters and digits"));
    }
    WarnInline(path);
    out = base::Secret(key);
  }

  void CheckMode(const std::string& path, const v1::AccountCallbackConfig& callback,
                 AccountSettings& out) {
    const std::string mode_path = path + ".mode";
    const std::string key_path = path + ".encoding_aes_key";
    if (!findings_.Given(mode_path)) {
      if (!findings_.Given(key_path)) return;
      return findings_.Refuse(mode_path,
                              "is missing: with an encoding_aes_key, say which of the console's "
                              "modes the account is in: plain, compatible or safe");
    }
    if (!findings_.Usable(mode_path)) return;
    if (callback.mode() == "safe") {
      out.callback_mode = CallbackMode::kSafe;
    } else if (callback.mode() == "compatible") {
      out.callback_mode = CallbackMode::kCompatible;
    } else if (callback.mode() != "plain") {
      return findings_.Refuse(mode_path,
                              absl::StrCat("is ", findings_.Quoted(mode_path, callback.mode()),
                                           "; must be one of plain, compatible, safe"));
    }
    if (out.callback_mode != CallbackMode::kPlain && !findings_.Given(key_path)) {
      findings_.Refuse(key_path, absl::StrCat("is required in mode: ", callback.mode()));
    }
  }

  const Environment& environment_;
  Findings& findings_;
  Settings& settings_;
  Seen names_;
  Seen app_ids_;
  Seen paths_;
};

}  // namespace

void CheckAccounts(const v1::Config& config, const Environment& environment, Findings& findings,
                   Settings& settings) {
  AccountsCheck(environment, findings, settings).Run(config);
}

}  // namespace hongyan::config
