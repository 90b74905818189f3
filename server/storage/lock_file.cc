#include "server/storage/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/storage/errors.h"

namespace hongyan::storage {
namespace {

constexpr char kTitle[] = "hongyan storage\n";  // 16 bytes, then 19 digits and a line end
constexpr std::size_t kTitleSize = sizeof(kTitle) - 1;
constexpr std::size_t kDigits = 19;

}  // namespace

absl::StatusOr<std::unique_ptr<LockFile>> LockFile::Take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Refused(absl::StrCat("can't make ", path, ": ", std::strerror(errno),
                                "; the folder must exist and be ours to write"));
  }
  auto file = absl::WrapUnique(new LockFile(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Refused(
        absl::StrCat("another process holds ", path, "; each hongyand needs a storage of its own"));
  }
  file->Read();
  return file;
}

LockFile::~LockFile() { ::close(fd_); }

void LockFile::Read() {
  char text[kTitleSize + kDigits];
  if (::pread(fd_, text, sizeof(text), 0) != static_cast<ssize_t>(sizeof(text))) return;
  if (std::memcmp(text, kTitle, kTitleSize) != 0) return;
  std::int64_t mark = 0;
  if (absl::SimpleAtoi(absl::string_view(text + kTitleSize, kDigits), &mark)) mark_ = mark;
}

void LockFile::Advance(std::int64_t mark) {
  if (mark <= mark_) return;
  mark_ = mark;
  const std::string text = absl::StrFormat("%s%019d\n", kTitle, mark);
  // One short write in place: readers see the old number or the new one.
  [[maybe_unused]] const ssize_t written = ::pwrite(fd_, text.data(), text.size(), 0);
}

}  // namespace hongyan::storage
