#include "server/model/delivery.h"

namespace hongyan::model {

const char* StateName(DeliveryState state) {
  switch (state) {
    case DeliveryState::kAccepted:
      return "accepted";
    case DeliveryState::kFailed:
      return "failed";
    case DeliveryState::kUnknown:
      return "unknown";
    case DeliveryState::kExpired:
      return "expired";
    case DeliveryState::kNone:
      break;
  }
  return "none";
}

}  // namespace hongyan::model
