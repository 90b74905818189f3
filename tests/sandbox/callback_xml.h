// Callback bodies, their signature, and the passive reply that comes back. Plain mode.
//
// Contract: writes what WeChat writes: texts as CDATA ("]]>" split over two sections), numbers
// bare. Reads replies without
//           depth, attributes or DTD. Shares nothing with the service under test.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>

namespace hongyan::sandbox {

// hex(SHA1(the three strings, sorted bytewise, joined)).
std::string CallbackSignature(const std::string& token, const std::string& timestamp,
                              const std::string& nonce);

struct Envelope {
  std::string to_user;
  std::string from_user;
  int64_t create_time = 0;
  std::string msg_type;
};

// Strings become CDATA, numbers stay bare, objects nest, arrays repeat their element.
std::string WriteCallbackXml(const Envelope& envelope, const boost::json::object& fields);

struct PassiveReply {
  // success, empty, text, or another MsgType; "" = none of what WeChat takes.
  std::string kind;
  std::string text;
  // Why WeChat would show "service failure" instead.
  std::string error;
};

PassiveReply ReadPassiveReply(const std::string& body, const Envelope& sent);

}  // namespace hongyan::sandbox
