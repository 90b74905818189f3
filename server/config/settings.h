// The checked configuration: the message of config.proto with every value in its limits and every
// default filled in.
//
// Contract: what the file can't know is set too: callback.max_connections_per_address,
//           shutdown.delay, the callback paths of accounts. Addresses and URLs have their usual
//           form: 127.0.0.1 for localhost, no trailing slash. The message holds secrets until
//           WipeSecrets(); scripts/lint sees to it that the server prints no message.
// Threads:  any.
#pragma once

#include "absl/time/time.h"
#include "hongyan/v1/config.pb.h"
#include "server/base/log.h"

namespace hongyan::config {

using Settings = v1::Config;

inline absl::Duration ToDuration(const google::protobuf::Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

// Overwrites with zeros all texts that are secrets by their key_rules.
void WipeSecrets(google::protobuf::Message& section);

base::Level LogLevel(const Settings& settings);
base::LogFormat LogFormat(const Settings& settings);

}  // namespace hongyan::config
