// The time of the platform: real time plus what the control API has added.
//
// Contract: Now() never runs backwards except with the machine's own clock. Advance() lets a test
// skip 48 hours or a
//           token's life at once; every rule of the sandbox (tokens, windows, duplicates) reads
//           this clock.
// Threads:  event loop only.        Units: milliseconds on the wire, std::chrono inside.
#pragma once

#include <chrono>
#include <cstdint>

namespace hongyan::sandbox {

using Time = std::chrono::system_clock::time_point;

class Clock {
 public:
  Time Now() const { return std::chrono::system_clock::now() + offset_; }
  void Advance(std::chrono::milliseconds by) { offset_ += by; }
  void Reset() { offset_ = std::chrono::milliseconds(0); }
  std::chrono::milliseconds offset() const { return offset_; }

 private:
  std::chrono::milliseconds offset_{0};
};

inline int64_t ToMillis(Time time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
inline int64_t ToSeconds(Time time) { return ToMillis(time) / 1000; }

}  // namespace hongyan::sandbox
