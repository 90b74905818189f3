// Recipients of whom a test knows one.
#pragma once

#include <string>
#include <vector>

#include "server/base/status.h"
#include "server/core/recipients.h"

namespace hongyan::support {

// Knows one person by unionid, and notes what it is told.
class KnownPeople final : public core::Recipients {
 public:
  async::Task<absl::StatusOr<std::string>> FindOpenid(std::string account, std::string unionid,
                                                      async::MonoTime) override {
    asked.push_back(account + "/" + unionid);
    if (unionid == "uABC") co_return "oOfABC";
    co_return base::ErrorBuilder(absl::StatusCode::kNotFound, base::Reason::kUnionidNotFound,
                                 "nobody");
  }
  void Sent(const std::string& account, const std::string& openid) override {
    told.push_back("sent " + account + "/" + openid);
  }
  void WindowClosed(const std::string& account, const std::string& openid) override {
    told.push_back("closed " + account + "/" + openid);
  }
  void AllowanceUsed(const std::string& account, const std::string& openid) override {
    told.push_back("used " + account + "/" + openid);
  }

  std::vector<std::string> asked;
  std::vector<std::string> told;
};

}  // namespace hongyan::support
