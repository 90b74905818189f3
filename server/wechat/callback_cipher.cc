#include "server/wechat/callback_cipher.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace hongyan::wechat {
namespace {

constexpr std::size_t kEncodedKeyBytes = 43;
constexpr std::size_t kKeyBytes = 32;
// Of the padding; AES itself works in 16.
constexpr std::size_t kBlock = 32;
// The random prefix and the length.
constexpr std::size_t kHeaderBytes = 20;
// An appid has 18; this only keeps the sums small.
constexpr std::size_t kMaxAppIdBytes = 256;

static_assert((kMaxPlainBytes + kHeaderBytes + kMaxAppIdBytes + kBlock + 2) / 3 * 4 <=
                  kMaxEncryptedBytes,
              "what is written can be read");

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::StatusOr<base::Secret> ReadKey(absl::string_view name, const base::Secret& encoded) {
  const std::string& text = encoded.Reveal();
  if (text.size() != kEncodedKeyBytes || !std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c));
      })) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is not ", kEncodedKeyBytes, " letters and digits"));
  }
  const base::Secret padded(absl::StrCat(text, "="));
  // Abseil does not mind the two low bits of the last character, unlike some other decoders.
  std::string key;
  const bool read = absl::Base64Unescape(padded.Reveal(), &key);
  base::Secret secret(std::move(key));
  if (!read || secret.Reveal().size() != kKeyBytes) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is not the base64 of a key"));
  }
  return secret;
}

// AES-256-CBC over whole blocks; adding and removing the padding is ours.
std::optional<std::string> Crypt(bool encrypt, const base::Secret& key, absl::string_view input) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const unsigned char* const key_bytes = Bytes(key.Reveal());
  std::string output(input.size() + EVP_MAX_BLOCK_LENGTH, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(output.data());
  int written = 0;
  int rest = 0;
  // The IV is the first half of the key.
  if (context == nullptr ||
      EVP_CipherInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, key_bytes, key_bytes,
                        encrypt ? 1 : 0) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
      EVP_CipherUpdate(context.get(), out, &written, Bytes(input),
                       static_cast<int>(input.size())) != 1 ||
      EVP_CipherFinal_ex(context.get(), out + written, &rest) != 1) {
    return std::nullopt;
  }
  output.resize(static_cast<std::size_t>(written) + static_cast<std::size_t>(rest));
  return output;
}

// 1 when the condition holds; the operands are evaluated anyway.
unsigned Flag(bool condition) { return condition ? 1u : 0u; }

// The message inside of `full`, which is one or more times kBlock. No check depends on another's
// result.
std::optional<std::string> Unpack(absl::string_view full, absl::string_view app_id) {
  const unsigned char* const bytes = Bytes(full);
  const std::size_t pad = bytes[full.size() - 1];
  unsigned wrong = Flag(pad < 1) | Flag(pad > kBlock);
  for (std::size_t i = 1; i <= kBlock; ++i) {
    wrong |= Flag(i <= pad) & Flag(bytes[full.size() - i] != pad);
  }
  // Where the appid would begin and the message end; at the header's end if there is no such place.
  const std::size_t outside = std::min(pad, kBlock) + app_id.size();
  wrong |= Flag(full.size() - kHeaderBytes < outside);
  const std::size_t end = std::max(full.size() - std::min(outside, full.size()), kHeaderBytes);
  // The appid is the whole of what follows the message, so the length has one right value.
  const std::uint32_t length = std::uint32_t{bytes[16]} << 24 | std::uint32_t{bytes[17]} << 16 |
                               std::uint32_t{bytes[18]} << 8 | std::uint32_t{bytes[19]};
  wrong |= Flag(length != end - kHeaderBytes);
  wrong |= Flag(!base::ConstantTimeEquals(full.substr(end, app_id.size()), app_id));
  if (wrong != 0) return std::nullopt;
  return std::string(full.substr(kHeaderBytes, length));
}

// Abseil's decoder overlooks blanks, missing '=' and leftover bits; then the text comes out
// different when it is encoded again.
std::optional<std::string> ReadBase64(absl::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) || absl::Base64Escape(bytes) != text) return std::nullopt;
  return bytes;
}

absl::Status Undecipherable() { return absl::InvalidArgumentError("Encrypt can't be decrypted"); }

}  // namespace

CallbackCipher::CallbackCipher(base::Secret current, base::Secret previous, std::string app_id)
    : current_(std::move(current)), previous_(std::move(previous)), app_id_(std::move(app_id)) {}

absl::StatusOr<CallbackCipher> CallbackCipher::Create(const base::Secret& encoding_aes_key,
                                                      const base::Secret& previous_encoding_aes_key,
                                                      absl::string_view app_id) {
  if (app_id.empty() || app_id.size() > kMaxAppIdBytes) {
    return absl::InvalidArgumentError("app_id is empty or too long");
  }
  auto current = ReadKey("encoding_aes_key", encoding_aes_key);
  if (!current.ok()) return current.status();
  base::Secret previous;
  if (!previous_encoding_aes_key.empty()) {
    auto read = ReadKey("previous_encoding_aes_key", previous_encoding_aes_key);
    if (!read.ok()) return read.status();
    previous = *std::move(read);
  }
  return CallbackCipher(*std::move(current), std::move(previous), std::string(app_id));
}

absl::StatusOr<CallbackCipher::Decrypted> CallbackCipher::Decrypt(
    absl::string_view encrypted) const {
  if (encrypted.size() > kMaxEncryptedBytes) return Undecipherable();
  const auto cipher_text = ReadBase64(encrypted);
  if (!cipher_text || cipher_text->empty() || cipher_text->size() % kBlock != 0) {
    return Undecipherable();
  }
  for (const Key key : {Key::kCurrent, Key::kPrevious}) {
    const base::Secret& secret = key == Key::kCurrent ? current_ : previous_;
    if (secret.empty()) continue;
    const auto full = Crypt(false, secret, *cipher_text);
    if (!full) continue;
    auto message = Unpack(*full, app_id_);
    if (message) return Decrypted{*std::move(message), key};
  }
  return Undecipherable();
}

absl::StatusOr<std::string> CallbackCipher::Encrypt(absl::string_view message, Key key) const {
  Prefix prefix;
  if (RAND_bytes(prefix.data(), static_cast<int>(prefix.size())) != 1) {
    return absl::InternalError("no random bytes");
  }
  return Encrypt(message, key, prefix);
}

absl::StatusOr<std::string> CallbackCipher::Encrypt(absl::string_view message, Key key,
                                                    const Prefix& prefix) const {
  if (message.size() > kMaxPlainBytes) {
    return absl::InvalidArgumentError("the message is too long to be encrypted");
  }
  const base::Secret& secret = key == Key::kCurrent ? current_ : previous_;
  if (secret.empty()) return absl::FailedPreconditionError("there is no previous key");
  std::string full(prefix.begin(), prefix.end());
  for (int shift = 24; shift >= 0; shift -= 8) {
    full += static_cast<char>(static_cast<std::uint32_t>(message.size()) >> shift & 0xff);
  }
  absl::StrAppend(&full, message, app_id_);
  const std::size_t pad = kBlock - full.size() % kBlock;
  full.append(pad, static_cast<char>(pad));
  const auto cipher_text = Crypt(true, secret, full);
  if (!cipher_text) return absl::InternalError("AES-256-CBC failed");
  return absl::Base64Escape(*cipher_text);
}

}  // namespace hongyan::wechat
