// Digests that stay the same on every machine and in every version: they are stored, or handed out.
//
// Threads: plain functions and values.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace hongyan::base {

// SHA-256 over parts. Each goes in with its length, so that nothing can move from one part to the
// next.
class PartsDigest {
 public:
  void Add(absl::string_view part);
  // 32 bytes.
  std::string Bytes() const;

 private:
  std::string parts_;
};

// FNV-1a, 64 bits: against mistakes and damage, not against attackers. To go on, give it what it
// returned before.
inline constexpr std::uint64_t kFnv1aStart = 0xcbf29ce484222325ULL;
std::uint64_t Fnv1a(absl::string_view bytes, std::uint64_t before = kFnv1aStart);

}  // namespace hongyan::base
