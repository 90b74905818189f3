// What is asked of the stored events and told about them, and their bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/model/event.h"

namespace hongyan::storage {

inline constexpr absl::Duration kKeyRetention = absl::Hours(48);
inline constexpr int kMaxPage = 1000;
inline constexpr std::size_t kMaxPageBytes = 3 << 20;  // of bodies; one event always fits
inline constexpr std::size_t kMaxTypes = 100;          // of a filter
inline constexpr int kPruneBatch = 100;                // rows of one transaction
inline constexpr std::size_t kMaxAccount = 64;         // bytes; so the next ones
inline constexpr std::size_t kMaxOpenid = 128;
inline constexpr std::size_t kMaxDedupKey = 128;
inline constexpr std::size_t kMaxEventType = 40;  // of a-z, 0-9 and _
inline constexpr std::size_t kMaxEventBody = 1 << 20;

struct Recorded {
  std::int64_t cursor = 0;
  bool repeated = false;
};

// What is announced of a new event that is on the disk.
struct CommittedEvent {
  std::int64_t cursor = 0;
  std::string account;
  std::string openid;
  model::SubscriberEffect::Kind effect = model::SubscriberEffect::Kind::kNone;
};

// How far the events have come.
struct EventMark {
  std::int64_t cursor = 0;  // the greatest that was given
  std::int64_t events = 0;  // how many have got one
};

struct EventFilter {
  std::string account;             // empty: all
  std::vector<std::string> types;  // empty: all
};

struct EventPage {
  std::vector<model::StoredEvent> events;
  // Where to go on: nothing up to here that fits is missing.
  std::int64_t next_cursor = 0;
  std::int64_t last_cursor = 0;  // the greatest ever given, when the page was read
  bool more = false;             // there are later ones
};

struct PruneCounts {
  std::int64_t events = 0;
  std::int64_t keys = 0;
};

}  // namespace hongyan::storage
