// A message as it leaves for a callback URL: signed, and in the account's mode and format.
//
// Contract: Seal() fixes the body once; SignedQuery() signs it anew for each try. What is given in
//           Stamp is taken as it is, which is how a push is forged; the rest is right.
// Threads:  event loop only.
// Source:
// https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Message_encryption_and_decryption.html
#pragma once

#include <string>

#include "callback_settings.h"
#include "platform.h"

namespace hongyan::sandbox {

struct Stamp {
  std::string timestamp;
  std::string nonce;
  std::string signature;
  std::string msg_signature;
};

struct SealedPush {
  std::string body;
  std::string content_type;
  // "" in a push that is not encrypted.
  std::string encrypt;
};

// `message` is the push in plain text, `key` 32 bytes, `random16` may be empty.
SealedPush Seal(const AccountSettings& settings, const std::string& message, CallbackMode mode,
                const std::string& key, std::string random16, Random& random);
// The body around a cipher text, whatever that is.
std::string SafeBody(const AccountSettings& settings, const std::string& encrypt);

// Fills in what `stamp` lacks.
void Complete(Stamp* stamp, const std::string& token, const std::string& encrypt,
              Platform& platform);
// signature=…&timestamp=…&nonce=…, the openid if there is one, and what belongs to encryption.
std::string SignedQuery(const Stamp& stamp, const std::string& openid, const std::string& encrypt);

}  // namespace hongyan::sandbox
