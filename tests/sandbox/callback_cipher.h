// The encrypted envelope of compatible and safe mode.
//
// Contract: Encrypt() makes base64(AES-256-CBC(random16 | length, 4 bytes, network order | message
//           | app_id | padding to 32 bytes)), Decrypt() takes it apart and is strict: every byte of
//           the padding counts, as do length, alphabet of the base64 and app_id. Shares nothing
//           with the service under test.
// Errors:   a key that is none is nullopt; Decrypt() says in `error` what was wrong.
// Threads:  any.
// Source:
// https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hongyan::sandbox {

// 32 bytes of the 43 characters; their last two bits are free and often not zero.
std::optional<std::string> AesKey(std::string_view encoding_aes_key);

// random16 | length | message | app_id, without padding.
std::string Compose(const std::string& random16, const std::string& message,
                    const std::string& app_id);
std::string PadTo32(std::string bytes);
// base64 of the encrypted bytes, whose number is a multiple of 16.
std::string EncryptBytes(const std::string& key, const std::string& bytes);
std::string Encrypt(const std::string& key, const std::string& random16, const std::string& message,
                    const std::string& app_id);

struct Decrypted {
  std::string message;
  std::string error;
};
Decrypted Decrypt(const std::string& key, const std::string& text, const std::string& app_id);

// hex(SHA1(the strings, sorted bytewise, joined)).
std::string CallbackSignature(std::vector<std::string> parts);

}  // namespace hongyan::sandbox
