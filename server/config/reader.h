// Fills the message of config.proto from YAML: a key is a field, and its rules are the field's
// option key_rules.
//
// Contract: unknown keys, wrong types and values that break their rules are reported with path and
//           line, the nearest known key suggested. Strings take substitutions. A
//           google.protobuf.Duration reads "5s", a field whose name ends in _bytes "64KiB". What
//           the file doesn't have, or has wrongly, gets its default.
// Errors:   in `findings`, which also learns where each key stands and whether its value can be
//           used.
// Threads:  one.
#pragma once

#include <yaml-cpp/yaml.h>

#include "hongyan/v1/config.pb.h"
#include "server/config/environment.h"
#include "server/config/findings.h"

namespace hongyan::config {

v1::Config ReadConfig(const YAML::Node& root, const Environment& environment, Findings& findings);

}  // namespace hongyan::config
