#include "server/storage/subscriber_rows.h"

#include <soci/soci.h>

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/storage/counter_rows.h"
#include "server/storage/erasure_rows.h"
#include "server/storage/micros.h"
#include "server/storage/subscriber_table.h"

namespace hongyan::storage {
namespace {

constexpr long long kEventSecond = 1000000;

void CloseBoth(SubscriberRow& row) {
  row.message_left = row.message_expire_time = 0;
  row.action_left = row.action_expire_time = 0;
}

void Leave(SubscriberRow& row, long long when) {
  row.subscribed = 0;
  row.unsubscribe_time = when;
  CloseBoth(row);
}

// They follow, whatever we had missed of it.
void Return(SubscriberRow& row) {
  row.subscribed = 1;
  row.unsubscribe_time = row.erase_time = 0;
  row.profile_time = row.refused_time = 0;  // to be asked anew
}

// From when on they have left, by WeChat's clock or by ours.
long long LeftAt(const SubscriberRow& row) {
  return std::max(row.state_time, row.unsubscribe_time);
}

// Whether the person's user/info is to be asked now.
bool ToAsk(const SubscriberRow& row, const ProfileAge& age) {
  const bool old = row.profile_time == 0 || row.profile_time < Micros(age.told_before);
  return row.subscribed != 0 && old && row.refused_time < Micros(age.refused_before);
}

bool Fits(const SubscriberRow& row, const SubscriberFilter& filter) {
  if (filter.subscribed && *filter.subscribed != (row.subscribed != 0)) return false;
  if (filter.tag_id && !absl::StrContains(row.tag_ids, absl::StrCat(",", *filter.tag_id, ","))) {
    return false;
  }
  if (!filter.subscribe_scene.empty() && filter.subscribe_scene != row.subscribe_scene) {
    return false;
  }
  if (filter.updated_after && row.update_time <= Micros(filter.updated_after)) return false;
  if (filter.inbound_after && row.last_inbound_time <= Micros(filter.inbound_after)) return false;
  return !filter.to_ask || ToAsk(row, *filter.to_ask);
}

// Calls `take` with up to `rows` rows of the account after `after_openid`, until it returns false. How many it took.
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
                 absl::Time event_time, absl::Time now, const SubscriberEffect& effect) {
  using Kind = SubscriberEffect::Kind;
  using Opens = SubscriberEffect::Opens;
  if (openid.empty() || (effect.kind == Kind::kNone && effect.opens == Opens::kNothing)) return;
  auto& table = database.Prepared<SubscriberStatements>();
  const bool known = table.Load(account, openid);
  const bool about_profile = effect.kind == Kind::kProfileChanged ||
                             effect.kind == Kind::kProfileRevoked || effect.kind == Kind::kGone;
  if (about_profile && !known) return;  // nothing is kept of strangers
  SubscriberRow& row = table.row();
  const long long when = Micros(event_time);
  if (effect.kind == Kind::kSubscribe && when >= row.state_time) {
    Return(row);
    row.state_time = row.subscribe_time = when;
  }
  if (effect.kind == Kind::kUnsubscribe && when >= row.state_time) {
    row.state_time = when;
    Leave(row, when);
  }
  if (about_profile) row.profile_time = 0;  // to be asked anew
  if (effect.kind == Kind::kProfileRevoked) row.ClearPersonal();
  if (effect.kind == Kind::kGone) {
    if (row.subscribed != 0) Leave(row, when);
    row.state_time = std::max(row.state_time, when);
    row.SetProfile(Profile());
    row.erase_time = Micros(now);
  }
  // Only followers can write: the push of a follow may have been lost.
  if (effect.kind == Kind::kNone && row.subscribed == 0 && (!known || when > LeftAt(row))) {
    Return(row);
    row.state_time = when;
  }
  if (effect.opens != Opens::kNothing) {
    row.last_inbound_time = std::max(row.last_inbound_time, when);
    const long long expires = Micros(event_time + effect.window);
    const bool left_since = row.subscribed == 0;  // nothing opens for them
    if (effect.opens == Opens::kMessageWindow && when >= row.message_time && !left_since) {
      row.message_time = when;
      row.message_expire_time = expires;
      row.message_left = effect.allowance;
    }
    if (effect.opens == Opens::kActionWindow && when >= row.action_time && !left_since) {
      row.action_time = when;
      row.action_expire_time = expires;
      row.action_left = effect.allowance;
    }
  }
  row.update_time = Micros(now);
  table.Save();
}

bool UpdateUser(Database& database, const std::string& account, const ObservedUser& user,
                absl::Time observed, absl::Time now) {
  auto& table = database.Prepared<SubscriberStatements>();
  // Deleted while WeChat was asked, or never there.
  if (!table.Load(account, user.openid)) return false;
  SubscriberRow& row = table.row();
  const long long asked = Micros(observed);
  const long long followed = Micros(user.subscribe_time);
  if (user.subscribed) {
    // By WeChat's times where there are some: our clock may be wrong.
    const bool newer = followed != 0 ? followed >= row.state_time : asked > row.state_time;
    if (row.subscribed == 0 && !newer) return true;  // they left after this was told
    row.subscribed = 1;
    row.unsubscribe_time = row.erase_time = 0;
    row.state_time = std::max(row.state_time, followed);
    row.subscribe_time = std::max(row.subscribe_time, followed);
    if (asked >= row.profile_time) row.SetProfile(user.profile);
  } else {
    // Told without a time. The moment of the last follow stays, so that any later event counts.
    if (row.subscribed != 0 && asked > row.state_time) Leave(row, asked);
    if (!user.profile.unionid.empty() && row.erase_time == 0) row.unionid = user.profile.unionid;
  }
  row.profile_time = std::max(row.profile_time, asked);
  row.update_time = Micros(now);
  table.Save();
  return true;
}

void NoteRefused(Database& database, const std::string& account, const std::string& openid,
                 absl::Time observed) {
  auto& table = database.Prepared<SubscriberStatements>();
  if (!table.Load(account, openid)) return;
  table.row().refused_time = std::max(table.row().refused_time, Micros(observed));
  table.Save();
}

void SpendAllowance(Database& database, const Spending& spending, absl::Time now) {
  auto& table = database.Prepared<SubscriberStatements>();
  if (!table.Load(spending.account, spending.openid)) return;
  SubscriberRow& row = table.row();
  const long long at = Micros(now);
  for (int i = 0; i < spending.messages; ++i) {
    const bool message = at < row.message_expire_time && row.message_left > 0;
    const bool action = at < row.action_expire_time && row.action_left > 0;
    if (message && (!action || row.message_expire_time <= row.action_expire_time)) {
      --row.message_left;
    } else if (action) {
      --row.action_left;
    }
  }
  if (spending.used_up) row.message_left = row.action_left = 0;
  if (spending.closed) CloseBoth(row);
  row.update_time = at;
  table.Save();
}

absl::StatusOr<Subscriber> SelectSubscriber(Database& database, const std::string& account,
                                            const std::string& openid) {
  auto& table = database.Prepared<SubscriberStatements>();
  if (table.Load(account, openid)) return FromRow(table.row());
  return base::ErrorBuilder(absl::StatusCode::kNotFound, base::Reason::kSubscriberNotFound,
                            "no such subscriber is stored; they may never have followed the "
                            "account, or it was not imported yet")
      .With("account", account)
      .Chinese("没有该关注者的记录");
}

absl::StatusOr<Subscriber> SelectByUnionid(Database& database, const std::string& account,
                                           const std::string& unionid) {
  std::string openid;
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
      .With("account", account)
      .Chinese("该公众号下没有此 unionid 的关注者");
}

SubscriberPage SelectSubscribers(Database& database, const SubscriberFilter& filter,
                                 const std::string& after_openid, int limit) {
  const auto most = static_cast<std::size_t>(std::clamp(limit, 1, kMaxSubscriberPage));
  SubscriberPage page;
  page.next_openid = after_openid;
  const int looked_at = WalkRows(database.session(), filter.account, after_openid,
                                 kMaxSubscriberScan, [&](const SubscriberRow& row) {
                                   if (page.subscribers.size() == most) {
                                     page.more = true;
                                     return false;
                                   }
                                   page.next_openid = row.openid;
                                   const bool told = row.subscribed != 0 && row.profile_time != 0;
                                   const bool again = filter.to_ask && ToAsk(row, *filter.to_ask);
                                   if (told && !again) ++page.with_profile;
                                   if (Fits(row, filter)) page.subscribers.push_back(FromRow(row));
                                   return true;
                                 });
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
    SubscriberRow& row = table.row();
    row.SetProfile(Profile());
    row.erase_time = row.update_time = Micros(now);
    table.Save();
  }
  return static_cast<std::int64_t>(openids.size());
}

