#include "server/core/subscribers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/async/fan_out.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/core/message_rules.h"

namespace hongyan::core {
namespace {

constexpr char kLang[] = "zh_CN";
constexpr int kMaxFetches = 200;
constexpr int kFetchTries = 3;
constexpr absl::Duration kFetchLimit = absl::Seconds(30);
constexpr absl::Duration kStoreLimit = absl::Seconds(10);
constexpr absl::Duration kResumable = absl::Hours(24);
constexpr std::size_t kBatch = 100;
constexpr std::size_t kBatchesAtOnce = 4;

constexpr int kFew = 5;  // by which WeChat's counts of a small account may differ

// Whether a list that was read to its end may have been whole. `total` is the smallest that its
// pages told, so those who left while it was read are no longer in it. WeChat's two counts needn't
// agree to the last, so one in a hundred may be missing, in small accounts five, but never more
// than half.
bool IsWhole(std::int64_t listed, std::int64_t total) {
  const std::int64_t missing = std::min(std::max<std::int64_t>(total / 100, kFew), total / 2);
  return listed >= total - missing;
}

absl::Status NotWhole(std::int64_t listed, std::int64_t total) {
  return base::ErrorBuilder(
             absl::StatusCode::kUnavailable, base::Reason::kWechatUnreachable,
             absl::StrCat("WeChat listed ", listed, " of ", total,
                          " followers; what it listed is stored, nobody was marked as having "
                          "left. Import again"))
      .With("api", "/cgi-bin/user/get")
      .RetryAfter(absl::Minutes(1))
      .Chinese(absl::StrCat("微信只列出了 ", total, " 位关注者中的 ", listed,
                            " 位；已列出的已保存，未将任何人标记为取消关注。请重新导入"));
}

absl::Status NobodyListens() {
  return base::ErrorBuilder(absl::StatusCode::kCancelled, base::Reason::kCancelled,
                            "the caller went away; the import goes on from here next time")
      .Chinese("调用方已离开，下次将从此处继续导入");
}

// Whether WeChat refused because of an openid: it is none of this account, or the list of them is
// none.
bool IsAboutOpenids(const absl::Status& status) {
  const std::string errcode = base::GetMetadata(status, "errcode");
  return errcode == "40003" || errcode == "40031" || errcode == "40032";
}

// Takes a place for as long as it lives.
class Place {
 public:
  Place(std::set<std::string>& taken, const std::string& name)
      : taken_(taken), name_(name), mine_(taken.insert(name).second) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (mine_) taken_.erase(name_);
  }
  bool mine() const { return mine_; }

 private:
  std::set<std::string>& taken_;
  const std::string name_;
  const bool mine_;
};

}  // namespace

// The profiles that one ReadProfiles asks for beside each other.
struct Subscribers::Missing {
  Account& account;
  model::CallLimit limit;
  int& refused;  // by WeChat, over all of the account's
  std::vector<std::string> openids;
  std::int64_t fetched = 0;
  std::int64_t unreadable = 0;
  absl::Status error;
};

async::Task<absl::StatusOr<model::Subscriber>> Subscribers::Get(std::string account,
                                                                std::string openid,
                                                                async::MonoTime deadline) {
  const auto found = accounts_.Find(account);
  if (!found.ok()) co_return found.status();
  if (absl::Status status = CheckOpenid(openid); !status.ok()) co_return status;
  co_await recipients_.Written(deadline);
  co_return co_await store_.Get((*found)->name, std::move(openid), deadline);
}

async::Task<absl::StatusOr<model::Subscriber>> Subscribers::Find(std::string account,
                                                                 std::string unionid,
                                                                 async::MonoTime deadline) {
  const auto found = accounts_.Find(account);
  if (!found.ok()) co_return found.status();
  if (absl::Status status = CheckUnionid(unionid); !status.ok()) co_return status;
  co_await recipients_.Written(deadline);
  co_return co_await store_.FindByUnionid((*found)->name, std::move(unionid), deadline);
}

async::Task<absl::StatusOr<storage::SubscriberPage>> Subscribers::List(
    storage::SubscriberFilter filter, std::string after_openid, int limit,
    async::MonoTime deadline) {
  const auto found = accounts_.Find(filter.account);
  if (!found.ok()) co_return found.status();
  filter.account = (*found)->name;
  co_await recipients_.Written(deadline);
  co_return co_await store_.List(std::move(filter), std::move(after_openid), limit, deadline);
}

