#include "server/storage/sqlite/lock_file.h"

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
#include "server/storage/sqlite/file_view.h"

namespace hongyan::storage::sqlite {
namespace {

// 16 bytes, then two lines of 19 digits: the greatest cursor, and how many events have got one. Up
// to schema 4 there was the first line only, since cursors were 1, 2, 3 …
constexpr char kTitle[] = "hongyan storage\n";
constexpr std::size_t kTitleSize = sizeof(kTitle) - 1;
constexpr std::size_t kDigits = 19;
constexpr std::size_t kLine = kDigits + 1;
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
  char text[kTitleSize + 2 * kLine];
  const ssize_t got = ::pread(fd_, text, sizeof(text), 0);
  if (got < static_cast<ssize_t>(kTitleSize + kDigits)) return;
  if (std::memcmp(text, kTitle, kTitleSize) != 0) return;
  EventMark mark;
  if (!absl::SimpleAtoi(absl::string_view(text + kTitleSize, kDigits), &mark.cursor)) return;
  const bool counted =
      got == static_cast<ssize_t>(sizeof(text)) &&
      absl::SimpleAtoi(absl::string_view(text + kTitleSize + kLine, kDigits), &mark.events);
  if (!counted) mark.events = mark.cursor;
  if (mark.cursor > mark_.cursor) mark_ = mark;
}

void LockFile::Advance(const EventMark& mark) {
  if (mark.cursor <= mark_.cursor) return;
  mark_ = mark;
  Write();
}

void LockFile::Write() const {
  if (mark_.cursor == 0) return;
  const std::string text = absl::StrFormat("%s%019d\n%019d\n", kTitle, mark_.cursor, mark_.events);
  // One short write in place: readers see the old numbers or the new ones.
  [[maybe_unused]] const ssize_t written = ::pwrite(fd_, text.data(), text.size(), 0);
}

}  // namespace hongyan::storage::sqlite
