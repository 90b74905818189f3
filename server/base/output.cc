#include "server/base/output.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>

namespace hongyan::base {
namespace {

using std::chrono::steady_clock;

// A poll() without end, for a limit that is none.
constexpr int kForever = -1;

int MillisecondsLeft(steady_clock::time_point begun, absl::Duration limit) {
  if (limit == absl::InfiniteDuration()) return kForever;
  const absl::Duration left = limit - absl::FromChrono(steady_clock::now() - begun);
  const std::int64_t milliseconds =
      absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, INT_MAX));
}

}  // namespace

std::size_t WriteWithin(int descriptor, absl::string_view text, absl::Duration limit) {
  const auto begun = steady_clock::now();
  std::size_t done = 0;
  while (done < text.size()) {
    pollfd writable{descriptor, POLLOUT, 0};
    const int ready = poll(&writable, 1, MillisecondsLeft(begun, limit));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    // A pipe that is writable takes PIPE_BUF bytes without waiting, and not always more.
    const std::size_t part = std::min<std::size_t>(text.size() - done, PIPE_BUF);
    const ssize_t n = write(descriptor, text.data() + done, part);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace hongyan::base
