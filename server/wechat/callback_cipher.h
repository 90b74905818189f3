// The encryption of callbacks in safe and compatible mode: AES-256-CBC with a key of the console.
//
// Contract: plain text is random[16] | length (uint32, network order) | message | appid, padded as
//           PKCS#7 does with a block of 32 (1..32 bytes, each holding their number); the IV is the
//           first half of the key. Decrypt() tries the current key, then the previous one, and
//           wants the length, every byte of the padding and the whole appid to be right. The
//           encryption does not protect the message from changes: check msg_signature
//           (signature.h) before decrypting.
// Errors:   Create(): kInvalidArgument, naming the key, never quoting it. Decrypt(): always the
//           same kInvalidArgument, and all checks of one key are made whatever the others say, so
//           that neither text nor time tells which failed. Encrypt(): kInvalidArgument for a long
//           message, kFailedPrecondition without that key, kInternal when OpenSSL fails.
// Bounds:   kMaxEncryptedBytes of base64, kMaxPlainBytes of message; linear.
// Threads:  any; immutable.
// Lifetime: holds copies of the keys, wiped with it.
// Source:   https://developers.weixin.qq.com/doc/oplatform/developers/dev/push/encryption.html
//           Example: EncodingAESKey 43 × A, appid wxba5fad812f8e6fb9, random 0123456789abcdef and
//           message 26 × x are 64 bytes, so 32 bytes of padding follow, and 96 bytes come out.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/secret.h"

namespace hongyan::wechat {

// A push has 64 KiB at most, so no Encrypt is longer.
inline constexpr std::size_t kMaxEncryptedBytes = 64u << 10;
// Far more than any reply has, and its base64 stays within kMaxEncryptedBytes.
inline constexpr std::size_t kMaxPlainBytes = 32u << 10;

class CallbackCipher {
 public:
  // The operator may change the EncodingAESKey while pushes under the old one are on their way.
  enum class Key { kCurrent, kPrevious };

  // The bytes before the length. Nobody reads them; they make equal messages look different.
  using Prefix = std::array<unsigned char, 16>;

  struct Decrypted {
    std::string message;
    Key key = Key::kCurrent;  // the one that worked: the reply takes it too
  };

  // An EncodingAESKey is 43 letters and digits, the base64 of 32 bytes without its '='. The last
  // character holds two bits too many; they may be anything and are ignored.
  // `previous_encoding_aes_key` may be empty.
  static absl::StatusOr<CallbackCipher> Create(const base::Secret& encoding_aes_key,
                                               const base::Secret& previous_encoding_aes_key,
                                               absl::string_view app_id);

  // `encrypted` is base64 in its one canonical form: no line ends, no bits left over.
  absl::StatusOr<Decrypted> Decrypt(absl::string_view encrypted) const;

  // Base64 without line ends, with a random prefix or the given one.
  absl::StatusOr<std::string> Encrypt(absl::string_view message, Key key) const;
  absl::StatusOr<std::string> Encrypt(absl::string_view message, Key key,
                                      const Prefix& prefix) const;

 private:
  CallbackCipher(base::Secret current, base::Secret previous, std::string app_id);

  // 32 bytes each; no previous one: empty.
  base::Secret current_;
  base::Secret previous_;
  std::string app_id_;
};

}  // namespace hongyan::wechat
