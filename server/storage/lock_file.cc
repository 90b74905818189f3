#include "server/storage/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/storage/errors.h"
#include "server/storage/file_view.h"

namespace hongyan::storage {
namespace {

constexpr char kTitle[] = "hongyan storage\n";  // 16 bytes, then 19 digits and a line end
constexpr std::size_t kTitleSize = sizeof(kTitle) - 1;
constexpr std::size_t kDigits = 19;
constexpr int kAttempts = 10;

bool LeadsTo(const std::string& path, int fd) {
  const FileView named = ViewPath(path);
  const FileView held = ViewDescriptor(fd);
  return named.found() && held.found() && named.id == held.id;
}

absl::StatusOr<int> OpenLocked(const std::string& path) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      return Refused(absl::StrCat("can't make ", path, ": ", std::strerror(errno),
                                  "; the folder must exist and be ours to write"));
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(fd);
      if (error != EWOULDBLOCK) {
        return Refused(absl::StrCat("can't lock ", path, ": ", std::strerror(error)));
      }
      return Refused(absl::StrCat("another process holds ", path,
                                  "; each hongyand needs a storage of its own"));
    }
    // Between the two steps somebody may have removed it, and another process locked a new one.
    if (LeadsTo(path, fd)) return fd;
    ::close(fd);
  }
  return Refused(absl::StrCat(path, " is removed again and again while it is being locked"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LockFile>> LockFile::Take(const std::string& path) {
  const absl::StatusOr<int> fd = OpenLocked(path);
  if (!fd.ok()) return fd.status();
  auto file = absl::WrapUnique(new LockFile(path, *fd));
  file->Read();
  return file;
}

LockFile::~LockFile() { ::close(fd_); }

bool LockFile::InPlace() const { return LeadsTo(path_, fd_); }

absl::Status LockFile::Renew(const std::string& path) {
  if (!LeadsTo(path, fd_)) {
    const absl::StatusOr<int> fd = OpenLocked(path);
    if (!fd.ok()) return fd.status();
    ::close(std::exchange(fd_, *fd));
    Read();
    Write();
  }
  path_ = path;
  return absl::OkStatus();
}

void LockFile::Read() {
  char text[kTitleSize + kDigits];
  if (::pread(fd_, text, sizeof(text), 0) != static_cast<ssize_t>(sizeof(text))) return;
  if (std::memcmp(text, kTitle, kTitleSize) != 0) return;
  std::int64_t mark = 0;
  if (absl::SimpleAtoi(absl::string_view(text + kTitleSize, kDigits), &mark) && mark > mark_) {
    mark_ = mark;
  }
}

void LockFile::Advance(std::int64_t mark) {
  if (mark <= mark_) return;
  mark_ = mark;
  Write();
}

void LockFile::Write() const {
  if (mark_ == 0) return;
  const std::string text = absl::StrFormat("%s%019d\n", kTitle, mark_);
  // One short write in place: readers see the old number or the new one.
  [[maybe_unused]] const ssize_t written = ::pwrite(fd_, text.data(), text.size(), 0);
}

}  // namespace hongyan::storage
