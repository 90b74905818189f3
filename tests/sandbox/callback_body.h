// What a push says, as XML or JSON, before any encryption.
//
// Contract: writes what WeChat writes. XML: texts as CDATA ("]]>" split over two sections), numbers
//           bare, objects nest, arrays repeat their element. JSON: the same fields by name;
//           subscribe_msg_* events without their wrapper, with numbers as strings and a List of one
//           as an object.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>

namespace hongyan::sandbox {

struct Envelope {
  std::string to_user;
  std::string from_user;
  int64_t create_time = 0;
  std::string msg_type;
};

std::string WriteCallbackXml(const Envelope& envelope, const boost::json::object& fields);
std::string WriteCallbackJson(const Envelope& envelope, const boost::json::object& fields);

}  // namespace hongyan::sandbox