async::Task<absl::Status> Subscribers::Delete(std::string account, std::string openid,
                                              async::MonoTime deadline) {
  const auto found = accounts_.Find(account);
  if (!found.ok()) co_return found.status();
  if (absl::Status status = CheckOpenid(openid); !status.ok()) co_return status;
  const auto deleted = co_await store_.Delete((*found)->name, std::move(openid), deadline);
  if (!deleted.ok()) co_return deleted.status();
  if (*deleted) co_return absl::OkStatus();
  co_return base::ErrorBuilder(absl::StatusCode::kNotFound, base::Reason::kSubscriberNotFound,
                               "no such subscriber is stored")
      .Chinese("没有存储该用户");
}

void Subscribers::Fetch(const std::string& account, const std::string& openid) {
  if (openid.empty() || fetching_ >= kMaxFetches) return;
  if (group_.Spawn(FetchOne(account, openid))) ++fetching_;
}

async::Task<void> Subscribers::FetchOne(std::string account, std::string openid) {
  const auto found = accounts_.Find(account);
  const auto known = co_await store_.Get(account, openid, async::After(clock_.Mono(), kStoreLimit));
  // Who isn't stored has no profile here that could be wrong.
  const int tries = found.ok() && !absl::IsNotFound(known.status()) ? kFetchTries : 0;
  for (int i = 0; i < tries; ++i) {
    const model::CallLimit limit{async::After(clock_.Mono(), kFetchLimit), false};
    const absl::Time asked = clock_.Now();
    auto user = co_await (*found)->client.GetUser(openid, kLang, limit);
    if (user.ok() && user->subscribed) {
      std::vector<model::User> users;
      users.push_back(*std::move(user));
      const auto stored = co_await store_.Update(account, std::move(users), asked, clock_.Now(),
                                                 async::After(clock_.Mono(), kStoreLimit));
      if (stored.ok()) break;
    } else if (IsAboutOpenids(user.status())) {
      std::vector<std::string> strangers(1, openid);
      const async::MonoTime until = async::After(clock_.Mono(), kStoreLimit);
      [[maybe_unused]] const absl::Status noted =
          co_await store_.NoteRefused(account, std::move(strangers), asked, until);
      break;
    }
    const auto pause = clock_.NewAlarm();
    const bool waited =
        co_await pause->WaitUntil(async::After(clock_.Mono(), absl::Seconds(1 << i)));
    if (!waited) break;
  }
  --fetching_;
}

async::Task<absl::Status> Subscribers::Sync(std::string account, bool restart,
                                            model::CallLimit limit, Report report) {
  const auto found = accounts_.Find(account);
  if (!found.ok()) co_return found.status();
  Account& of = **found;
  const Place place(syncing_, of.name);
  if (!place.mine()) {
    co_return base::ErrorBuilder(absl::StatusCode::kResourceExhausted, base::Reason::kOverloaded,
                                 "another import of this account runs; wait for its end")
        .RetryAfter(absl::Minutes(1))
        .Chinese("该账号正在导入，请等待其结束");
  }
  auto stored = co_await store_.GetSync(of.name, limit.deadline);
  if (!stored.ok()) co_return stored.status();
  storage::SyncState state = *std::move(stored);
  const async::MonoTime begun = clock_.Mono();
  // One that began in the future was begun under a wrong clock.
  const absl::Duration since_start =
      state.start_time ? clock_.Now() - *state.start_time : absl::InfiniteDuration();
  const bool resumes = !restart && !state.finish_time && since_start >= absl::ZeroDuration() &&
                       since_start < kResumable;
  const auto begin = [&] {
    state = {};
    state.account = of.name;
    state.start_time = clock_.Now();
    state.profiles_since = restart ? *state.start_time : *state.start_time - kFreshProfile;
  };
  if (!resumes) begin();
  Progress progress;
  progress.start_time = *state.start_time;
  progress.total = state.total;
  progress.listed = state.listed;
  // Nothing follows the list's last page: a list that was read to its end has no next_openid.
  if (!resumes || !state.next_openid.empty() || state.listed == 0) {
    const std::string from = state.next_openid;
    absl::Status status = co_await ReadList(of, state, limit, progress, report);
    if (!from.empty() && from == state.next_openid && IsAboutOpenids(status)) {
      // WeChat no longer knows the place where the earlier import was.
      begin();
      progress = {};
      progress.start_time = *state.start_time;
      status = co_await ReadList(of, state, limit, progress, report);
    }
    if (!status.ok()) co_return status;
  }
  // What can't be read was listed all the same; but then nobody knows who is missing.
  const std::int64_t unlisted = progress.unreadable;
  bool whole = IsWhole(state.listed + unlisted, state.total);
  if (whole && state.listed == 0) {
    const auto many = co_await HasManyFollowers(of, limit.deadline);
    if (!many.ok()) co_return many.status();
    whole = !*many;
  }
  if (whole && unlisted > 0) {
    base::Log(base::Level::kWarn, "part of WeChat's list can't be read, so nobody has left by it",
              {{"account", of.name}, {"count", unlisted}});
  } else if (whole) {
    // Before the profiles: who has left needs none.
    // By the present clock, if it went back meanwhile: follows have WeChat's times.
    const absl::Duration ran = absl::FromChrono(clock_.Mono() - begun);
    const absl::Time started = std::min(*state.start_time, clock_.Now() - ran);
    const auto left = co_await store_.MarkUnseen(of.name, started, clock_.Now(), limit.deadline);
    if (!left.ok()) co_return left.status();
    state.departed += *left;
    absl::Status noted = co_await store_.PutSync(state, limit.deadline);
    if (!noted.ok()) co_return noted;
  }
  // An import that an earlier version began has no such time.
  const absl::Time since = state.profiles_since.value_or(*state.start_time - kFreshProfile);
  const storage::ProfileAge age{since, since};
  absl::Status status = co_await ReadProfiles(of, age, limit, progress, report);
  if (!status.ok()) co_return status;
  if (!whole) {
    absl::Status error = NotWhole(state.listed, state.total);
    state = {};
    state.account = of.name;  // so that the next import reads the list anew
    status = co_await store_.PutSync(state, limit.deadline);
    co_return status.ok() ? error : status;
  }
  state.finish_time = clock_.Now();
  state.fetched = progress.fetched;
  status = co_await store_.PutSync(state, limit.deadline);
  if (!status.ok()) co_return status;
  progress.left = state.departed;
  progress.done = true;
  co_await report(progress);
  co_return absl::OkStatus();
}

