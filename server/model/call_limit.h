// When a call must have ended, and who said so.
#pragma once

#include "server/async/clock.h"

namespace hongyan::model {

struct CallLimit {
  async::MonoTime deadline;
  bool set_by_caller = true;  // else the service's own ceiling
  // No request begins from then on; one that has begun may go on to the deadline.
  async::MonoTime begin_before = async::MonoTime::max();
};

}  // namespace hongyan::model
