#include "server/storage/schema.h"

#include <soci/soci.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/base/log.h"
#include "server/storage/errors.h"

namespace hongyan::storage {
namespace {

std::vector<Migration> All() {
  return {
      {1,
       {
           // Numbers that only grow. Counting in a row of our own rather than by the database's own
           // means puts cursors in the order of commits on every database, for the row is locked
           // until the commit.
           R"(CREATE TABLE hongyan_counters (
                name VARCHAR(32) NOT NULL PRIMARY KEY,
                number BIGINT NOT NULL))",
           "INSERT INTO hongyan_counters (name, number) VALUES ('event', 0)",
           "INSERT INTO hongyan_counters (name, number) VALUES ('probe', 0)",

           R"(CREATE TABLE events (
                seq {key64} NOT NULL PRIMARY KEY,
                account VARCHAR(64){exact} NOT NULL,
                openid VARCHAR(128){exact} NOT NULL,
                event_type VARCHAR(40) NOT NULL,
                create_time BIGINT NOT NULL,
                receive_time BIGINT NOT NULL,
                body_format SMALLINT NOT NULL,
                body {text} NOT NULL,
                checksum BIGINT NOT NULL))",
           "CREATE INDEX events_by_account ON events (account, seq)",
           "CREATE INDEX events_by_time ON events (receive_time)",

           // Apart from the events, for the two are kept for different times.
           R"(CREATE TABLE event_keys (
                account VARCHAR(64){exact} NOT NULL,
                dedup_key VARCHAR(128){exact} NOT NULL,
                seq BIGINT NOT NULL,
                receive_time BIGINT NOT NULL,
                PRIMARY KEY (account, dedup_key)))",
           "CREATE INDEX event_keys_by_time ON event_keys (receive_time)",

           R"(CREATE TABLE subscribers (
                account VARCHAR(64){exact} NOT NULL,
                openid VARCHAR(128){exact} NOT NULL,
                unionid VARCHAR(128){exact} NOT NULL,
                subscribed SMALLINT NOT NULL,
                state_time BIGINT NOT NULL,
                subscribe_time BIGINT NOT NULL,
                unsubscribe_time BIGINT NOT NULL,
                subscribe_scene {text} NOT NULL,
                remark {text} NOT NULL,
                group_id BIGINT NOT NULL,
                tag_ids VARCHAR(512) NOT NULL,
                qr_scene BIGINT NOT NULL,
                qr_scene_str {text} NOT NULL,
                language {text} NOT NULL,
                nickname {text} NOT NULL,
                head_image_url {text} NOT NULL,
                sex BIGINT NOT NULL,
                city {text} NOT NULL,
                province {text} NOT NULL,
                country {text} NOT NULL,
                last_inbound_time BIGINT NOT NULL,
                message_time BIGINT NOT NULL,
                message_expire_time BIGINT NOT NULL,
                message_left BIGINT NOT NULL,
                action_time BIGINT NOT NULL,
                action_expire_time BIGINT NOT NULL,
                action_left BIGINT NOT NULL,
                profile_time BIGINT NOT NULL,
                seen_time BIGINT NOT NULL,
                erase_time BIGINT NOT NULL,
                update_time BIGINT NOT NULL,
                PRIMARY KEY (account, openid)))",
           "CREATE INDEX subscribers_by_unionid ON subscribers (account, unionid)",
           "CREATE INDEX subscribers_to_erase ON subscribers (subscribed, erase_time, "
           "unsubscribe_time)",

           R"(CREATE TABLE subscriber_syncs (
                account VARCHAR(64){exact} NOT NULL PRIMARY KEY,
                next_openid VARCHAR(128){exact} NOT NULL,
                start_time BIGINT NOT NULL,
                finish_time BIGINT NOT NULL,
                total BIGINT NOT NULL,
                listed BIGINT NOT NULL,
                fetched BIGINT NOT NULL))",
       }},
      {2,
       {
           "ALTER TABLE subscribers ADD COLUMN refused_time BIGINT NOT NULL DEFAULT 0",
       }},
      {3,
       {
           "ALTER TABLE subscriber_syncs ADD COLUMN profiles_since BIGINT NOT NULL DEFAULT 0",
           "ALTER TABLE subscriber_syncs ADD COLUMN departed BIGINT NOT NULL DEFAULT 0",
       }},
      {4,
       {
           "CREATE INDEX events_by_person ON events (account, openid)",
           // Whose events are to go, and up to which.
           R"(CREATE TABLE event_erasures (
                account VARCHAR(64){exact} NOT NULL,
                openid VARCHAR(128){exact} NOT NULL,
                until_seq BIGINT NOT NULL,
                PRIMARY KEY (account, openid)))",
           // Of whom earlier versions had erased the row only.
           "INSERT INTO event_erasures (account, openid, until_seq) SELECT account, openid, "
           "(SELECT number FROM hongyan_counters WHERE name = 'event') FROM subscribers WHERE "
           "erase_time <> 0",
       }},
      {5,
       {
           // How many events have got a cursor. So far cursors were 1, 2, 3 … and told it
           // themselves.
           "ALTER TABLE hongyan_counters ADD COLUMN given BIGINT NOT NULL DEFAULT 0",
           "UPDATE hongyan_counters SET given = number WHERE name = 'event'",
           // Every filter of a list is the beginning of an index that goes on with the cursor.
           "CREATE INDEX events_by_type ON events (event_type, seq)",
           "CREATE INDEX events_by_account_and_type ON events (account, event_type, seq)",
           // AgeClock.
           "INSERT INTO hongyan_counters (name, number) VALUES ('clock_believed', 0)",
           "INSERT INTO hongyan_counters (name, number) VALUES ('clock_doubted', 0)",
           "INSERT INTO hongyan_counters (name, number) VALUES ('clock_doubted_for', 0)",
       }},
  };
}

