#include "server/base/text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace hongyan::base {
namespace {

// The length of the well-formed sequence at `i`, or 0. Table 3-7 of the Unicode standard.
std::size_t SequenceLength(absl::string_view s, std::size_t i) {
  const auto at = [&](std::size_t k) -> unsigned {
    return k < s.size() ? static_cast<unsigned char>(s[k]) : 0u;
  };
  const auto tail = [&](std::size_t k) { return (at(k) & 0xC0u) == 0x80u; };
  const unsigned b = at(i);
  if (b < 0x80) return 1;
  if (b < 0xC2) return 0;
  if (b < 0xE0) return tail(i + 1) ? 2 : 0;
  if (b < 0xF0) {
    const unsigned c = at(i + 1);
    if (!tail(i + 1) || !tail(i + 2)) return 0;
    if (b == 0xE0 && c < 0xA0) return 0;
    if (b == 0xED && c > 0x9F) return 0;
    return 3;
  }
  if (b < 0xF5) {
    const unsigned c = at(i + 1);
    if (!tail(i + 1) || !tail(i + 2) || !tail(i + 3)) return 0;
    if (b == 0xF0 && c < 0x90) return 0;
    if (b == 0xF4 && c > 0x8F) return 0;
    return 4;
  }
  return 0;
}

constexpr char kReplacement[] = "\xEF\xBF\xBD";

// The code unit of the escape \uXXXX at `i`, or -1.
int EscapedUnit(absl::string_view json, std::size_t i) {
  if (i + 6 > json.size() || json[i] != '\\' || json[i + 1] != 'u') return -1;
  const absl::string_view digits = json.substr(i + 2, 4);
  int unit = 0;
  // SimpleHexAtoi alone would take a sign or 0x as well.
  const bool hex = std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit) &&
                   absl::SimpleHexAtoi(digits, &unit);
  return hex ? unit : -1;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = SequenceLength(text, i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

std::string ToUtf8(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = SequenceLength(text, i);
    if (n == 0) {
      out += kReplacement;
      ++i;
    } else {
      out.append(text.data() + i, n);
      i += n;
    }
  }
  return out;
}

void MendJsonEscapes(std::string& json) {
  for (std::size_t i = json.find('\\'); i != std::string::npos; i = json.find('\\', i)) {
    const int unit = EscapedUnit(json, i);
    const int next = unit >= 0xD800 && unit <= 0xDBFF ? EscapedUnit(json, i + 6) : -1;
    if (next >= 0xDC00 && next <= 0xDFFF) {
      i += 12;
    } else if (unit >= 0xD800 && unit <= 0xDFFF) {
      json.replace(i, 6, "\\ufffd");
      i += 6;
    } else {
      i += 2;
    }
  }
}

std::string Truncate(absl::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t end = 0;
  while (end < max_bytes) {
    const std::size_t n = SequenceLength(text, end);
    const std::size_t step = n == 0 ? 1 : n;
    if (end + step > max_bytes) break;
    end += step;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::size_t Utf16Length(absl::string_view text) {
  std::size_t units = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = SequenceLength(text, i);
    units += n == 4 ? 2 : 1;
    i += n == 0 ? 1 : n;
  }
  return units;
}

bool IsVisibleAscii(absl::string_view text) {
  for (const char c : text) {
    if (c < 0x21 || c > 0x7e) return false;
  }
  return true;
}

std::string Printable(absl::string_view text, std::size_t max_bytes) {
  const std::string clean = ToUtf8(Truncate(text, max_bytes));
  std::string out;
  out.reserve(clean.size());
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto c = static_cast<unsigned char>(clean[i]);
    if (c < 0x20 || c == 0x7f) {
      out += absl::StrFormat("\\u%04x", c);
    } else if (c == 0xC2 && i + 1 < clean.size() &&
               static_cast<unsigned char>(clean[i + 1]) < 0xA0) {
      out += absl::StrFormat("\\u%04x", static_cast<unsigned char>(clean[++i]));
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

std::string UrlEscape(absl::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

void AppendJsonEscaped(absl::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += absl::StrFormat("\\u%04x", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
}

}  // namespace hongyan::base
