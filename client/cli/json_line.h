// What commands print for programs: one JSON object a line.
//
// Contract: proto3's form (UTC times, 64-bit numbers as strings) with the proto's own field names,
//           every plain field present and text as raw UTF-8. Strings that came from the service
//           can't steer the terminal (see text.h).
// Threads:  plain functions, any thread.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "hongyan/v1/event.pb.h"
#include "hongyan/v1/notify.pb.h"

namespace hongyan::cli {

// Empty where proto3 JSON has no form for what is in it.
boost::json::object ToJson(const google::protobuf::Message& message);
// Without details of a type that this program doesn't know.
boost::json::object ToJson(const v1::Delivery& delivery);
// Without payload and WeChat's time, where that time is none that JSON can hold.
boost::json::object ToJson(const v1::Event& event);

// With its line break.
std::string JsonLine(const boost::json::object& object);

template <typename Message>
std::string JsonLine(const Message& message) {
  return JsonLine(ToJson(message));
}

}  // namespace hongyan::cli
