#include "server/storage/age_clock_store.h"

#include <soci/soci.h>

#include <algorithm>

#include "server/storage/counter_rows.h"
#include "server/storage/micros.h"

namespace hongyan::storage {
namespace {

constexpr char kBelieved[] = "clock_believed";
constexpr char kDoubted[] = "clock_doubted";
constexpr char kDoubtedFor[] = "clock_doubted_for";

// 0: nothing is stored.
long long SelectNewestTime(soci::session& session) {
  long long events = 0;
  long long keys = 0;
  long long subscribers = 0;
  session << "SELECT COALESCE(MAX(receive_time), 0) FROM events", soci::into(events);
  session << "SELECT COALESCE(MAX(receive_time), 0) FROM event_keys", soci::into(keys);
  session << "SELECT COALESCE(MAX(update_time), 0) FROM subscribers", soci::into(subscribers);
  return std::max({events, keys, subscribers});
}

AgeClock SelectAgeClock(soci::session& session) {
  AgeClock clock;
  long long believed = SelectNumber(session, kBelieved);
  if (believed == 0) believed = SelectNewestTime(session);
  if (believed != 0) clock.believed = ToTime(believed);
  clock.doubted = ToOptionalTime(SelectNumber(session, kDoubted));
  clock.doubted_for = absl::Microseconds(SelectNumber(session, kDoubtedFor));
  return clock;
}

}  // namespace

async::Task<absl::StatusOr<AgeClock>> AgeClockStore::Load(async::MonoTime deadline) {
  StorageWork<AgeClock> work = [](Database& database) -> absl::StatusOr<AgeClock> {
    return SelectAgeClock(database.session());
  };
  return thread_.Read<AgeClock>(std::move(work), deadline);
}

async::Task<absl::Status> AgeClockStore::Save(AgeClock clock, async::MonoTime deadline) {
  StorageWork<AgeClock> work = [clock](Database& database) -> absl::StatusOr<AgeClock> {
    soci::session& session = database.session();
    UpdateNumber(session, kBelieved, Micros(clock.believed));
    UpdateNumber(session, kDoubted, Micros(clock.doubted));
    UpdateNumber(session, kDoubtedFor, absl::ToInt64Microseconds(clock.doubted_for));
    return clock;
  };
  const auto saved = co_await thread_.Write<AgeClock>(std::move(work), sizeof(clock), deadline);
  co_return saved.status();
}

}  // namespace hongyan::storage
