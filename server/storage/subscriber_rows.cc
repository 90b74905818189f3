#include "server/storage/subscriber_rows.h"

#include <soci/soci.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/storage/counter_rows.h"
#include "server/storage/erasure_rows.h"
#include "server/storage/micros.h"
#include "server/storage/subscriber_rules.h"
#include "server/storage/subscriber_table.h"

namespace hongyan::storage {
namespace {

// Calls `take` with up to `rows` rows of the account after `after_openid`, until it returns false.
// How many it took.
template <typename F>
int WalkRows(soci::session& session, const std::string& account, const std::string& after_openid,
             int rows, F&& take) {
  SubscriberRow row;
  soci::statement statement(session);
  IntoRow(statement, row);
  statement.exchange(soci::use(account, "account"));
  statement.exchange(soci::use(after_openid, "after"));
  statement.alloc();
  statement.prepare(absl::StrCat("SELECT ", SubscriberColumns(),
                                 " FROM subscribers WHERE account = :account AND openid > :after "
                                 "ORDER BY openid LIMIT ",
                                 rows));
  statement.define_and_bind();
  statement.execute();
  int taken = 0;
  while (statement.fetch()) {
    if (!take(row)) break;
    ++taken;
  }
  return taken;
}

}  // namespace

void ApplyEffect(Database& database, const std::string& account, const std::string& openid,
                 absl::Time event_time, absl::Time now, const model::SubscriberEffect& effect) {
  if (openid.empty() || !effect.touches_row()) return;
  auto& table = database.Prepared<SubscriberStatements>();
  const bool known = table.Load(account, openid);
  if (ApplyEffect(table.row(), known, event_time, now, effect)) table.Save();
}

bool UpdateUser(Database& database, const std::string& account, const model::User& user,
                absl::Time observed, absl::Time now) {
  auto& table = database.Prepared<SubscriberStatements>();
  // Deleted while WeChat was asked, or never there.
  if (!table.Load(account, user.openid)) return false;
  if (MergeObserved(table.row(), user, observed, now)) table.Save();
  return true;
}

void NoteRefused(Database& database, const std::string& account, const std::string& openid,
                 absl::Time observed) {
  auto& table = database.Prepared<SubscriberStatements>();
  if (!table.Load(account, openid)) return;
  NoteRefusal(table.row(), observed);
  table.Save();
}

void SpendAllowance(Database& database, const Spending& spending, absl::Time now) {
  auto& table = database.Prepared<SubscriberStatements>();
  if (!table.Load(spending.account, spending.openid)) return;
  SpendAllowance(table.row(), spending, now);
  table.Save();
}

absl::StatusOr<model::Subscriber> SelectSubscriber(Database& database, const std::string& account,
                                                   const std::string& openid) {
  auto& table = database.Prepared<SubscriberStatements>();
  if (table.Load(account, openid)) return ToSubscriber(table.row());
  return base::ErrorBuilder(absl::StatusCode::kNotFound, base::Reason::kSubscriberNotFound,
                            "no such subscriber is stored; they may never have followed the "
                            "account, or it was not imported yet")
      .Chinese("没有该关注者的记录");
}

absl::StatusOr<model::Subscriber> SelectByUnionid(Database& database, const std::string& account,
                                                  const std::string& unionid) {
  std::string openid;
  const Snapshot snapshot(database);
  soci::session& session = database.session();
  if (!unionid.empty()) {
    session << "SELECT openid FROM subscribers WHERE account = :account AND unionid = :unionid "
               "ORDER BY subscribed DESC, update_time DESC LIMIT 1",
        soci::into(openid), soci::use(account), soci::use(unionid);
    if (session.got_data()) return SelectSubscriber(database, account, openid);
  }
  return base::ErrorBuilder(absl::StatusCode::kNotFound, base::Reason::kUnionidNotFound,
                            "no subscriber of this account is known by that unionid; import the "
                            "followers, and see that the account is bound to an Open Platform "
                            "account")
      .Chinese("该公众号下没有此 unionid 的关注者");
}

SubscriberPage SelectSubscribers(Database& database, const SubscriberFilter& filter,
                                 const std::string& after_openid, int limit) {
  const auto most = static_cast<std::size_t>(std::clamp(limit, 1, kMaxSubscriberPage));
  SubscriberPage page;
  page.next_openid = after_openid;
  const auto take = [&](const SubscriberRow& row) {
    page.more = page.subscribers.size() == most;
    if (page.more) return false;
    page.next_openid = row.openid;
    const bool told = row.subscribed != 0 && row.profile_time != 0;
    if (told && !(filter.to_ask && IsToBeAsked(row, *filter.to_ask))) ++page.with_profile;
    if (Fits(row, filter)) page.subscribers.push_back(ToSubscriber(row));
    return true;
  };
  const int looked_at =
      WalkRows(database.session(), filter.account, after_openid, kMaxSubscriberScan, take);
  page.more = page.more || looked_at == kMaxSubscriberScan;
  return page;
}

bool DeleteSubscriber(Database& database, const std::string& account, const std::string& openid) {
  soci::statement statement =
      (database.session().prepare
           << "DELETE FROM subscribers WHERE account = :account AND openid = :openid",
       soci::use(account), soci::use(openid));
  statement.execute(true);
  // A deletion that was broken off has left its note.
  const bool found = statement.get_affected_rows() > 0 || HasEvents(database, account, openid) ||
                     SelectErasure(database, account, openid);
  if (found) NoteErasure(database, {account, openid, SelectEventMark(database.session()).cursor});
  return found;
}

std::int64_t EraseSome(Database& database, absl::Time left_before, absl::Time now) {
  std::vector<std::string> accounts(kSubscriberBatch);
  std::vector<std::string> openids(kSubscriberBatch);
  const long long before = Micros(left_before);
  database.session() << "SELECT account, openid FROM subscribers WHERE subscribed = 0 AND "
                        "erase_time = 0 AND unsubscribe_time < :before LIMIT "
                     << kSubscriberBatch,
      soci::into(accounts), soci::into(openids), soci::use(before);
  const std::int64_t until = openids.empty() ? 0 : SelectEventMark(database.session()).cursor;
  auto& table = database.Prepared<SubscriberStatements>();
  for (std::size_t i = 0; i < openids.size(); ++i) {
    NoteErasure(database, {accounts[i], openids[i], until});
    table.Load(accounts[i], openids[i]);
    EraseProfile(table.row(), now);
    table.Save();
  }
  return static_cast<std::int64_t>(openids.size());
}

void SeeFollower(Database& database, const std::string& account, const std::string& openid,
                 absl::Time observed, absl::Time now) {
  auto& table = database.Prepared<SubscriberStatements>();
  const bool known = table.Load(account, openid);
  SeeInList(table.row(), known, observed, now);
  table.Save();
}

Unseen MarkSomeUnseen(Database& database, const std::string& account,
                      const std::string& after_openid, absl::Time started, absl::Time now) {
  Unseen result;
  std::vector<std::string> gone;
  const auto take = [&](const SubscriberRow& row) {
    result.next_openid = row.openid;
    if (LeftUnseen(row, started)) gone.push_back(row.openid);
    return true;
  };
  const int looked_at = WalkRows(database.session(), account, after_openid, kSubscriberBatch, take);
  auto& table = database.Prepared<SubscriberStatements>();
  for (const std::string& openid : gone) {
    table.Load(account, openid);
    MarkLeft(table.row(), now);
    table.Save();
  }
  result.marked = static_cast<std::int64_t>(gone.size());
  result.more = looked_at == kSubscriberBatch;
  return result;
}

SyncState SelectSync(Database& database, const std::string& account) {
  SyncState state;
  state.account = account;
  long long start = 0;
  long long finish = 0;
  long long total = 0;
  long long listed = 0;
  long long fetched = 0;
  long long since = 0;
  long long departed = 0;
  database.session() << "SELECT next_openid, start_time, finish_time, total, listed, fetched, "
                        "profiles_since, departed FROM subscriber_syncs WHERE account = :account",
      soci::into(state.next_openid), soci::into(start), soci::into(finish), soci::into(total),
      soci::into(listed), soci::into(fetched), soci::into(since), soci::into(departed),
      soci::use(account);
  state.start_time = ToOptionalTime(start);
  state.finish_time = ToOptionalTime(finish);
  state.total = total;
  state.listed = listed;
  state.fetched = fetched;
  state.profiles_since = ToOptionalTime(since);
  state.departed = departed;
  return state;
}

void ReplaceSync(Database& database, const SyncState& state) {
  const long long start = Micros(state.start_time);
  const long long finish = Micros(state.finish_time);
  const long long total = state.total;
  const long long listed = state.listed;
  const long long fetched = state.fetched;
  const long long since = Micros(state.profiles_since);
  const long long departed = state.departed;
  database.session() << "DELETE FROM subscriber_syncs WHERE account = :account",
      soci::use(state.account);
  database.session() << "INSERT INTO subscriber_syncs (account, next_openid, start_time, "
                        "finish_time, total, listed, fetched, profiles_since, departed) VALUES "
                        "(:account, :next, :start, :finish, :total, :listed, :fetched, :since, "
                        ":departed)",
      soci::use(state.account), soci::use(state.next_openid), soci::use(start), soci::use(finish),
      soci::use(total), soci::use(listed), soci::use(fetched), soci::use(since),
      soci::use(departed);
}

}  // namespace hongyan::storage
