// Rows that come one by one or page by page: a table under one heading, or one JSON object a line.
//
// Threads:  one.
// Lifetime: `session` outlives it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/event_output.h"
#include "client/cli/json_line.h"
#include "client/cli/output.h"
#include "client/cli/session.h"

namespace hongyan::cli {

class RowPrinter {
 public:
  // `heading` stands above the first row, and columns have their `widths` at least.
  RowPrinter(Session& session, Row heading, std::vector<std::size_t> widths = {})
      : session_(session), rows_({std::move(heading)}), table_(std::move(widths)) {}

  // Takes an event or a subscriber, for the next Flush().
  template <typename Message>
  void Add(const Message& one) {
    ++count_;
    if (session_.json()) {
      absl::StrAppend(&json_, JsonLine(one));
    } else {
      rows_.push_back(ToRow(one, session_.console.zone));
    }
  }

  // Writes what was added. False: that isn't possible any more.
  bool Flush() {
    if (count_ == 0) return true;
    const std::string text = session_.json() ? std::exchange(json_, "") : table_.Add(rows_);
    rows_.clear();
    return Emit(session_.console, text);
  }

  // How many were added.
  std::int64_t count() const { return count_; }

 private:
  Session& session_;
  std::int64_t count_ = 0;
  std::string json_;
  std::vector<Row> rows_;
  GrowingTable table_;
};

}  // namespace hongyan::cli
