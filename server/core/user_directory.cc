#include "server/core/user_directory.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "server/async/fan_out.h"
#include "server/base/status.h"
#include "server/core/message_rules.h"

namespace hongyan::core {
namespace {

constexpr std::size_t kMaxOpenids = 10000;
constexpr std::size_t kPage = 100;
constexpr std::size_t kPagesAtOnce = 4;

// What the pages of one call share.
struct Pages {
  wechat::WechatClient& client;
  std::vector<std::string> openids;  // each once
  std::string lang;
  model::CallLimit limit;
  absl::flat_hash_map<std::string, model::User> found;
  absl::Status error;
};

async::Task<void> ReadPage(Pages& pages, std::size_t index) {
  if (!pages.error.ok()) co_return;
  const auto begin = pages.openids.begin() + static_cast<std::ptrdiff_t>(index * kPage);
  const auto end = pages.openids.begin() +
                   static_cast<std::ptrdiff_t>(std::min((index + 1) * kPage, pages.openids.size()));
  std::vector<std::string> openids(begin, end);
  auto users = co_await pages.client.GetUsers(std::move(openids), pages.lang, pages.limit);
  if (!users.ok()) {
    if (pages.error.ok()) pages.error = users.status();
    co_return;
  }
  for (model::User& user : users->users) {
    std::string openid = user.openid;
    pages.found.insert_or_assign(std::move(openid), std::move(user));
  }
}

}  // namespace

async::Task<absl::StatusOr<model::User>> UserDirectory::Get(Account& account, std::string openid,
                                                            std::string lang,
                                                            model::CallLimit limit) {
  absl::Status status = CheckOpenid(openid);
  if (status.ok()) status = CheckLang(lang);
  if (!status.ok()) co_return status;
  co_return co_await account.client.GetUser(std::move(openid), std::move(lang), limit);
}

async::Task<absl::StatusOr<std::vector<model::User>>> UserDirectory::BatchGet(
    Account& account, std::vector<std::string> openids, std::string lang, model::CallLimit limit) {
  if (openids.empty() || openids.size() > kMaxOpenids) {
    co_return base::InvalidField(
        "openids", absl::StrCat("takes 1 to ", kMaxOpenids, ", not ", openids.size()),
        absl::StrCat("应有 1 到 ", kMaxOpenids, " 个，而不是 ", openids.size(), " 个"));
  }
  for (std::size_t i = 0; i < openids.size(); ++i) {
    absl::Status status = CheckOpenid(openids[i], absl::StrCat("openids[", i, "]"));
    if (!status.ok()) co_return status;
  }
  if (absl::Status status = CheckLang(lang); !status.ok()) co_return status;

  Pages pages{account.client, openids, std::move(lang), limit, {}, {}};
  std::sort(pages.openids.begin(), pages.openids.end());
  pages.openids.erase(std::unique(pages.openids.begin(), pages.openids.end()), pages.openids.end());
  const std::size_t count = (pages.openids.size() + kPage - 1) / kPage;
  const bool all =
      co_await async::FanOut(executor_, clock_, count, kPagesAtOnce, async::NoPatience,
                             [&pages](std::size_t index) { return ReadPage(pages, index); });
  if (!pages.error.ok()) co_return pages.error;
  if (!all) {
    co_return base::ErrorBuilder(absl::StatusCode::kCancelled, base::Reason::kCancelled,
                                 "the caller went away before all pages were read")
        .Chinese("调用方已离开，尚未读完所有分页");
  }

  std::vector<model::User> users;
  users.reserve(openids.size());
  for (std::string& openid : openids) {
    const auto it = pages.found.find(openid);
    if (it != pages.found.end()) {
      users.push_back(it->second);
    } else {
      users.emplace_back().openid = std::move(openid);
    }
  }
  co_return users;
}

}  // namespace hongyan::core
