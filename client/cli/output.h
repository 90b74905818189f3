// What commands print: aligned tables for people, one JSON object a line for programs.
//
// Contract: strings that came from the service can't steer the terminal in either form (see
//           text.h). Tables show times in the local zone; JSON has proto3's form (UTC times, 64-bit
//           numbers as strings) with the proto's own field names, every plain field present and
//           text as raw UTF-8.
// Threads:  plain functions, any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "hongyan/v1/notify.pb.h"

namespace hongyan::cli {

// Cells need not be printable.
using Row = std::vector<std::string>;

// Columns two blanks apart, the last one unpadded; each row ends in a line break.
std::string Table(const std::vector<Row>& rows);

// 2025-06-01T12:00:00+08:00 in `zone`; a dash for an absent time.
std::string TimeText(const google::protobuf::Timestamp& time, absl::TimeZone zone);

// One line a field, empty ones left out.
std::string DeliveryTable(const v1::Delivery& delivery, absl::TimeZone zone);
std::string UserTable(const v1::UserInfo& user, absl::TimeZone zone);
// One line a user under a heading.
std::string UsersTable(const std::vector<v1::UserInfo>& users, absl::TimeZone zone);

// Without their line break.
std::string DeliveryJson(const v1::Delivery& delivery);
std::string UserJson(const v1::UserInfo& user);

// TEXT, ACCEPTED … as in the contract, without the enum's prefix.
std::string KindName(v1::DeliveryKind kind);
std::string StateName(v1::DeliveryState state);

}  // namespace hongyan::cli
