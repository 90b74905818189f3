// Names for deliveries and requests.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace hongyan::base {

// 26 characters of Crockford's base 32 (a ULID): 48 bits of milliseconds, 80 random bits. Sorts by
// time; within one millisecond of one generator each is greater than the one before. Threads: one.
class IdGenerator {
 public:
  std::string Next(absl::Time now);

 private:
  std::uint64_t last_millis_ = 0;
  std::uint16_t random_high_ = 0;
  std::uint64_t random_low_ = 0;
};

// 32 random hex digits. Threads: any.
std::string RandomHex128();

}  // namespace hongyan::base
