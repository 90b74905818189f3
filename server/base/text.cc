#include "server/base/text.h"

#include <algorithm>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <cstdint>
#include <iterator>

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

// Of one well-formed sequence.
std::uint32_t CodePoint(absl::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  constexpr unsigned char kFirstBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t point = first & kFirstBits[sequence.size()];
  for (const char c : sequence.substr(1)) {
    point = point << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  }
  return point;
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// Control characters, line and paragraph separators, and format characters, which turn the
// direction of what follows or take no room: general categories Cc, Zl, Zp and Cf of Unicode 15,
// and the fillers that look like nothing.
constexpr Range kInvisible[] = {
    {0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},
    {0x600, 0x605},     {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},
    {0x890, 0x891},     {0x8E2, 0x8E2},     {0x115F, 0x1160},   {0x17B4, 0x17B5},
    {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
    {0x3164, 0x3164},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
    {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1345F}, {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};

bool IsInvisible(std::uint32_t point) {
  if (point >= 0x20 && point < 0x7F) return false;
  return std::any_of(std::begin(kInvisible), std::end(kInvisible), [point](const Range& range) {
    return range.first <= point && point <= range.last;
  });
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
  for (std::size_t i = 0; i < clean.size();) {
    const std::size_t n = SequenceLength(clean, i);
    const std::uint32_t point = CodePoint(absl::string_view(clean).substr(i, n));
    if (IsInvisible(point)) {
      out += point > 0xFFFF ? absl::StrFormat("\\U%08x", point) : absl::StrFormat("\\u%04x", point);
    } else {
      out.append(clean, i, n);
    }
    i += n;
  }
  return out;
}

std::string UrlEscape(absl::string_view text) {
  return boost::urls::encode({text.data(), text.size()}, boost::urls::unreserved_chars);
}

}  // namespace hongyan::base
