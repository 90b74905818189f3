// Followers by the hundred thousand that cost nothing until somebody touches one of them.
//
// Contract: member n has the openid prefix + n in decimal, with zeros to 28 characters, and a
//           profile that follows from n alone: two processes with the same crowd agree on it but
//           for the time of following. Members sort by their number.
// Threads:  any.        Units: seconds since 1970.
#pragma once

#include <cstdint>
#include <string>

#include "user.h"

namespace hongyan::sandbox {

class Crowd {
 public:
  static constexpr size_t kOpenidLength = 28;
  static constexpr size_t kLongestPrefix = 20;

  Crowd(std::string prefix, int64_t since_seconds)
      : prefix_(std::move(prefix)), since_seconds_(since_seconds) {}

  const std::string& prefix() const { return prefix_; }
  int64_t size() const { return size_; }
  // The number of the first new member.
  int64_t Grow(int64_t count);

  std::string OpenidOf(int64_t number) const;
  bool Holds(const std::string& openid) const { return NumberOf(openid) >= 0; }
  // The number of the first member behind `openid`, whoever's that is.
  int64_t FirstAfter(const std::string& openid) const;
  // `openid` is a member's.
  User Member(const std::string& openid) const;

 private:
  // -1: not one of these.
  int64_t NumberOf(const std::string& openid) const;

  std::string prefix_;
  int64_t since_seconds_;
  int64_t size_ = 0;
};

}  // namespace hongyan::sandbox