async::Task<absl::Status> Subscribers::ReadList(Account& account, storage::SyncState& state,
                                                model::CallLimit limit, Progress& progress,
                                                const Report& report) {
  while (true) {
    // After the import began, whatever has been done to the clock: who is seen now must not count
    // as unseen.
    const absl::Time asked = std::max(clock_.Now(), *state.start_time);
    auto page = co_await account.client.ListFollowers(state.next_openid, limit);
    if (!page.ok()) co_return page.status();
    progress.unreadable += page->unusable;
    state.total = state.listed == 0 ? page->total : std::min(state.total, page->total);
    state.listed += static_cast<std::int64_t>(page->openids.size());
    state.next_openid = page->next_openid;
    if (!page->openids.empty()) {
      const auto seen = co_await store_.SeeFollowers(account.name, std::move(page->openids), asked,
                                                     clock_.Now(), limit.deadline);
      if (!seen.ok()) co_return seen.status();
    }
    // An import that goes on later reads such a page again, and knows then too that something was
    // in it.
    if (progress.unreadable == 0) {
      const absl::Status status = co_await store_.PutSync(state, limit.deadline);
      if (!status.ok()) co_return status;
    }
    progress.total = page->total;
    progress.listed = state.listed;
    const bool heard = co_await report(progress);
    if (!heard) co_return NobodyListens();
    if (state.next_openid.empty()) co_return absl::OkStatus();
  }
}

async::Task<absl::StatusOr<bool>> Subscribers::HasManyFollowers(const Account& account,
                                                                async::MonoTime deadline) {
  storage::SubscriberFilter filter;
  filter.account = account.name;
  filter.subscribed = true;
  const auto page = co_await store_.List(filter, "", kFew + 1, deadline);
  if (!page.ok()) co_return page.status();
  co_return static_cast<int>(page->subscribers.size()) > kFew;
}

