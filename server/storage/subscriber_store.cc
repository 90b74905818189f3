#include "server/storage/subscriber_store.h"

#include <algorithm>
#include <utility>

#include "server/storage/erasure_rows.h"
#include "server/storage/subscriber_rows.h"

namespace hongyan::storage {
namespace {

// A job without a value.
struct Done {};

async::Task<absl::Status> WithoutValue(async::Task<absl::StatusOr<Done>> task) {
  const absl::StatusOr<Done> result = co_await std::move(task);
  co_return result.status();
}

template <typename T>
std::vector<T> Slice(const std::vector<T>& all, std::size_t from) {
  const std::size_t to = std::min(all.size(), from + kSubscriberBatch);
  return {all.begin() + static_cast<std::ptrdiff_t>(from),
          all.begin() + static_cast<std::ptrdiff_t>(to)};
}

constexpr std::size_t kRowBytes = 1024;  // of a profile, about
constexpr std::size_t kKeyBytes = 256;
constexpr int kErasuresAtOnce = 100;  // persons in one transaction

}  // namespace

async::Task<absl::StatusOr<std::int64_t>> SubscriberStore::Update(std::string account,
                                                                  std::vector<model::User> users,
                                                                  absl::Time observed,
                                                                  absl::Time now,
                                                                  async::MonoTime deadline) {
  std::int64_t updated = 0;
  for (std::size_t from = 0; from < users.size(); from += kSubscriberBatch) {
    std::vector<model::User> some = Slice(users, from);
    const std::size_t bytes = some.size() * kRowBytes;
    StorageWork<std::int64_t> work = [account, some = std::move(some), observed,
                                      now](Database& database) -> absl::StatusOr<std::int64_t> {
      std::int64_t known = 0;
      for (const model::User& user : some) {
        known += static_cast<int>(UpdateUser(database, account, user, observed, now));
      }
      return known;
    };
    const absl::StatusOr<std::int64_t> known =
        co_await thread_.Write<std::int64_t>(std::move(work), bytes, deadline);
    if (!known.ok()) co_return known.status();
    updated += *known;
  }
  co_return updated;
}

async::Task<absl::Status> SubscriberStore::NoteRefused(std::string account,
                                                       std::vector<std::string> openids,
                                                       absl::Time observed,
                                                       async::MonoTime deadline) {
  const std::size_t bytes = openids.size() * kKeyBytes;
  StorageWork<Done> work = [account = std::move(account), openids = std::move(openids),
                            observed](Database& database) -> absl::StatusOr<Done> {
    for (const std::string& openid : openids) {
      storage::NoteRefused(database, account, openid, observed);
    }
    return Done{};
  };
  return WithoutValue(thread_.Write<Done>(std::move(work), bytes, deadline));
}

async::Task<absl::Status> SubscriberStore::Spend(std::vector<Spending> spendings, absl::Time now,
                                                 async::MonoTime deadline) {
  for (std::size_t from = 0; from < spendings.size(); from += kSubscriberBatch) {
    std::vector<Spending> some = Slice(spendings, from);
    const std::size_t bytes = some.size() * kKeyBytes;
    StorageWork<Done> work = [some = std::move(some),
                              now](Database& database) -> absl::StatusOr<Done> {
      for (const Spending& spending : some) SpendAllowance(database, spending, now);
      return Done{};
    };
    const absl::StatusOr<Done> done =
        co_await thread_.Write<Done>(std::move(work), bytes, deadline);
    if (!done.ok()) co_return done.status();
  }
  co_return absl::OkStatus();
}

async::Task<absl::StatusOr<model::Subscriber>> SubscriberStore::Get(std::string account,
                                                                    std::string openid,
                                                                    async::MonoTime deadline) {
  StorageWork<model::Subscriber> work = [account = std::move(account),
                                         openid = std::move(openid)](Database& database) {
    return SelectSubscriber(database, account, openid);
  };
  return thread_.Read<model::Subscriber>(std::move(work), deadline);
}

async::Task<absl::StatusOr<model::Subscriber>> SubscriberStore::FindByUnionid(
    std::string account, std::string unionid, async::MonoTime deadline) {
  StorageWork<model::Subscriber> work = [account = std::move(account),
                                         unionid = std::move(unionid)](Database& database) {
    return SelectByUnionid(database, account, unionid);
  };
  return thread_.Read<model::Subscriber>(std::move(work), deadline);
}

async::Task<absl::StatusOr<SubscriberPage>> SubscriberStore::List(SubscriberFilter filter,
                                                                  std::string after_openid,
                                                                  int limit,
                                                                  async::MonoTime deadline) {
  StorageWork<SubscriberPage> work = [filter = std::move(filter),
                                      after_openid = std::move(after_openid),
                                      limit](Database& database) -> absl::StatusOr<SubscriberPage> {
    return SelectSubscribers(database, filter, after_openid, limit);
  };
  return thread_.Read<SubscriberPage>(std::move(work), deadline);
}

async::Task<absl::StatusOr<bool>> SubscriberStore::Delete(std::string account, std::string openid,
                                                          async::MonoTime deadline) {
  StorageWork<bool> work = [account, openid](Database& database) -> absl::StatusOr<bool> {
    return DeleteSubscriber(database, account, openid);
  };
  const absl::StatusOr<bool> found =
      co_await thread_.Write<bool>(std::move(work), kKeyBytes, deadline);
  if (!found.ok() || !*found) co_return found;
  const absl::Status erased = co_await EraseEvents(account, openid, deadline);
  if (!erased.ok()) co_return erased;
  co_return true;
}

async::Task<absl::Status> SubscriberStore::EraseEvents(std::string account, std::string openid,
                                                       async::MonoTime deadline) {
  while (true) {
    StorageWork<bool> work = [account, openid](Database& database) -> absl::StatusOr<bool> {
      std::int64_t events = 0;
      for (int i = 0; i < kErasuresAtOnce && events < kErasureBatch; ++i) {
        const auto erasure =
            openid.empty() ? SelectErasure(database) : SelectErasure(database, account, openid);
        if (!erasure) return false;
        events += EraseSomeEvents(database, *erasure);
      }
      return true;
    };
    const absl::StatusOr<bool> more =
        co_await thread_.Write<bool>(std::move(work), kKeyBytes, deadline);
    if (!more.ok()) co_return more.status();
    if (!*more) co_return absl::OkStatus();
  }
}

async::Task<absl::StatusOr<std::int64_t>> SubscriberStore::ErasePersonal(absl::Time left_before,
                                                                         absl::Time now,
                                                                         async::MonoTime deadline) {
  std::int64_t erased = 0;
  bool more = true;
  while (more) {
    StorageWork<std::int64_t> work = [left_before,
                                      now](Database& database) -> absl::StatusOr<std::int64_t> {
      return EraseSome(database, left_before, now);
    };
    const absl::StatusOr<std::int64_t> some =
        co_await thread_.Write<std::int64_t>(std::move(work), 0, deadline);
    if (!some.ok()) co_return some.status();
    erased += *some;
    more = *some == kSubscriberBatch;
  }
  const absl::Status events_erased = co_await EraseEvents("", "", deadline);
  if (!events_erased.ok()) co_return events_erased;
  co_return erased;
}

async::Task<absl::StatusOr<std::int64_t>> SubscriberStore::SeeFollowers(
    std::string account, std::vector<std::string> openids, absl::Time observed, absl::Time now,
    async::MonoTime deadline) {
  for (std::size_t from = 0; from < openids.size(); from += kSubscriberBatch) {
    std::vector<std::string> some = Slice(openids, from);
    const std::size_t bytes = some.size() * kKeyBytes;
    StorageWork<Done> work = [account, some = std::move(some), observed,
                              now](Database& database) -> absl::StatusOr<Done> {
      for (const std::string& openid : some) {
        SeeFollower(database, account, openid, observed, now);
      }
      return Done{};
    };
    const absl::StatusOr<Done> done =
        co_await thread_.Write<Done>(std::move(work), bytes, deadline);
    if (!done.ok()) co_return done.status();
  }
  co_return static_cast<std::int64_t>(openids.size());
}

async::Task<absl::StatusOr<std::int64_t>> SubscriberStore::MarkUnseen(std::string account,
                                                                      absl::Time started,
                                                                      absl::Time now,
                                                                      async::MonoTime deadline) {
  std::int64_t marked = 0;
  std::string after;
  while (true) {
    StorageWork<Unseen> work = [account, after, started,
                                now](Database& database) -> absl::StatusOr<Unseen> {
      return MarkSomeUnseen(database, account, after, started, now);
    };
    const absl::StatusOr<Unseen> some =
        co_await thread_.Write<Unseen>(std::move(work), kKeyBytes, deadline);
    if (!some.ok()) co_return some.status();
    marked += some->marked;
    if (!some->more) co_return marked;
    after = some->next_openid;
  }
}

async::Task<absl::StatusOr<SyncState>> SubscriberStore::GetSync(std::string account,
                                                                async::MonoTime deadline) {
  StorageWork<SyncState> work =
      [account = std::move(account)](Database& database) -> absl::StatusOr<SyncState> {
    return SelectSync(database, account);
  };
  return thread_.Read<SyncState>(std::move(work), deadline);
}

async::Task<absl::Status> SubscriberStore::PutSync(SyncState state, async::MonoTime deadline) {
  StorageWork<Done> work = [state = std::move(state)](Database& database) -> absl::StatusOr<Done> {
    ReplaceSync(database, state);
    return Done{};
  };
  return WithoutValue(thread_.Write<Done>(std::move(work), kKeyBytes, deadline));
}

}  // namespace hongyan::storage
