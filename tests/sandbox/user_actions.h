// What people do and the platform reports, by the control call that makes them do it.
//
// Contract: FindAction() yields the function of a path such as /sandbox/follow. It reads the call's
//           fields, lets the deed take effect on the platform (follower, window, chat) and
//           describes the push. Nothing is pushed here.
// Errors:   "" or one sentence that names the first wrong field; nothing has happened then.
// Threads:  event loop only.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "push_run.h"
#include "sandbox.h"

namespace hongyan::sandbox {

using Action = std::string (*)(Sandbox&, const json::object& given, Happening*);

// Null for a path that is none of these.
Action FindAction(const std::string& path);

// By file: user_actions.cc, system_actions.cc.
std::string ReportReceipt(Sandbox& sandbox, const json::object& given, Happening* happening);
std::string ReportSubscription(Sandbox& sandbox, const json::object& given, Happening* happening);
std::string ReportUserInfo(Sandbox& sandbox, const json::object& given, Happening* happening);
std::string PushAnything(Sandbox& sandbox, const json::object& given, Happening* happening);

void SayFromUser(Account& account, const std::string& openid, std::string kind, std::string text);
void AddFields(const json::object* more, json::object* fields);
int64_t NewMsgId(Platform& platform);

}  // namespace hongyan::sandbox
