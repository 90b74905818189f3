// A string that must not be seen: app_secret, access_token, callback token.
//
// Contract: can't be printed or streamed; what needs the bytes says Reveal(), so that every such
//           place can be found. Copies are allowed, and each is wiped when it ends.
// Threads:  as std::string.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace hongyan::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { Wipe(); }

  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

  // Whether both are equal, in a time that depends on the lengths only.
  bool Equals(absl::string_view other) const;

  // First 8 hex digits of SHA-256: enough to tell two tokens apart in a log.
  std::string Fingerprint() const;

  friend bool operator==(const Secret& a, const Secret& b) { return a.Equals(b.value_); }

  template <typename Stream>
  friend Stream& operator<<(Stream&, const Secret&) = delete;

 private:
  void Wipe();
  std::string value_;
};

// Whether `a` and `b` are equal, in a time that depends on the lengths only.
bool ConstantTimeEquals(absl::string_view a, absl::string_view b);

}  // namespace hongyan::base
