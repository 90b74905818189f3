// The SQL of the subscribers. What becomes of a row is decided by subscriber_rules.h.
//
// Contract: as event_rows.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/storage/database.h"
#include "server/storage/subscriber.h"

namespace hongyan::storage {

void ApplyEffect(Database& database, const std::string& account, const std::string& openid,
                 absl::Time event_time, absl::Time now, const model::SubscriberEffect& effect);
// Whether there was such a row.
bool UpdateUser(Database& database, const std::string& account, const model::User& user,
                absl::Time observed, absl::Time now);
void NoteRefused(Database& database, const std::string& account, const std::string& openid,
                 absl::Time observed);
void SpendAllowance(Database& database, const Spending& spending, absl::Time now);

absl::StatusOr<model::Subscriber> SelectSubscriber(Database& database, const std::string& account,
                                                   const std::string& openid);
absl::StatusOr<model::Subscriber> SelectByUnionid(Database& database, const std::string& account,
                                                  const std::string& unionid);
SubscriberPage SelectSubscribers(Database& database, const SubscriberFilter& filter,
                                 const std::string& after_openid, int limit);
// Whether there was such a row, or events of such a person; those are noted to be erased.
bool DeleteSubscriber(Database& database, const std::string& account, const std::string& openid);
// Up to kSubscriberBatch; their events are noted to be erased.
std::int64_t EraseSome(Database& database, absl::Time left_before, absl::Time now);

void SeeFollower(Database& database, const std::string& account, const std::string& openid,
                 absl::Time observed, absl::Time now);
struct Unseen {
  std::int64_t marked = 0;
  std::string next_openid;
  bool more = false;
};
// Looks at kSubscriberBatch rows after `after_openid`.
Unseen MarkSomeUnseen(Database& database, const std::string& account,
                      const std::string& after_openid, absl::Time started, absl::Time now);
SyncState SelectSync(Database& database, const std::string& account);
void ReplaceSync(Database& database, const SyncState& state);

}  // namespace hongyan::storage
