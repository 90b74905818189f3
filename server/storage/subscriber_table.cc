#include "server/storage/subscriber_table.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace hongyan::storage {
namespace {

// The one list of columns; the keys come first.
template <typename F>
void EachColumn(SubscriberRow& row, F&& f) {
  f("account", row.account);
  f("openid", row.openid);
  model::EachProfileField(
      row.profile, [&f](const model::ProfileField& field, auto& value) { f(field.name, value); });
  f("tag_ids", row.tag_ids);
  f("subscribed", row.subscribed);
  f("state_time", row.state_time);
  f("subscribe_time", row.subscribe_time);
  f("unsubscribe_time", row.unsubscribe_time);
  f("last_inbound_time", row.last_inbound_time);
  f("message_time", row.message_time);
  f("message_expire_time", row.message_expire_time);
  f("message_left", row.message_left);
  f("action_time", row.action_time);
  f("action_expire_time", row.action_expire_time);
  f("action_left", row.action_left);
  f("profile_time", row.profile_time);
  f("refused_time", row.refused_time);
  f("seen_time", row.seen_time);
  f("erase_time", row.erase_time);
  f("update_time", row.update_time);
}

std::vector<std::string> ColumnNames() {
  std::vector<std::string> names;
  SubscriberRow row;
  EachColumn(row, [&names](const char* name, auto&) { names.emplace_back(name); });
  return names;
}

void Ready(soci::statement& statement, const std::string& query) {
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
}

void Use(soci::statement& statement, SubscriberRow& row) {
  EachColumn(row, [&statement](const char* name, auto& value) {
    statement.exchange(soci::use(value, name));
  });
}

}  // namespace

const std::string& SubscriberColumns() {
  static const std::string* const columns = new std::string(absl::StrJoin(ColumnNames(), ", "));
  return *columns;
}

void IntoRow(soci::statement& statement, SubscriberRow& row) {
  EachColumn(row,
             [&statement](const char*, auto& value) { statement.exchange(soci::into(value)); });
}

SubscriberStatements::SubscriberStatements(soci::session& session)
    : select_(session), insert_(session), update_(session) {
  const std::vector<std::string> names = ColumnNames();

  IntoRow(select_, row_);
  select_.exchange(soci::use(row_.account, "account"));
  select_.exchange(soci::use(row_.openid, "openid"));
  Ready(select_, absl::StrCat("SELECT ", SubscriberColumns(),
                              " FROM subscribers WHERE account = :account AND openid = :openid"));

  Use(insert_, row_);
  Ready(insert_, absl::StrCat("INSERT INTO subscribers (", SubscriberColumns(),
                              ") VALUES (:", absl::StrJoin(names, ", :"), ")"));

  Use(update_, row_);
  std::vector<std::string> sets;
  for (std::size_t i = 2; i < names.size(); ++i) {
    sets.push_back(absl::StrCat(names[i], " = :", names[i]));
  }
  Ready(update_, absl::StrCat("UPDATE subscribers SET ", absl::StrJoin(sets, ", "),
                              " WHERE account = :account AND openid = :openid"));
}

bool SubscriberStatements::Load(const std::string& account, const std::string& openid) {
  row_ = SubscriberRow();
  row_.account = account;
  row_.openid = openid;
  exists_ = select_.execute(true);
  // A statement that is left standing on its row holds on to the snapshot it read from.
  if (exists_) select_.fetch();
  return exists_;
}

void SubscriberStatements::Save() {
  (exists_ ? update_ : insert_).execute(true);
  exists_ = true;
}

}  // namespace hongyan::storage
