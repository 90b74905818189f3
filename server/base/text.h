// Plain functions on text. UTF-8 throughout.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace hongyan::base {

// Whether `text` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool IsUtf8(absl::string_view text);

// `text` with every ill-formed byte replaced by U+FFFD.
std::string ToUtf8(absl::string_view text);

// The first `max_bytes` of `text` at most, cut on a code-point boundary; "…" is appended when
// something was cut.
std::string Truncate(absl::string_view text, std::size_t max_bytes);

// How many UTF-16 units `text` has: an emoji counts two. `text` must be well-formed.
std::size_t Utf16Length(absl::string_view text);

// For well-formed UTF-8 that is to be read as JSON: escapes of half a character (\ud83d without the
// second half), which no parser takes, become \ufffd.
void MendJsonEscapes(std::string& json);

// Whether every byte is a visible ASCII character (0x21..0x7e).
bool IsVisibleAscii(absl::string_view text);

// `text` for a log line or an error: well-formed, at most `max_bytes` of it. Control characters and
// what else can't be seen or turns the direction of text (U+202E, U+2028 and their kin) are escaped
// as \uXXXX or \UXXXXXXXX.
std::string Printable(absl::string_view text, std::size_t max_bytes = 256);

// `text` as part of a URL's query: all but A-Za-z0-9-._~ as %XX.
std::string UrlEscape(absl::string_view text);

}  // namespace hongyan::base
