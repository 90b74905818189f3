#include "server/base/id.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"

namespace hongyan::base {

std::string IdGenerator::Next(absl::Time now) {
  // A clock that steps back must not make ids step back.
  const auto millis =
      static_cast<std::uint64_t>(std::max<std::int64_t>(absl::ToUnixMillis(now), 0));
  if (millis > last_millis_) {
    last_millis_ = millis;
    unsigned char bytes[10];
    RAND_bytes(bytes, sizeof bytes);
    std::memcpy(&random_high_, bytes, 2);
    std::memcpy(&random_low_, bytes + 2, 8);
    random_high_ &= 0x7fff;  // so that counting up never overflows it
  } else if (++random_low_ == 0) {
    ++random_high_;
  }
  constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string id(26, '0');
  std::uint64_t time = last_millis_;
  for (int i = 9; i >= 0; --i, time >>= 5) id[i] = kAlphabet[time & 31];
  unsigned __int128 random = (static_cast<unsigned __int128>(random_high_) << 64) | random_low_;
  for (int i = 25; i >= 10; --i, random >>= 5)
    id[i] = kAlphabet[static_cast<unsigned>(random) & 31];
  return id;
}

std::string RandomHex128() {
  // OpenSSL's generator costs a system call and a lock each time it is asked, however little it is
  // asked for.
  struct Stock {
    unsigned char bytes[32 * 16];
    std::size_t left = 0;
  };
  thread_local Stock stock;
  if (stock.left == 0) {
    RAND_bytes(stock.bytes, sizeof stock.bytes);
    stock.left = sizeof stock.bytes;
  }
  stock.left -= 16;
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(stock.bytes + stock.left), 16));
}

}  // namespace hongyan::base
