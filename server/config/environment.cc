#include "server/config/environment.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace hongyan::config {
namespace {

constexpr std::chrono::seconds kPipeLimit{10};

absl::Status Failed(int error) {
  return absl::UnavailableError(std::generic_category().message(error));
}

absl::Status TooLarge(std::size_t max_bytes) {
  return absl::OutOfRangeError(absl::StrCat("is larger than ", max_bytes / 1024, " KiB"));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::StatusOr<File> ReadFile(const std::string& path, std::size_t max_bytes) {
  // Without O_NONBLOCK a pipe that nobody writes to would be waited for.
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (fd.get() < 0) return Failed(errno);
  struct stat about {};
  if (fstat(fd.get(), &about) != 0) return Failed(errno);
  if (S_ISDIR(about.st_mode)) return Failed(EISDIR);
  if (!S_ISREG(about.st_mode) && !S_ISFIFO(about.st_mode)) {
    return absl::InvalidArgumentError("is neither a file nor a pipe");
  }
  if (about.st_size > 0 && static_cast<std::size_t>(about.st_size) > max_bytes) {
    return TooLarge(max_bytes);
  }

  const auto end = std::chrono::steady_clock::now() + kPipeLimit;
  File file;
  file.is_pipe = S_ISFIFO(about.st_mode);
  file.others_may_read = S_ISREG(about.st_mode) && (about.st_mode & S_IROTH) != 0;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd more{fd.get(), POLLIN, 0};
      if (left.count() > 0 && poll(&more, 1, static_cast<int>(left.count())) != 0) continue;
      return absl::DeadlineExceededError("is a pipe whose writer doesn't end");
    }
    if (got < 0) return Failed(errno);
    if (got == 0) return file;
    file.content.append(buffer, static_cast<std::size_t>(got));
    if (file.content.size() > max_bytes) return TooLarge(max_bytes);
  }
}

}  // namespace

Environment SystemEnvironment() {
  Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  environment.read_file = ReadFile;
  environment.now = absl::Now();
  environment.on_terminal = isatty(STDOUT_FILENO) == 1;
  return environment;
}

}  // namespace hongyan::config
