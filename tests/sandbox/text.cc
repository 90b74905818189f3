#include "text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

namespace hongyan::sandbox {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &length, kind, nullptr);
  return Hex(std::string_view(reinterpret_cast<const char*>(digest), length));
}

}  // namespace

std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
               HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string PercentEncode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

Query::Query(std::string_view encoded) {
  while (!encoded.empty()) {
    const size_t end = std::min(encoded.find('&'), encoded.size());
    const std::string_view pair = encoded.substr(0, end);
    encoded.remove_prefix(std::min(end + 1, encoded.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : "";
    parameters_.emplace_back(PercentDecode(pair.substr(0, equals)), PercentDecode(value));
  }
}

std::string Query::Get(std::string_view name, std::string_view fallback) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return std::string(fallback);
}

int64_t Query::GetInt(std::string_view name, int64_t fallback) const {
  int64_t number = 0;
  return ParseInt(Get(name), &number) ? number : fallback;
}

bool DecodeUtf8(std::string_view text, std::u32string* out) {
  constexpr char32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    int more = 0;
    char32_t point = lead;
    if (lead >= 0xF8 || (lead >= 0x80 && lead < 0xC0)) return false;
    if (lead >= 0xF0) {
      more = 3;
      point = lead & 0x07;
    } else if (lead >= 0xE0) {
      more = 2;
      point = lead & 0x0F;
    } else if (lead >= 0xC0) {
      more = 1;
      point = lead & 0x1F;
    }
    if (i + more >= text.size()) return false;
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      point = (point << 6) | (next & 0x3F);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < kSmallest[more] || point > 0x10FFFF || surrogate) return false;
    if (out != nullptr) out->push_back(point);
    i += more + 1;
  }
  return true;
}

std::string CleanUtf8(std::string text) {
  if (DecodeUtf8(text, nullptr)) return text;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    while (length <= 4 && !DecodeUtf8(text.substr(i, length), nullptr)) ++length;
    if (length <= 4) {
      out += text.substr(i, length);
      i += length;
    } else {
      out += "\xEF\xBF\xBD";
      ++i;
    }
  }
  return out;
}

size_t Utf16Length(const std::u32string& text) {
  size_t units = 0;
  for (const char32_t point : text) units += point >= 0x10000 ? 2 : 1;
  return units;
}

bool HasUnicodeEscape(std::string_view json) {
  for (size_t i = json.find('\\'); i != std::string_view::npos; i = json.find('\\', i + 2)) {
    if (i + 1 < json.size() && json[i + 1] == 'u') return true;
  }
  return false;
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string Sha1Hex(std::string_view bytes) { return Digest(EVP_sha1(), bytes); }
std::string Sha256Hex(std::string_view bytes) { return Digest(EVP_sha256(), bytes); }

std::string Base64Encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  out.resize(static_cast<size_t>(length));
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), text.size());
  if (length < 0) return std::nullopt;
  // OpenSSL counts the padding as bytes.
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<size_t>(length) - padding);
  return out;
}

bool ParseInt(std::string_view text, int64_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string Random::Text(size_t length, std::string_view alphabet) {
  std::uniform_int_distribution<size_t> pick(0, alphabet.size() - 1);
  std::string out(length, '\0');
  for (char& c : out) c = alphabet[pick(engine_)];
  return out;
}

}  // namespace hongyan::sandbox
