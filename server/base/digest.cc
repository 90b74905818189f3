#include "server/base/digest.h"

#include <openssl/sha.h>

#include "absl/strings/str_cat.h"

namespace hongyan::base {

void PartsDigest::Add(absl::string_view part) { absl::StrAppend(&parts_, part.size(), ":", part); }

std::string PartsDigest::Bytes() const {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(parts_.data()), parts_.size(), digest);
  return std::string(reinterpret_cast<const char*>(digest), sizeof digest);
}

std::uint64_t Fnv1a(absl::string_view bytes, std::uint64_t before) {
  for (const char c : bytes) before = (before ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return before;
}

}  // namespace hongyan::base
