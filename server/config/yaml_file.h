// A configuration file as YAML nodes.
//
// Contract: one document of maps, lists and scalars, whose keys are plain text; its nodes know
//           their lines (FindLine). What a configuration may not hold is refused: aliases, anchors,
//           tags, further documents, control characters.
// Errors:   reported to `findings` with path and line; nullopt.
// Bounds:   depth 32, 20 000 nodes, checked as a first parse goes, so nothing larger is ever built.
// Threads:  any.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "server/config/findings.h"

namespace hongyan::config {

inline constexpr std::size_t kMaxYamlDepth = 32;
inline constexpr int kMaxYamlNodes = 20000;

// An empty text is an empty map.
std::optional<YAML::Node> ParseYaml(const std::string& text, Findings& findings);

inline int FindLine(const YAML::Node& node) { return node.Mark().line + 1; }

// The text of a scalar. Not node.Scalar(): there the braces of ${NAME} are hidden.
std::string GetScalar(const YAML::Node& scalar);

// Whether a scalar was quoted or a block: surely text.
bool IsQuoted(const YAML::Node& scalar);

// The path of a key: ("grpc", "tls") → "grpc.tls"; unusual keys made printable.
std::string Join(absl::string_view path, absl::string_view key);
// ("accounts", 2) → "accounts[2]".
std::string Join(absl::string_view path, std::size_t index);

}  // namespace hongyan::config
