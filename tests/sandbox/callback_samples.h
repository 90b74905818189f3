// One sample of every message and event that the platform is documented to push.
//
// Contract: the fields behind the envelope, MsgId left out. Samples of events about a person or a
//           program have the given openid and app_id in them.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>

namespace hongyan::sandbox {

// `event` is empty for a message. nullopt: nothing known by this name.
std::optional<boost::json::object> SampleFields(const std::string& msg_type,
                                                const std::string& event, const std::string& openid,
                                                const std::string& app_id);
// Names of all message types, or of all events.
boost::json::array SampleNames(bool events);

}  // namespace hongyan::sandbox
