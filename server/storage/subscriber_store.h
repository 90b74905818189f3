// The followers of each account.
//
// Contract: a row is one (account, openid). Older information never overwrites newer:
//           subscriber_rules.h says what that means. Every call that changes something is durable
//           when it answers. `now` becomes the row's update_time.
// Errors:   those of StorageThread; NOT_FOUND SUBSCRIBER_NOT_FOUND or UNIONID_NOT_FOUND.
// Bounds:   a List looks at kMaxSubscriberScan rows at most. Calls that concern many rows work
//           through them kSubscriberBatch at a time, between which others have their turn; when one
//           of these fails, those before it stay done, and the call may be repeated.
// Threads:  event loop only. Lifetime: `thread` outlives it and its tasks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/storage/storage_thread.h"
#include "server/storage/subscriber.h"

namespace hongyan::storage {

class SubscriberStore {
 public:
  explicit SubscriberStore(StorageThread& thread) : thread_(thread) {}

  // `observed`: when WeChat was asked. Who has no row gets none: it may have been deleted
  // meanwhile. The profile of someone who is known to have left since is not stored. Returns how
  // many had a row.
  async::Task<absl::StatusOr<std::int64_t>> Update(std::string account,
                                                   std::vector<model::User> users,
                                                   absl::Time observed, absl::Time now,
                                                   async::MonoTime deadline);
  // WeChat, asked at `observed`, would tell nothing of these: no openids of this account. Who has
  // no row gets none.
  async::Task<absl::Status> NoteRefused(std::string account, std::vector<std::string> openids,
                                        absl::Time observed, async::MonoTime deadline);

  // Takes each message from the open window that closes first, if one is open, for it is WeChat who
  // decides.
  async::Task<absl::Status> Spend(std::vector<Spending> spendings, absl::Time now,
                                  async::MonoTime deadline);

  async::Task<absl::StatusOr<model::Subscriber>> Get(std::string account, std::string openid,
                                                     async::MonoTime deadline);
  // Of several with this unionid the one who follows, then the one changed last.
  async::Task<absl::StatusOr<model::Subscriber>> FindByUnionid(std::string account,
                                                               std::string unionid,
                                                               async::MonoTime deadline);
  // In the order of openids, after `after_openid`; empty: from the first.
  async::Task<absl::StatusOr<SubscriberPage>> List(SubscriberFilter filter,
                                                   std::string after_openid, int limit,
                                                   async::MonoTime deadline);

  // Removes the row and the person's events. Whether there was such a row, or one such event. When
  // it fails half-way, the row is gone, and ErasePersonal() removes what is left.
  async::Task<absl::StatusOr<bool>> Delete(std::string account, std::string openid,
                                           async::MonoTime deadline);
  // Empties the profiles of those who left before `left_before`, of all accounts, and removes their
  // events, and what else is left of events that were to be removed. openid and times stay in the
  // row. Returns how many profiles.
  async::Task<absl::StatusOr<std::int64_t>> ErasePersonal(absl::Time left_before, absl::Time now,
                                                          async::MonoTime deadline);

  // For the import of all followers. A page of openids of WeChat's list, asked at `observed`; their
  // profiles come by Update. Who had left before that is a follower again, whose profile is to be
  // asked anew.
  async::Task<absl::StatusOr<std::int64_t>> SeeFollowers(std::string account,
                                                         std::vector<std::string> openids,
                                                         absl::Time observed, absl::Time now,
                                                         async::MonoTime deadline);
  // Who follows according to us, but was not in the list that was read since `started`, has left
  // unnoticed. Returns how many.
  async::Task<absl::StatusOr<std::int64_t>> MarkUnseen(std::string account, absl::Time started,
                                                       absl::Time now, async::MonoTime deadline);
  // Empty but for the account when there was none yet.
  async::Task<absl::StatusOr<SyncState>> GetSync(std::string account, async::MonoTime deadline);
  async::Task<absl::Status> PutSync(SyncState state, async::MonoTime deadline);

 private:
  // Removes what is noted to be removed; of this person, or with an empty openid of everybody.
  async::Task<absl::Status> EraseEvents(std::string account, std::string openid,
                                        async::MonoTime deadline);

  StorageThread& thread_;
};

}  // namespace hongyan::storage
