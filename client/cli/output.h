// What commands print for people: aligned tables. For programs see json_line.h.
//
// Contract: strings that came from the service can't steer the terminal (see text.h). Times are in
//           the local zone.
// Threads:  plain functions, any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "hongyan/v1/notify.pb.h"
#include "hongyan/v1/subscriber.pb.h"

namespace hongyan::cli {

// Cells need not be printable.
using Row = std::vector<std::string>;

// Columns two blanks apart, the last one unpadded; each row ends in a line break.
std::string Table(const std::vector<Row>& rows);

// A table that is printed while it comes into being: columns grow with what comes, and are `widths`
// wide at least.
class GrowingTable {
 public:
  explicit GrowingTable(std::vector<std::size_t> widths = {}) : widths_(std::move(widths)) {}
  std::string Add(const std::vector<Row>& rows);

 private:
  std::vector<std::size_t> widths_;
};

// 2025-06-01T12:00:00+08:00 in `zone`; a dash for an absent time.
std::string TimeText(const google::protobuf::Timestamp& time, absl::TimeZone zone);

// One line a field, empty ones left out.
std::string DeliveryTable(const v1::Delivery& delivery, absl::TimeZone zone);
std::string UserTable(const v1::UserInfo& user, absl::TimeZone zone);
// One line a user under a heading.
std::string UsersTable(const std::vector<v1::UserInfo>& users, absl::TimeZone zone);
std::string SubscriberTable(const v1::Subscriber& subscriber, absl::TimeZone zone);
// One subscriber's line, and the heading above.
Row SubscriberHeading();
Row ToRow(const v1::Subscriber& subscriber, absl::TimeZone zone);

// TEXT, ACCEPTED … as in the contract, without the enum's prefix.
std::string KindName(v1::DeliveryKind kind);
std::string StateName(v1::DeliveryState state);

}  // namespace hongyan::cli
