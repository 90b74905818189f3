// YAML text as a small tree that knows its lines.
//
// Contract: one document of maps, lists and scalars. Aliases, anchors, tags, further documents and keys that are no
//           plain text are refused; two equal keys in a map are reported, and the first counts.
// Errors:   reported to `findings` with path and line; nullopt when the rest can't be understood.
// Bounds:   depth 32, 20 000 nodes, checked as the parser goes, so nothing larger is ever built.
// Threads:  any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/config/findings.h"

namespace hongyan::config {

inline constexpr int kMaxYamlDepth = 32;
inline constexpr int kMaxYamlNodes = 20000;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;        // in a map its key's, else its own
  int value_line = 0;  // where the value begins
  std::string key;     // when the parent is a map
  std::string scalar;
  bool quoted = false;  // or a block: surely text
  std::vector<YamlNode> children;
};

// An empty text is an empty map.
std::optional<YamlNode> ParseYaml(const std::string& text, Findings& findings);

// The path of a key: ("grpc", "tls") → "grpc.tls"; unusual keys made printable.
std::string Join(const std::string& path, const std::string& key);
// ("accounts", 2) → "accounts[2]".
std::string Join(const std::string& path, std::size_t index);

}  // namespace hongyan::config
