// Fills the Config message from a YAML tree: a key is a field.
//
// Contract: unknown keys and wrong types are reported with path and line, the next known key suggested. Strings take
//           substitutions. A google.protobuf.Duration reads "5s", a field whose name ends in _bytes "64KiB".
//           A value that could not be read is left out and recorded as broken.
// Errors:   in `findings`, which also learns where each key stands.
// Threads:  one.
#pragma once

#include "hongyan/v1/config.pb.h"
#include "server/config/environment.h"
#include "server/config/findings.h"
#include "server/config/yaml_tree.h"

namespace hongyan::config {

v1::Config ReadConfig(const YamlNode& root, const Environment& environment, Findings& findings);

}  // namespace hongyan::config
