// A message on its way, as the service thinks of it: free of gRPC, HTTP and SQL.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/model/message.h"

namespace hongyan::model {

enum class DeliveryState { kNone, kAccepted, kFailed, kUnknown, kExpired };

// One message to one person, as asked for; its rules have been checked.
struct Notification {
  std::string openid;
  std::optional<std::string> unionid;  // instead of the openid
  Message message;
  std::string idempotency_key;  // empty: none
  std::map<std::string, std::string> labels;
  std::optional<absl::Time> expire_time;
  bool validate_only = false;
};

// What became of it. `error` is OK exactly when the state is kAccepted, or kNone after
// validate_only.
struct Delivery {
  std::string id;
  std::string account;
  std::string openid;
  MessageKind kind = MessageKind::kText;
  DeliveryState state = DeliveryState::kNone;
  std::int64_t msg_id = 0;
  absl::Status error;
  int attempts = 0;
  std::string idempotency_key;
  std::map<std::string, std::string> labels;
  absl::Time create_time;
  std::optional<absl::Time> expire_time;
  std::optional<absl::Time> accept_time;
  std::optional<absl::Time> finish_time;
};

// For metrics and logs: "accepted", "failed", "unknown", "expired".
const char* StateName(DeliveryState state);

}  // namespace hongyan::model