bool HasTable(soci::session& session, const std::string& name) {
  std::vector<std::string> names(1000);
  session.get_table_names(), soci::into(names);
  for (const std::string& have : names) {
    if (have == name) return true;
  }
  return false;
}

}  // namespace

const std::vector<Migration>& Migrations() {
  static const std::vector<Migration>* const migrations = new std::vector<Migration>(All());
  return *migrations;
}

std::string InDialect(const std::string& statement, const Dialect& dialect) {
  return absl::StrReplaceAll(
      statement,
      {{"{key64}", dialect.key64}, {"{text}", dialect.long_text}, {"{exact}", dialect.exact}});
}

absl::StatusOr<int> Migrate(soci::session& session, const std::vector<Migration>& migrations,
                            const Dialect& dialect) {
  int version = 0;
  const bool fresh = !HasTable(session, "hongyan_schema");
  if (!fresh) session << "SELECT version FROM hongyan_schema", soci::into(version);
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  if (version > newest) {
    return Refused(absl::StrCat("the database was written by a newer hongyand (schema ", version,
                                ", this one knows schemas up to ", newest,
                                "); nothing was changed. Use that version, or another storage"));
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= version) continue;
    soci::transaction transaction(session);  // rolls back unless committed
    if (version == 0) {
      if (!dialect.sign.empty()) session << dialect.sign;
      session << "CREATE TABLE hongyan_schema (version INTEGER NOT NULL)";
      session << "INSERT INTO hongyan_schema (version) VALUES (0)";
    }
    for (const std::string& statement : migration.statements) {
      session << InDialect(statement, dialect);
    }
    session << "UPDATE hongyan_schema SET version = " << migration.version;
    transaction.commit();
    version = migration.version;
    if (!fresh) base::Log(base::Level::kInfo, "storage migrated", {{"schema", version}});
  }
  return version;
}

}  // namespace hongyan::storage
