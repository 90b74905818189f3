// Events as people read them.
//
// Contract: as in output.h. A line shows the fields of the payload that are set, name=value, in the
//           proto's order and under its names; values that hold blanks or quotes are quoted. The
//           ids of user messages, which nobody reads, are only in the JSON. A payload of a type
//           that this program doesn't know is shown as far as it is known.
// Threads:  plain functions, any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/output.h"
#include "hongyan/v1/event.pb.h"

namespace hongyan::cli {

Row EventHeading();
Row ToRow(const v1::Event& event, absl::TimeZone zone);
// Columns as wide as most events need them, so that lines that come one by one stand in line.
std::vector<std::size_t> EventWidths();

}  // namespace hongyan::cli
