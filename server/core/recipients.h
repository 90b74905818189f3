// What a send asks and tells about the person it goes to.
//
// Threads: event loop only.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/async/clock.h"
#include "server/async/task.h"

namespace hongyan::core {

class Recipients {
 public:
  virtual ~Recipients() = default;

  // The openid in this account. NOT_FOUND UNIONID_NOT_FOUND, and the errors of storage.
  virtual async::Task<absl::StatusOr<std::string>> FindOpenid(std::string account,
                                                              std::string unionid,
                                                              async::MonoTime deadline) = 0;
  // A customer-service message went out, or may have.
  virtual void Sent(const std::string& account, const std::string& openid) = 0;
  // WeChat says that no window is open, or that they don't follow.
  virtual void WindowClosed(const std::string& account, const std::string& openid) = 0;
  // WeChat says that of what the open windows allow nothing is left.
  virtual void AllowanceUsed(const std::string& account, const std::string& openid) = 0;
};

}  // namespace hongyan::core
