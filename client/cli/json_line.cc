#include "client/cli/json_line.h"

#include <google/protobuf/util/json_util.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "absl/strings/str_cat.h"
#include "client/cli/text.h"

namespace hongyan::cli {

namespace {

// Through Boost.JSON, since protobuf's own printer writes < and > as \u003c and \u003e.
boost::json::object MessageToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return {};
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(json, error);
  return value.is_object() ? std::move(value.get_object()) : boost::json::object();
}

}  // namespace

boost::json::object ToJson(const google::protobuf::Message& message) {
  return MessageToJson(message);
}

boost::json::object ToJson(const v1::Delivery& delivery) {
  boost::json::object json = MessageToJson(delivery);
  if (!json.empty()) return json;
  v1::Delivery known = delivery;
  known.mutable_error()->clear_details();
  return MessageToJson(known);
}

boost::json::object ToJson(const v1::Event& event) {
  boost::json::object json = MessageToJson(event);
  if (!json.empty()) return json;
  v1::Event known = event;
  known.clear_create_time();
  known.clear_payload();
  return MessageToJson(known);
}

std::string JsonLine(const boost::json::object& object) {
  return absl::StrCat(PrintableJson(boost::json::serialize(object)), "\n");
}

}  // namespace hongyan::cli
