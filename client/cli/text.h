// Text on a terminal: how wide it is, and how it is made harmless.
//
// Contract: all input may be anything; ill-formed bytes count and show as U+FFFD.
// Threads:  plain functions, any thread.
// Units:    widths are terminal columns: 中 and emoji take two, combining marks none.
// Source:   the wide ranges are those of Unicode's EastAsianWidth.txt (W and F) and emoji-data.txt,
//           merged coarsely.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace hongyan::cli {

// Whether `text` is well-formed UTF-8.
bool IsUtf8(absl::string_view text);

// `text` on one line and without power over the terminal: control characters and those that turn
// the direction of writing become \n, \t, \u001b and so on.
std::string Printable(absl::string_view text);

// The same for JSON text that is already valid: what JSON lets through raw becomes a \u escape.
std::string PrintableJson(absl::string_view json);

// The columns that `text` takes. `text` is printable.
std::size_t DisplayWidth(absl::string_view text);

// `text` with blanks behind it up to `width` columns.
std::string PadTo(absl::string_view text, std::size_t width);

}  // namespace hongyan::cli
