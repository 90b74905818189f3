#include "server/wechat/signature.h"

#include <openssl/sha.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"

namespace hongyan::wechat {

std::string Signature(std::vector<absl::string_view> parts) {
  std::sort(parts.begin(), parts.end());
  std::string joined = absl::StrJoin(parts, "");
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(joined.data()), joined.size(), digest);
  // One of the parts is the token.
  const base::Secret wiped(std::move(joined));
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

bool SignatureMatches(const base::Secret& token, absl::string_view timestamp,
                      absl::string_view nonce, absl::string_view signature) {
  return base::ConstantTimeEquals(Signature({token.Reveal(), timestamp, nonce}), signature);
}

bool MsgSignatureMatches(const base::Secret& token, absl::string_view timestamp,
                         absl::string_view nonce, absl::string_view encrypt,
                         absl::string_view msg_signature) {
  return base::ConstantTimeEquals(Signature({token.Reveal(), timestamp, nonce, encrypt}),
                                  msg_signature);
}

}  // namespace hongyan::wechat
