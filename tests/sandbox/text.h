// Small text tools of the sandbox: URL queries, UTF-8, hashes, random strings.
//
// Contract: plain functions over bytes; none of them throws or keeps state, except Random.
// Threads:  any; Random belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hongyan::sandbox {

std::string PercentDecode(std::string_view text);
std::string PercentEncode(std::string_view text);

// The parameters after "?" of a request target, decoded. Of a doubled parameter the first counts.
class Query {
 public:
  Query() = default;
  explicit Query(std::string_view encoded);

  std::string Get(std::string_view name, std::string_view fallback = "") const;
  // Absent, or not a number: `fallback`.
  int64_t GetInt(std::string_view name, int64_t fallback) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

// False if `text` is not UTF-8 (overlong forms and surrogates are not). `out` may be null.
bool DecodeUtf8(std::string_view text, std::u32string* out);
// The text with U+FFFD in place of what is not UTF-8.
std::string CleanUtf8(std::string text);
// Emoji count as 2: WeChat does not say what a "character" is, so the strict reading holds.
size_t Utf16Length(const std::u32string& text);
// True if a JSON text holds a \uXXXX escape. "\\u" (an escaped backslash before a u) is none.
bool HasUnicodeEscape(std::string_view json);

std::string Hex(std::string_view bytes);
std::string Sha1Hex(std::string_view bytes);
std::string Sha256Hex(std::string_view bytes);
std::string Base64Encode(std::string_view bytes);
std::optional<std::string> Base64Decode(std::string_view text);
bool ParseInt(std::string_view text, int64_t* out);

class Random {
 public:
  Random() : engine_(std::random_device{}()) {}
  uint64_t Number() { return engine_(); }
  std::string Text(size_t length, std::string_view alphabet);
  std::string HexText(size_t length) { return Text(length, "0123456789abcdef"); }

 private:
  std::mt19937_64 engine_;
};

inline constexpr std::string_view kUrlSafeAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace hongyan::sandbox
