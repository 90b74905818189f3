// The columns of the table `subscribers`, and the statements that read and write a row.
//
// Contract: as event_rows.h. Load and Save go by (account, openid).
#pragma once

#include <soci/soci.h>

#include <string>

#include "server/storage/subscriber_row.h"

namespace hongyan::storage {

// The names of all columns with commas between.
const std::string& SubscriberColumns();
// Adds the row's columns, in that order, to what the statement yields.
void IntoRow(soci::statement& statement, SubscriberRow& row);

class SubscriberStatements {
 public:
  explicit SubscriberStatements(soci::session& session);

  // The row is there until the next call. False: a new, empty one with these keys.
  bool Load(const std::string& account, const std::string& openid);
  SubscriberRow& row() { return row_; }
  // Writes what Load() gave.
  void Save();

 private:
  SubscriberRow row_;
  bool exists_ = false;
  soci::statement select_;
  soci::statement insert_;
  soci::statement update_;
};

}  // namespace hongyan::storage
