// The message types and events that a configuration may name.
//
// Contract: the types of the public API, and WeChat's own words in lower case, those that the API calls `unknown`
//           included. A test holds them against the API's table.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
//           https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html
// Threads:  any.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace hongyan::config {

enum class PushKind {
  kNone,  // no name of any
  kMessage,
  kEvent,
  kEither,  // `unknown`
};

PushKind KindOfPush(absl::string_view name);

// The API's types, for messages: "text, image, …".
std::string ApiPushNames();

// Every name, for tests.
const std::vector<absl::string_view>& MessageNames();
const std::vector<absl::string_view>& EventNames();

}  // namespace hongyan::config
