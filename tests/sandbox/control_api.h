// The control side, /sandbox/…: sets accounts, users, templates, faults and tokens, and shows what
// happened.
//
// Contract: HandleControl() answers what needs no waiting; nullopt means that the path belongs to
// control_push.h or to
//           nobody. JSON in and out; unknown fields are refused.
// Errors:   400 {"error":"…"} for wrong input, 404 for an unknown thing, 405 for a wrong method.
// Threads:  event loop only.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "sandbox.h"
#include "text.h"

namespace hongyan::sandbox {

struct ControlRequest {
  std::string method;
  std::string path;
  Query query;
  boost::json::object body;
};

struct ControlAnswer {
  int status = 200;
  boost::json::value body;
  // Sent as text/plain instead of `body`.
  std::optional<std::string> text;
};

ControlAnswer ControlError(int status, const std::string& error);
LedgerFilter FilterFromQuery(const Query& query);
PushFilter PushFilterFromQuery(const Query& query);
std::optional<ControlAnswer> HandleControl(Sandbox& sandbox, const ControlRequest& request);

// What GET /sandbox/ prints.
std::string ControlHelp();

}  // namespace hongyan::sandbox