async::Task<absl::Status> Subscribers::ReadProfiles(Account& account, storage::ProfileAge age,
                                                    model::CallLimit limit, Progress& progress,
                                                    const Report& report) {
  storage::SubscriberFilter filter;
  filter.account = account.name;
  filter.subscribed = true;
  filter.to_ask = age;
  int refused = 0;
  std::string after;
  while (true) {
    auto page = co_await store_.List(filter, after, storage::kMaxSubscriberPage, limit.deadline);
    if (!page.ok()) co_return page.status();
    progress.fetched += page->with_profile;
    Missing missing{account, limit, refused, {}, 0, 0, {}};
    for (model::Subscriber& who : page->subscribers) {
      missing.openids.push_back(std::move(who.openid));
    }
    const std::size_t batches = (missing.openids.size() + kBatch - 1) / kBatch;
    const bool all = co_await async::FanOut(
        executor_, clock_, batches, kBatchesAtOnce, async::NoPatience,
        [this, &missing](std::size_t index) { return ReadBatch(missing, index); });
    progress.fetched += missing.fetched;
    progress.unreadable += missing.unreadable;
    // Checked first: a cancelled task also leaves an error behind.
    if (!all) co_return NobodyListens();
    if (!missing.error.ok()) co_return missing.error;
    if (batches > 0) {
      const bool heard = co_await report(progress);
      if (!heard) co_return NobodyListens();
    }
    if (!page->more) break;
    after = std::move(page->next_openid);
  }
  if (refused > 0) {
    base::Log(base::Level::kWarn, "WeChat tells nothing of some of the stored openids",
              {{"account", account.name}, {"count", refused}});
  }
  co_return absl::OkStatus();
}

async::Task<void> Subscribers::ReadBatch(Missing& missing, std::size_t index) {
  const auto from = missing.openids.begin() + static_cast<std::ptrdiff_t>(index * kBatch);
  const auto to = missing.openids.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                (index + 1) * kBatch, missing.openids.size()));
  // What has to be asked apart: halved until the openid that fails the others is alone.
  std::vector<std::vector<std::string>> groups;
  groups.emplace_back(from, to);
  while (!groups.empty() && missing.error.ok()) {
    const std::vector<std::string> group = std::move(groups.back());
    groups.pop_back();
    const auto done = co_await ReadTogether(missing, group);
    if (!done.ok()) {
      if (missing.error.ok()) missing.error = done.status();
    } else if (!*done) {
      const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
      groups.emplace_back(middle, group.end());
      groups.emplace_back(group.begin(), middle);
    }
  }
}

async::Task<absl::StatusOr<bool>> Subscribers::ReadTogether(Missing& missing,
                                                            std::vector<std::string> openids) {
  const absl::Time asked = clock_.Now();
  const auto users = co_await missing.account.client.GetUsers(openids, kLang, missing.limit);
  std::set<std::string> untold(openids.begin(), openids.end());
  if (users.ok()) {
    std::vector<model::User> told;
    missing.unreadable += users->unusable;
    for (const model::User& user : users->users) {
      if (!user.subscribed) {
        ++missing.unreadable;
      } else if (untold.erase(user.openid) > 0) {
        told.push_back(user);
      }
    }
    const auto stored = co_await store_.Update(missing.account.name, std::move(told), asked,
                                               clock_.Now(), missing.limit.deadline);
    if (!stored.ok()) co_return stored.status();
    missing.fetched += *stored;
  } else {
    const bool by_an_openid = IsAboutOpenids(users.status()) && missing.refused < kMaxRefused;
    if (!by_an_openid) co_return users.status();
    if (openids.size() > 1) co_return false;
  }
  if (untold.empty()) co_return true;
  missing.refused += static_cast<int>(untold.size());
  std::vector<std::string> strangers(untold.begin(), untold.end());
  const absl::Status noted = co_await store_.NoteRefused(missing.account.name, std::move(strangers),
                                                         asked, missing.limit.deadline);
  if (!noted.ok()) co_return noted;
  co_return true;
}

async::Task<bool> Subscribers::GoesOnAlone(const Account& account, bool& gave_way) const {
  gave_way = syncing_.contains(account.name);
  co_return !gave_way;
}

async::Task<bool> Subscribers::KeepUp(async::MonoTime deadline) {
  for (Account& account : accounts_.all()) {
    if (syncing_.contains(account.name) || !account.token.last_error().ok()) continue;
    Progress progress;
    bool gave_way = false;
    const Report report = [this, &account, &gave_way](Progress) {
      return GoesOnAlone(account, gave_way);
    };
    const model::CallLimit limit{deadline, false};
    const storage::ProfileAge age{absl::InfinitePast(), clock_.Now() - kRefusedFor};
    const absl::Status status = co_await ReadProfiles(account, age, limit, progress, report);
    if (gave_way) continue;
    if (absl::IsCancelled(status)) co_return false;
    if (!status.ok()) {
      base::Log(base::Level::kWarn, "profiles not fetched",
                {{"account", account.name}, {"problem", status.message()}});
    }
  }
  co_return true;
}

}  // namespace hongyan::core
