#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/config/certificates.h"
#include "server/config/checks.h"
#include "server/config/replies.h"

namespace hongyan::config {
namespace {

// One rule of an account's replies.
void CheckReply(const std::string& path, const v1::ReplyRule& rule, Findings& findings) {
  const std::string event_key = path + ".event_key";
  if (findings.Usable(event_key) && core::FindMeaning(rule.on()) == core::PushWord::kMessage) {
    findings.Refuse(event_key, "is for events; messages have none");
  }
  const std::vector<absl::string_view> kinds = core::ReplyKinds();
  std::vector<std::string> given;
  for (const absl::string_view key : kinds) {
    if (findings.Given(absl::StrCat(path, ".", key))) given.emplace_back(key);
  }
  if (given.empty()) {
    const std::string others = absl::StrJoin(kinds.begin() + 1, kinds.end(), ", ");
    return findings.Refuse(path + ".text", absl::StrCat("is required, or another reply: ", others));
  }
  for (std::size_t i = 1; i < given.size(); ++i) {
    findings.Refuse(
        absl::StrCat(path, ".", given[i]),
        absl::StrCat("is one reply too many beside ", given[0], "; a rule has exactly one"));
  }
  if (given.size() > 1 || !findings.Usable(absl::StrCat(path, ".", given[0]))) return;
  for (const absl::Status& problem : core::ReplyProblems(ToReply(rule))) {
    // "news.url: must be …"
    const std::vector<std::string> parts =
        absl::StrSplit(std::string(problem.message()), absl::MaxSplits(": ", 1));
    const std::string key = absl::StrCat(path, ".", parts[0] == "text.content" ? "text" : parts[0]);
    // What is missing or can't be read has been reported.
    if (findings.Usable(key)) findings.Refuse(key, parts.back());
  }
}

class AccountsCheck {
 public:
  AccountsCheck(const Environment& environment, Findings& findings)
      : environment_(environment), findings_(findings) {}

  void Check(const std::string& path, v1::AccountConfig& account) {
    CheckUnique(path + ".name", account.name(), names_);
    CheckUnique(path + ".app_id", account.app_id(), app_ids_);
    if (findings_.Usable(path + ".callback")) {
      CheckCallback(path + ".callback", account.name(), *account.mutable_callback());
    }
    if (!account.has_callback()) {
      constexpr char kUnused[] = "will never be used: the account has no callback";
      if (account.replies_size() > 0) findings_.Warn(path + ".replies", kUnused);
      if (account.has_handler()) findings_.Warn(path + ".handler", kUnused);
    }
    for (int i = 0; i < account.replies_size(); ++i) {
      const std::string rule = absl::StrCat(path, ".replies[", i, "]");
      if (findings_.Usable(rule)) CheckReply(rule, account.replies(i), findings_);
    }
    CheckHandlerTls(path + ".handler.tls", account.handler().tls());
  }

 private:
  using Seen = std::map<std::string, std::string>;  // value → path of its first user

  void CheckUnique(const std::string& path, const std::string& value, Seen& seen) {
    if (value.empty()) return;
    const auto [first, fresh] = seen.emplace(value, path);
    if (!fresh) findings_.Refuse(path, absl::StrCat("is the same as ", first->second));
  }

  void CheckCallback(const std::string& path, const std::string& name,
                     v1::AccountCallbackConfig& callback) {
    const std::string url_path = path + ".path";
    if (!findings_.Given(url_path) && !name.empty()) {
      callback.set_path(absl::StrCat("/wechat/callback/", name));
    }
    CheckUnique(url_path, callback.path(), paths_);

    const std::string mode = path + ".mode";
    const std::string key = path + ".encoding_aes_key";
    if (findings_.Given(key) && !findings_.Given(mode)) {
      findings_.Refuse(mode,
                       "is missing: with an encoding_aes_key, say which of the console's modes the "
                       "account is in: plain, compatible or safe");
    }
    if (callback.mode() != "plain" && !findings_.Given(key)) {
      findings_.Refuse(key, absl::StrCat("is required in mode: ", callback.mode()));
    }
  }

  void CheckHandlerTls(const std::string& path, const v1::HandlerTlsConfig& tls) {
    CheckBundle(path + ".ca_file", tls.ca_file(), environment_, findings_);
    const bool has_cert = findings_.Given(path + ".cert_file");
    const bool has_key = findings_.Given(path + ".key_file");
    if (has_cert != has_key) {
      findings_.Refuse(path + (has_cert ? ".key_file" : ".cert_file"),
                       "is missing; cert_file and key_file belong together");
    } else if (findings_.Usable(path + ".cert_file") && findings_.Usable(path + ".key_file")) {
      CheckCertificate(path, tls.cert_file(), tls.key_file(), environment_, findings_);
    }
  }

  const Environment& environment_;
  Findings& findings_;
  Seen names_;
  Seen app_ids_;
  Seen paths_;
};

}  // namespace

void CheckAccounts(const Environment& environment, Findings& findings, Settings& settings) {
  AccountsCheck check(environment, findings);
  for (int i = 0; i < settings.accounts_size(); ++i) {
    const std::string path = absl::StrCat("accounts[", i, "]");
    if (findings.Usable(path)) check.Check(path, *settings.mutable_accounts(i));
  }
}

}  // namespace hongyan::config
