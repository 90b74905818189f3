#include "callback_cipher.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "text.h"

namespace hongyan::sandbox {
namespace {

constexpr size_t kRandomBytes = 16;
constexpr size_t kLengthBytes = 4;
constexpr size_t kPadBlock = 32;
constexpr size_t kAesBlock = 16;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// AES-256-CBC with the key's first half as IV and without padding; "" if OpenSSL refuses.
std::string Cbc(const std::string& key, const std::string& in, bool encrypts) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  if (EVP_CipherInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, Bytes(key), Bytes(key),
                        encrypts ? 1 : 0) != 1) {
    return "";
  }
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  std::string out(in.size() + kAesBlock, '\0');
  auto* begin = reinterpret_cast<unsigned char*>(out.data());
  int written = 0;
  int last = 0;
  if (EVP_CipherUpdate(context.get(), begin, &written, Bytes(in), static_cast<int>(in.size())) !=
          1 ||
      EVP_CipherFinal_ex(context.get(), begin + written, &last) != 1) {
    return "";
  }
  out.resize(static_cast<size_t>(written + last));
  return out;
}

bool IsBase64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

}  // namespace

std::optional<std::string> AesKey(std::string_view encoding_aes_key) {
  if (encoding_aes_key.size() != 43 || !IsBase64(encoding_aes_key) ||
      encoding_aes_key.find_first_of("+/=") != std::string_view::npos) {
    return std::nullopt;
  }
  return Base64Decode(std::string(encoding_aes_key) + "=");
}

std::string Compose(const std::string& random16, const std::string& message,
                    const std::string& app_id) {
  std::string out = random16;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>((message.size() >> shift) & 0xFF);
  }
  return out + message + app_id;
}

std::string PadTo32(std::string bytes) {
  const size_t pad = kPadBlock - bytes.size() % kPadBlock;
  bytes.append(pad, static_cast<char>(pad));
  return bytes;
}

std::string EncryptBytes(const std::string& key, const std::string& bytes) {
  return Base64Encode(Cbc(key, bytes, true));
}

std::string Encrypt(const std::string& key, const std::string& random16, const std::string& message,
                    const std::string& app_id) {
  return EncryptBytes(key, PadTo32(Compose(random16, message, app_id)));
}

Decrypted Decrypt(const std::string& key, const std::string& text, const std::string& app_id) {
  const std::optional<std::string> cipher =
      IsBase64(text) ? Base64Decode(text) : std::optional<std::string>();
  if (!cipher.has_value()) return {"", "Encrypt is not base64"};
  if (cipher->empty() || cipher->size() % kPadBlock != 0) {
    return {"", "the cipher's length is not a multiple of 32"};
  }
  std::string full = Cbc(key, *cipher, false);
  const size_t pad = full.empty() ? 0 : static_cast<unsigned char>(full.back());
  const bool padded = pad >= 1 && pad <= kPadBlock &&
                      std::all_of(full.end() - static_cast<std::ptrdiff_t>(pad), full.end(),
                                  [&full](char c) { return c == full.back(); });
  if (!padded) {
    return {"", "wrong padding (another key?)"};
  }
  full.resize(full.size() - pad);
  if (full.size() < kRandomBytes + kLengthBytes) return {"", "shorter than its own header"};
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length = (length << 8) | static_cast<unsigned char>(full[kRandomBytes + i]);
  }
  const size_t begin = kRandomBytes + kLengthBytes;
  if (length > full.size() - begin) return {"", "the message's length is beyond the cipher"};
  if (full.substr(begin + length) != app_id) return {"", "the app_id at the end is another's"};
  return {full.substr(begin, length), ""};
}

std::string CallbackSignature(std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  std::string joined;
  for (const std::string& part : parts) joined += part;
  return Sha1Hex(joined);
}

}  // namespace hongyan::sandbox
