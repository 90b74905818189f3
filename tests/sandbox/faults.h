// Faults on demand: which requests they hit, and what they do to them.
//
// Contract: the first fault, in order of creation, that matches a request and is neither still
// skipping (`after`) nor used
//           up (`times`) acts on it. Every matching request counts towards `after`, whichever fault
//           acts.
// Errors:   Parse names the first wrong field.
// Threads:  event loop only.       Bounds: 1000 faults.       Units: milliseconds and bytes, as
// named.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hongyan::sandbox {

enum class ClosePoint {
  kNever,
  kBeforeRead,    // after the request's header, body unread
  kAfterRead,     // whole request read, not processed
  kAfterCount,    // processed (the user sees the message), nothing answered
  kAfterHeaders,  // processed, the answer's header leaves, its body does not
};

struct Effect {
  // Answers instead of the real one; the request is not processed unless `count` says so.
  std::optional<int64_t> errcode;
  std::string errmsg;
  std::optional<int64_t> http_status;
  std::optional<std::string> raw_body;
  std::optional<std::string> location;
  std::string retry_after;  // the header's value as it stands
  bool gzip_bomb = false;
  bool endless = false;
  // Time.
  int64_t delay_before_ms = 0;
  int64_t delay_after_ms = 0;
  int64_t drip_ms = 0;
  // Connection.
  ClosePoint close = ClosePoint::kNever;
  bool reset = false;
  bool close_on_reuse = false;
  bool connection_close = false;
  int64_t idle_close_ms = 0;
  // Form of the answer.
  std::optional<std::string> content_type;
  std::optional<int64_t> truncate;
  int64_t header_lines = 0;
  bool http10 = false;
  bool chunked = false;
  bool bom = false;
  // Process the request although another answer replaces the real one (or: don't).
  std::optional<bool> count;

  bool ReplacesAnswer() const;
  bool Processes() const { return count.value_or(!ReplacesAnswer()); }
};

struct Fault {
  int64_t id = 0;
  std::string app_id;
  std::string api = "*";
  std::string openid;
  int64_t times = 0;
  int64_t after = 0;
  Effect effect;
  boost::json::object as_given;
  int64_t seen = 0;
  int64_t hits = 0;
};

// The facts about a request that faults look at.
struct FaultTarget {
  std::string app_id;
  std::string api;
  std::string openid;
  int64_t request_on_connection = 1;
};

class FaultBook {
 public:
  // The new fault's id, or 0 and `error`.
  int64_t Add(const boost::json::object& given, std::string* error);
  bool Remove(int64_t id);
  void Clear() { faults_.clear(); }
  const std::vector<Fault>& faults() const { return faults_; }

  // The fault that acts when only the header is known (close "before_read"), without an openid.
  const Fault* TakeBeforeRead(const FaultTarget& target);
  const Fault* Take(const FaultTarget& target);

 private:
  const Fault* TakeIf(const FaultTarget& target, bool before_read);

  std::vector<Fault> faults_;
  int64_t next_id_ = 1;
};

}  // namespace hongyan::sandbox
