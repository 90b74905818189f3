// What looks right to the eye and isn't YAML: full-width colons, commas, spaces and quotes, a blank
// that is missing, `=`.
//
// Contract: a hint names the key at most, never a value, which may be a secret.
// Threads:  any.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace hongyan::config {

struct YamlHint {
  int line = 0;  // from 1
  std::string message;
};

// The likely cause of an error that the parser met at `line`: there, or in the line with content
// before it, where a value that goes on hides the error for one line; or a quote that was opened
// before and never closed.
std::optional<YamlHint> FindSlip(absl::string_view text, int line);

// A key that was meant to have a value: "app_id=wx…", "app_id:wx…", "app_id：wx…", "app_id wx…"; or
// that has a full-width space before it.
struct KeySlip {
  std::string key;      // what stands before it
  std::string message;  // with the key
};
std::optional<KeySlip> FindKeySlip(absl::string_view words);

// What is wrong with a value that names a variable in another way than ${NAME}: $NAME, $(NAME),
// %NAME%. Empty: nothing.
std::string FindVariableSlip(absl::string_view value);

// Whether `text` begins with a quote that is never closed; the parser doesn't mind.
bool IsOpenQuote(absl::string_view text);

// Whether `value` stands between full-width quotes, which are nothing to YAML.
bool HasFullWidthQuotes(absl::string_view value);

}  // namespace hongyan::config
