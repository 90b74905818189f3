// The followers of each account: what storage has of them, kept true by WeChat's own word.
//
// Contract: Get, Find, List and Delete are about storage only; they see what sends have spent
//           before. Fetch() asks WeChat for a stored person's profile in the background; what it
//           can't get is asked again by KeepUp(). Sync() reads WeChat's whole list of followers,
//           then the profiles that are missing or older than kFreshProfile; it goes on where an
//           earlier one was interrupted, and only one runs for each account. KeepUp() gives way to
//           it, and asks for what is missing only.
// Errors:   those of Accounts, SubscriberStore and WechatClient. RESOURCE_EXHAUSTED OVERLOADED: a
//           Sync() of this account runs. UNAVAILABLE WECHAT_UNREACHABLE: WeChat's list was clearly
//           not whole, so nobody was found to have left. An openid that WeChat doesn't know, or of
//           whom it tells nothing readable, is noted, and not asked again for kRefusedFor; the
//           others go on. Nobody has left by a list of which a part can't be read.
// Bounds:   profiles are asked 100 at a time, four requests beside each other. At most kMaxFetches
//           fetches in the background; further ones wait for KeepUp(). One Sync() or KeepUp() asks
//           for kMaxRefused strangers at most.
// Threads:  event loop only.
// Lifetime: what it is given outlives it; `group` has ended before.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/task_group.h"
#include "server/core/accounts.h"
#include "server/core/stored_recipients.h"
#include "server/storage/subscriber_store.h"

namespace hongyan::core {

// SubscriberService's contract names this time.
inline constexpr absl::Duration kFreshProfile = absl::Hours(24);
// How long an openid that WeChat didn't know is left alone.
inline constexpr absl::Duration kRefusedFor = absl::Hours(24);
// Each costs some dozen requests to find, and if WeChat knows none at all, it is no matter of
// single openids.
inline constexpr int kMaxRefused = 1000;

class Subscribers {
 public:
  // How far a Sync() is. `listed` of `total` openids; then the followers whose profile is known,
  // `fetched`, from not long ago or by this import.
  struct Progress {
    std::int64_t total = 0;
    std::int64_t listed = 0;
    std::int64_t fetched = 0;
    std::int64_t left = 0;  // found to follow no more
    // Entries of WeChat's answers to this call that nobody can read: they concern one person each
    // and hold up no other.
    std::int64_t unreadable = 0;
    absl::Time start_time;
    bool done = false;
  };
  // False: nobody wants to hear more, end.
  using Report = std::function<async::Task<bool>(Progress)>;

  Subscribers(Accounts& accounts, storage::SubscriberStore& store, StoredRecipients& recipients,
              async::Clock& clock, async::Executor executor, async::TaskGroup& group)
      : accounts_(accounts),
        store_(store),
        recipients_(recipients),
        clock_(clock),
        executor_(executor),
        group_(group) {}

  async::Task<absl::StatusOr<model::Subscriber>> Get(std::string account, std::string openid,
                                                     async::MonoTime deadline);
  async::Task<absl::StatusOr<model::Subscriber>> Find(std::string account, std::string unionid,
                                                      async::MonoTime deadline);
  async::Task<absl::StatusOr<storage::SubscriberPage>> List(storage::SubscriberFilter filter,
                                                            std::string after_openid, int limit,
                                                            async::MonoTime deadline);
  // NOT_FOUND SUBSCRIBER_NOT_FOUND when there was none.
  async::Task<absl::Status> Delete(std::string account, std::string openid,
                                   async::MonoTime deadline);

  void Fetch(const std::string& account, const std::string& openid);
  // `restart`: from the first follower, whatever an earlier import has done, and all profiles.
  async::Task<absl::Status> Sync(std::string account, bool restart, model::CallLimit limit,
                                 Report report);
  // Asks for the profiles that are missing, of all accounts. Call now and then. False: the task was
  // cancelled, and must end by itself.
  async::Task<bool> KeepUp(async::MonoTime deadline);

 private:
  struct Missing;

  async::Task<void> FetchOne(std::string account, std::string openid);
  async::Task<absl::Status> ReadList(Account& account, storage::SyncState& state,
                                     model::CallLimit limit, Progress& progress,
                                     const Report& report);
  // Whether `account` has more followers in storage than WeChat's counts may be wrong by.
  async::Task<absl::StatusOr<bool>> HasManyFollowers(const Account& account,
                                                     async::MonoTime deadline);
  // Of who follows and whose profile is of this `age`.
  async::Task<absl::Status> ReadProfiles(Account& account, storage::ProfileAge age,
                                         model::CallLimit limit, Progress& progress,
                                         const Report& report);
  // One batchget, whose result is stored. False: WeChat doesn't know one of several openids and
  // told of none; ask in halves.
  async::Task<absl::StatusOr<bool>> ReadTogether(Missing& missing,
                                                 std::vector<std::string> openids);
  // KeepUp's report: ends it where a Sync() has begun.
  async::Task<bool> GoesOnAlone(const Account& account, bool& gave_way) const;
  async::Task<void> ReadBatch(Missing& missing, std::size_t index);

  Accounts& accounts_;
  storage::SubscriberStore& store_;
  StoredRecipients& recipients_;
  async::Clock& clock_;
  async::Executor executor_;
  async::TaskGroup& group_;
  std::set<std::string> syncing_;  // accounts
  int fetching_ = 0;
};

}  // namespace hongyan::core
