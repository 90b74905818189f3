// Accounts, users and templates as the control API and the configuration file write them.
//
// Contract: creates or updates; a field that is absent keeps its value (or takes its default when
// the thing is new). Errors:   "" or one sentence that names the first wrong field; nothing is
// changed then.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "platform.h"

namespace hongyan::sandbox {

std::string PutAccount(Platform& platform, const boost::json::object& given);
std::string PutUser(Platform& platform, const boost::json::object& given);
// {app_id, count, prefix}: so many more followers, numbered; `first` and `last` receive openids.
std::string PutFollowers(Platform& platform, const boost::json::object& given, std::string* first,
                         std::string* last);
// `template_id` receives the id, chosen here if none was given.
std::string PutTemplate(Platform& platform, const boost::json::object& given,
                        std::string* template_id);
// {"accounts":[{… as PutAccount, "users":[…], "templates":[…]}]}
std::string PutConfig(Platform& platform, const boost::json::object& config);

// Never shows a secret.
boost::json::object ShowAccount(const Account& account, const Clock& clock);
boost::json::object ShowUser(const User& user, const Clock& clock);
boost::json::object ShowTokens(const Account& account, const Clock& clock);

}  // namespace hongyan::sandbox
