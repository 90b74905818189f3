#include "server/api/push_fields.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/timestamp.h"

namespace hongyan::api {
namespace {

bool HasName(const PushFields::Fields& fields, absl::string_view name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return field.first == name; });
}

}  // namespace

absl::string_view PushFields::Find(Names names) const {
  for (const absl::string_view name : names) {
    for (const auto& [key, value] : fields_) {
      if (key == name && !value.empty()) return value;
    }
  }
  return {};
}

std::string PushFields::Text(Names names) const { return std::string(Find(names)); }

std::int64_t PushFields::Int64(Names names) const {
  std::int64_t value = 0;
  return absl::SimpleAtoi(Find(names), &value) ? value : 0;
}

std::int32_t PushFields::Int32(Names names) const {
  std::int32_t value = 0;
  return absl::SimpleAtoi(Find(names), &value) ? value : 0;
}

double PushFields::Double(Names names) const {
  double value = 0;
  return absl::SimpleAtod(Find(names), &value) && std::isfinite(value) ? value : 0;
}

bool PushFields::Time(absl::string_view name, google::protobuf::Timestamp* time) const {
  const std::int64_t seconds = Int64({name});
  if (seconds <= 0 || seconds > base::kLastTimestampSecond) return false;
  time->set_seconds(seconds);
  return true;
}

std::vector<std::int32_t> PushFields::Int32List(absl::string_view name) const {
  std::vector<std::int32_t> values;
  for (const auto& [key, value] : fields_) {
    std::int32_t number = 0;
    if (key == name && absl::SimpleAtoi(value, &number)) values.push_back(number);
  }
  return values;
}

bool PushFields::HasInside(absl::string_view name) const {
  const std::string prefix = absl::StrCat(name, ".");
  return std::any_of(fields_.begin(), fields_.end(),
                     [&](const auto& field) { return absl::StartsWith(field.first, prefix); });
}

std::vector<PushFields::Fields> PushFields::Records(Names names) const {
  std::vector<Fields> records;
  for (const absl::string_view name : names) {
    const std::string prefix = absl::StrCat(name, ".");
    for (const auto& [key, value] : fields_) {
      absl::string_view inner = key;
      if (!absl::ConsumePrefix(&inner, prefix)) continue;
      if (records.empty() || HasName(records.back(), inner)) records.emplace_back();
      records.back().emplace_back(inner, value);
    }
    if (!records.empty()) break;
  }
  return records;
}

}  // namespace hongyan::api
