// Every push to a callback URL: what it said, each try with its answer, and what became of it.
//
// Contract: Add() numbers a push before its first try; tries are added as they end, Settle() closes
//           it. A push counts as delivered if a try of it got `success`, nothing, or a valid reply;
//           the first such answer is its outcome. Wake-ups: each Settle() calls all listeners.
// Errors:   none. Beyond the bounds pushes are forgotten from the front and counted in dropped().
// Threads:  event loop only.       Units: milliseconds since 1970, of the sandbox's clock.
// Bounds:   300 000 pushes, 256 MiB of messages and answers, 4 KiB of each answer, 1000 listeners.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "callback_push.h"
#include "callback_reply.h"

namespace hongyan::sandbox {

struct PushAttempt {
  int64_t time_ms = 0;
  // 0, and one more for each repeat of a push that had been answered already.
  int64_t turn = 0;
  std::string timestamp;
  std::string nonce;
  PushOutcome outcome;
  PassiveReply reply;

  bool Good() const { return outcome.status == 200 && !reply.kind.empty(); }
};

struct PushRecord {
  int64_t id = 0;
  int64_t time_ms = 0;
  std::string app_id;
  std::string openid;
  std::string msg_type;
  std::string event;
  std::string event_key;
  // MsgId of a message, MsgID of a receipt.
  std::string msg_id;
  int64_t create_time = 0;
  std::string mode;
  std::string format;
  // Plain, whatever the mode.
  std::string message;
  // Something about it was asked to be wrong.
  bool forged = false;
  // pending, then success, empty, reply or failed.
  std::string outcome = "pending";
  std::vector<PushAttempt> attempts;

  bool Delivered() const { return outcome != "pending" && outcome != "failed"; }
};

struct PushFilter {
  std::string app_id;
  std::string openid;
  std::string msg_type;
  std::string event;
  // As in PushRecord, or "delivered".
  std::string outcome;
  int64_t after_id = 0;

  bool Matches(const PushRecord& record) const;
};

class PushLedger {
 public:
  int64_t Add(PushRecord record);
  // Of a push that is forgotten or from before a reset: no effect.
  void AddAttempt(int64_t id, PushAttempt attempt);
  void Settle(int64_t id);

  const std::deque<PushRecord>& records() const { return records_; }
  int64_t CountSettled(const PushFilter& filter) const;
  int64_t dropped() const { return dropped_; }
  void Clear();

  // 0 = no room for a listener.
  int64_t Listen(std::function<void()> settled);
  void Unlisten(int64_t id) { listeners_.erase(id); }

 private:
  PushRecord* Find(int64_t id);

  std::deque<PushRecord> records_;
  size_t bytes_ = 0;
  int64_t next_id_ = 1;
  int64_t dropped_ = 0;
  std::map<int64_t, std::function<void()>> listeners_;
  int64_t next_listener_ = 1;
};

boost::json::object ToJson(const PushAttempt& attempt);
boost::json::object ToJson(const PushRecord& record);

}  // namespace hongyan::sandbox
