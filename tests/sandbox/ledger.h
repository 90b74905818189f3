// Everything that reached the WeChat side, in order: what was asked, what became of it, what was
// answered.
//
// Contract: Add() gives each request the next number, at its arrival; the entry is completed later
// through Find().
//           Requests that were refused, or whose connection was dropped on purpose, are in it too.
// Errors:   none. Entries beyond the bounds are forgotten from the front and counted in dropped().
// Threads:  event loop only.       Units: milliseconds since 1970, of the sandbox's clock.
// Bounds:   100 000 entries, 128 MiB of bodies, 1000 watches.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>

namespace hongyan::sandbox {

struct LedgerEntry {
  int64_t seq = 0;
  int64_t time_ms = 0;
  std::string app_id;
  std::string api;
  std::string method;
  std::string openid;
  std::string body;
  std::string client_msg_id;
  std::string content;
  std::string token_sha8;
  std::string rid;
  // The request's header lines as they came.
  std::string headers;
  std::optional<int64_t> errcode;
  int http_status = 0;
  // pending, then: accepted (the user sees it), ok, duplicate, refused, http_error, injected (a
  // fault answered instead), closed (dropped, not processed), incomplete (the body never came
  // whole).
  std::string outcome = "pending";
  // The message was stored and shown to the user, whatever happened to the answer.
  bool counted = false;
  // none, sent, cut (not all of it left on purpose), failed (the peer was gone).
  std::string answer = "none";
  int64_t fault_id = 0;
  int64_t connection = 0;
  int64_t request_on_connection = 0;
};

struct LedgerFilter {
  std::string app_id;
  std::string api;
  std::string openid;
  std::string client_msg_id;
  std::string content;
  std::string outcome;
  int64_t after_seq = 0;

  bool Matches(const LedgerEntry& entry) const;
};

class Ledger {
 public:
  LedgerEntry& Add(LedgerEntry entry);
  LedgerEntry* Find(int64_t seq);
  const LedgerEntry* FindByRid(const std::string& rid) const;
  const std::deque<LedgerEntry>& entries() const { return entries_; }
  int64_t CountMatching(const LedgerFilter& filter) const;
  int64_t dropped() const { return dropped_; }
  void Clear();

  // Calls `reached` once, as soon as `count` arrivals match (the outcome is not looked at). 0 = no
  // room for a watch.
  int64_t Watch(LedgerFilter filter, int64_t count, std::function<void()> reached);
  void Unwatch(int64_t id);

 private:
  struct Watched {
    int64_t id;
    LedgerFilter filter;
    int64_t missing;
    std::function<void()> reached;
  };

  std::deque<LedgerEntry> entries_;
  size_t body_bytes_ = 0;
  int64_t next_seq_ = 1;
  int64_t dropped_ = 0;
  std::list<Watched> watches_;
  int64_t next_watch_ = 1;
};

boost::json::object ToJson(const LedgerEntry& entry);

}  // namespace hongyan::sandbox
