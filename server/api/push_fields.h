// Reads the flat fields of a push under WeChat's names: texts, numbers, times, and lists of
// records.
//
// Contract: several names are spellings of one field; the first that isn't empty counts. What is
//           absent, or no such number, is empty or 0: WeChat's numbers come as numbers or as
//           strings, and some are missing at times.
// Threads:  any; pure. Lifetime: the fields outlive it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::api {

class PushFields {
 public:
  using Fields = wechat::PushedEvent::Fields;
  using Names = std::initializer_list<absl::string_view>;

  explicit PushFields(const Fields& fields) : fields_(fields) {}

  std::string Text(Names names) const;
  std::int64_t Int64(Names names) const;
  std::int32_t Int32(Names names) const;
  // Finite.
  double Double(Names names) const;
  // Unix seconds into `time`; false, and nothing done, when they are absent, 0 or beyond the year
  // 9999.
  bool Time(absl::string_view name, google::protobuf::Timestamp* time) const;
  // The numbers under a name that repeats.
  std::vector<std::int32_t> Int32List(absl::string_view name) const;
  // Whether something is nested in a field of that name.
  bool HasInside(absl::string_view name) const;
  // The records of a list, their fields without the list's name: {"L.A", "L.B", "L.A"} under "L" is
  // {"A", "B"}, {"A"}. A record ends where a name comes again, since neither format's flat form has
  // another mark. Of several names the first with any record counts.
  std::vector<Fields> Records(Names names) const;

 private:
  absl::string_view Find(Names names) const;

  const Fields& fields_;
};

}  // namespace hongyan::api
