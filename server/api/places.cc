#include "server/api/places.h"

#include "server/api/errors.h"

namespace hongyan::api {

absl::Status Places::Take() {
  if (taken_ >= max_) return Overloaded(refusal_, chinese_);
  Set(taken_ + 1);
  return absl::OkStatus();
}

void Places::GiveBack() { Set(taken_ - 1); }

void Places::Set(int taken) {
  taken_ = taken;
  if (changed_) changed_(taken);
}

}  // namespace hongyan::api