void SeeFollower(Database& database, const std::string& account, const std::string& openid,
                 absl::Time observed, absl::Time now) {
  auto& table = database.Prepared<SubscriberStatements>();
  const bool known = table.Load(account, openid);
  SubscriberRow& row = table.row();
  const long long seen = Micros(observed);
  row.seen_time = std::max(row.seen_time, seen);
  // Their leave's push has whole seconds: within that second the list may be older than the leave.
  const bool since = seen > row.unsubscribe_time && seen >= row.state_time + kEventSecond;
  if (row.subscribed == 0 && (!known || since)) {
    Return(row);
    row.update_time = Micros(now);
  }
  table.Save();
}

Unseen MarkSomeUnseen(Database& database, const std::string& account,
                      const std::string& after_openid, absl::Time started, absl::Time now) {
  Unseen result;
  const long long since = Micros(started);
  std::vector<std::string> gone;
  const int looked_at = WalkRows(
      database.session(), account, after_openid, kSubscriberBatch, [&](const SubscriberRow& row) {
        result.next_openid = row.openid;
        // Pushes have whole seconds: one of the second in which the import began may be younger than that.
        const bool unseen = row.seen_time < since && row.profile_time < since &&
                            std::max(row.state_time, row.last_inbound_time) + kEventSecond <= since;
        if (row.subscribed != 0 && unseen) gone.push_back(row.openid);
        return true;
      });
  auto& table = database.Prepared<SubscriberStatements>();
  for (const std::string& openid : gone) {
    table.Load(account, openid);
    Leave(table.row(), Micros(now));
    table.row().update_time = Micros(now);
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
  state.start_time = OptionalTimeOf(start);
  state.finish_time = OptionalTimeOf(finish);
  state.total = total;
  state.listed = listed;
  state.fetched = fetched;
  state.profiles_since = OptionalTimeOf(since);
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
