// An event of an account, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/model/body_format.h"
#include "server/model/subscriber.h"

namespace hongyan::model {

struct Event {
  std::string account;
  std::string openid;  // empty for events of the account itself
  std::string type;    // as Event.type of the proto
  std::optional<absl::Time> create_time;
  absl::Time receive_time;
  BodyFormat format = BodyFormat::kXml;
  std::string body;  // decrypted, as pushed
};

struct NewEvent : Event {
  std::string dedup_key;
  SubscriberEffect effect;
};

struct StoredEvent : Event {
  std::int64_t cursor = 0;
  bool damaged = false;  // the other fields are as found, which one is wrong isn't known
};

}  // namespace hongyan::model
