#include "server/storage/sqlite/database_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/log.h"
#include "server/storage/errors.h"
#include "server/storage/sqlite/sqlite.h"

namespace hongyan::storage::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr char kWal[] = "-wal";
constexpr char kIndex[] = "-shm";
constexpr char kLock[] = "-lock";
constexpr int kMaxLinks = 40;  // as the kernel has it
constexpr std::size_t kMaxStamps = 8;

bool Same(const FileView& a, const FileView& b) {
  if (!a.found() || !b.found()) return a.error == b.error;
  return a.id == b.id && a.size == b.size && a.modified_ns == b.modified_ns;
}

bool LeadsTo(const std::string& path, const FileId& id) {
  const FileView view = ViewPath(path);
  return view.found() && view.id == id;
}

std::string AsideName(const std::string& name) {
  return absl::StrCat(name, ".set-aside-", absl::ToUnixMicros(absl::Now()));
}

}  // namespace

std::string ResolvePath(const std::string& path) {
  std::error_code error;
  fs::path here = fs::absolute(path, error);
  for (int links = 0; links < kMaxLinks && fs::is_symlink(fs::symlink_status(here, error));
       ++links) {
    const fs::path target = fs::read_symlink(here, error);
    if (error) break;
    here = target.is_absolute() ? target : here.parent_path() / target;
  }
  const fs::path folder = fs::weakly_canonical(here.parent_path(), error);
  if (error) return here.lexically_normal().string();
  return (folder / here.filename()).string();
}

absl::StatusOr<std::unique_ptr<DatabaseFile>> DatabaseFile::Take(const std::string& path,
                                                                 int looks) {
  auto file = absl::WrapUnique(new DatabaseFile(path, looks));
  file->path_ = ResolvePath(path);
  // Looked at twice: a folder that is none of our business gets no lock file either.
  absl::StatusOr<FileState> state = Inspect(file->path_);
  if (!state.ok()) return state.status();
  absl::StatusOr<std::unique_ptr<LockFile>> lock = LockFile::Take(file->path_ + kLock);
  if (!lock.ok()) return lock.status();
  file->lock_ = *std::move(lock);
  state = Inspect(file->path_);
  if (!state.ok()) return state.status();
  if (*state == FileState::kEmpty && file->lock_->mark().events > 0) {
    return Corrupt(
        absl::StrCat(file->path_, " is empty, though it has held ", file->lock_->mark().events,
                     " events; nothing was changed. Put a backup in its place, or remove it "
                     "to begin anew"));
  }
  const absl::Status locked = file->LockInode(*state == FileState::kAbsent);
  if (!locked.ok()) return locked;
  return file;
}

DatabaseFile::~DatabaseFile() {
  if (fd_ >= 0) ::close(fd_);
}

// Changes nothing unless it succeeds.
absl::Status DatabaseFile::LockInode(bool create) {
  // Overwritten in place it is the same one.
  if (fd_ >= 0 && LeadsTo(path_, id_)) {
    TakeAsNew(create);
    return absl::OkStatus();
  }
  const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
  if (fd < 0) {
    return Refused(absl::StrCat(path_, " can't be opened: ", std::strerror(errno)));
  }
  absl::Status status;
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    status = Refused(errno == EWOULDBLOCK
                         ? absl::StrCat("another process holds ", path_,
                                        ", under this name or another one; each hongyand needs a "
                                        "storage of its own")
                         : absl::StrCat(path_, " can't be locked: ", std::strerror(errno)));
  }
  const FileView held = ViewDescriptor(fd);
  if (status.ok() && (!held.found() || held.links != 1 || !LeadsTo(path_, held.id) ||
                      !LeadsTo(configured_, held.id))) {
    status = Refused(absl::StrCat(path_, " was moved, or got a second name, while it was opened"));
  }
  if (!status.ok()) {
    ::close(fd);
    return status;
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  id_ = held.id;
  TakeAsNew(create);
  return absl::OkStatus();
}

void DatabaseFile::TakeAsNew(bool made_here) {
  ForgetCompanions();
  stamps_.clear();
  made_here_ = made_here;
  candidate_.reset();
  found_nothing_ = 0;
}

absl::Status DatabaseFile::NoteCompanions(std::int32_t stamp) {
  const FileView wal = ViewPath(path_ + kWal);
  const FileView index = ViewPath(path_ + kIndex);
  if (!wal.found() || !index.found()) {
    return Unavailable(absl::StrCat(path_, " was opened, but its WAL can't be found beside it"));
  }
  wal_ = wal.id;
  index_ = index.id;
  made_here_ = false;
  stamps_ = {stamp};
  // A new file's first page may be in the WAL alone.
  if (const auto in_file = ReadStamp(fd_)) stamps_.push_back(*in_file);
  return absl::OkStatus();
}

void DatabaseFile::ExpectStamp(std::int32_t stamp) {
  // Checkpoints that fail, again and again, leave theirs behind; the one in the file stays.
  if (stamps_.size() >= kMaxStamps) {
    const auto in_file = ReadStamp(fd_);
    stamps_.erase(in_file == stamps_.front() ? stamps_.begin() + 1 : stamps_.begin());
  }
  stamps_.push_back(stamp);
}

void DatabaseFile::NoteCheckpoint(bool whole) {
  const std::int32_t newest = stamps_.back();
  const auto in_file = ReadStamp(fd_);
  if (whole) {
    stamps_ = {newest};
  } else if (in_file && !Overwritten()) {
    stamps_ = {*in_file, newest};
  }
}

bool DatabaseFile::Overwritten() const {
  if (stamps_.empty()) return false;
  const auto in_file = ReadStamp(fd_);
  return !in_file || std::find(stamps_.begin(), stamps_.end(), *in_file) == stamps_.end();
}

absl::Status DatabaseFile::Verify() const {
  const FileView found = ViewPath(configured_);
  if (found.gone()) {
    return Unavailable(absl::StrCat(path_, " is gone; it was moved or removed while in use"));
  }
  if (!found.found()) {
    return Unavailable(absl::StrCat(path_, " can't be looked at: ", std::strerror(found.error)));
  }
  if (found.id != id_) {
    return Unavailable(absl::StrCat(path_, " is another file now; it was replaced while in use"));
  }
  if (Overwritten()) {
    return Unavailable(absl::StrCat(path_, " was overwritten while in use"));
  }
  for (const auto& [suffix, id] : {std::pair(kWal, wal_), std::pair(kIndex, index_)}) {
    if (id && !LeadsTo(path_ + suffix, *id)) {
      return Unavailable(
          absl::StrCat(path_, suffix, " was moved, removed or replaced while in use"));
    }
  }
  return absl::OkStatus();
}

void DatabaseFile::ForgetCompanions() {
  wal_.reset();
  index_.reset();
}

bool DatabaseFile::HasName() const {
  const FileView held = ViewDescriptor(fd_);
  return held.found() && held.links > 0;
}

bool DatabaseFile::WalInPlace() const { return !wal_ || LeadsTo(path_ + kWal, *wal_); }

void DatabaseFile::KeepLockFile() {
  if (lock_->InPlace()) {
    lock_file_failed_ = false;
    return;
  }
  const absl::Status made = lock_->Renew(path_ + kLock);
  if (made.ok()) {
    base::Log(base::Level::kWarn, "storage lock file was removed; made again",
              {{"file", path_ + kLock}});
  } else if (!lock_file_failed_) {
    base::Log(base::Level::kError, "storage lock file was removed and can't be made again",
              {{"file", path_ + kLock}, {"error", made.message()}});
  }
  lock_file_failed_ = !made.ok();
}

std::string DatabaseFile::Whereabouts() const {
  std::error_code error;
  return fs::read_symlink(absl::StrCat("/proc/self/fd/", fd_), error).string();
}

void DatabaseFile::SaveForeignWal() {
  const std::string wal = path_ + kWal;
  const FileView found = ViewPath(wal);
  // Beside another file it may belong there.
  if (!LeadsTo(configured_, id_)) return;
  if (!wal_ || !found.found() || found.size == 0 || found.id == *wal_) return;
  const std::string aside = AsideName(wal);
  const bool saved = std::rename(wal.c_str(), aside.c_str()) == 0;
  base::Log(
      base::Level::kError, "another WAL stood beside the storage",
      {{"file", wal}, {saved ? "renamed_to" : "error", saved ? aside : std::strerror(errno)}});
}

void DatabaseFile::RemoveOldCompanions() {
  // A link that leads elsewhere now has left the file and its WAL where they were.
  if (LeadsTo(path_, id_) && !Overwritten()) return;
  const std::string wal = path_ + kWal;
  if (const FileView found = ViewPath(wal); wal_ && found.found() && found.id == *wal_) {
    // Nothing is in it once everything was brought into the file it belongs to.
    const std::string aside = AsideName(wal);
    if (found.size == 0) {
      ::unlink(wal.c_str());
    } else if (std::rename(wal.c_str(), aside.c_str()) == 0) {
      base::Log(base::Level::kError, "the WAL of a storage file that is gone was set aside",
                {{"file", wal}, {"renamed_to", aside}});
    }
  }
  const std::string index = path_ + kIndex;
  if (index_ && LeadsTo(index, *index_)) ::unlink(index.c_str());
}

void DatabaseFile::LeaveNoOldCompanions(bool whole) {
  const FileView found = ViewPath(configured_);
  const bool replaced = found.found() && found.id != id_;
  if (whole || replaced || !HasName()) RemoveOldCompanions();
}

absl::Status DatabaseFile::FindAgain() {
  const FileView found = ViewPath(configured_);
  if (found.found() && found.id == id_ && !Overwritten()) return FindSame();
  // Who moved it may move it back, and what came into a new one meanwhile would be lost.
  if (found.gone() && HasName()) {
    candidate_.reset();
    found_nothing_ = 0;
    return Unavailable(absl::StrCat(path_, " is gone; it is at ", Whereabouts(),
                                    " now. Put it back, or start again to begin a new storage"));
  }
  // Whoever copies a file here begins with an empty one.
  if (found.gone() || (found.found() && found.size == 0)) {
    candidate_.reset();
    if (++found_nothing_ >= looks_) return BeginAnew();
    return Unavailable(absl::StrCat(
        path_, found.gone() ? " is gone" : " is an empty file now",
        "; put it back, or a backup in its place. If nothing comes, a new storage is begun soon"));
  }
  found_nothing_ = 0;
  if (!found.found()) {
    return Unavailable(absl::StrCat(path_, " can't be looked at: ", std::strerror(found.error)));
  }
  return FindOther(found);
}

absl::Status DatabaseFile::FindSame() {
  found_nothing_ = 0;
  candidate_.reset();
  // The folder may have another name now.
  const std::string path = ResolvePath(configured_);
  const absl::StatusOr<FileState> state = Inspect(path);
  if (!state.ok()) return state.status();
  if (*state != FileState::kOurs && !made_here_) {
    return Unavailable(absl::StrCat(path, " was emptied while in use; put a backup in its place"));
  }
  const absl::Status held = lock_->Renew(path + kLock);
  if (!held.ok()) return held;
  path_ = path;
  SaveForeignWal();
  ForgetCompanions();
  return absl::OkStatus();
}

absl::Status DatabaseFile::FindOther(const FileView& found) {
  const std::string path = ResolvePath(configured_);
  const Candidate now{found, ViewPath(path + kWal)};
  const bool settled =
      candidate_ && Same(candidate_->file, now.file) && Same(candidate_->wal, now.wal);
  candidate_ = now;
  if (!settled) {
    return Unavailable(absl::StrCat(
        path, " has other contents now; they are used once they are seen unchanged twice"));
  }
  RemoveOldCompanions();
  const absl::StatusOr<FileState> state = Inspect(path);
  if (!state.ok()) return state.status();
  const absl::Status held = lock_->Renew(path + kLock);
  if (!held.ok()) return held;
  const std::string before = Whereabouts();
  path_ = path;
  const absl::Status locked = LockInode(/*create=*/false);
  if (!locked.ok()) return locked;
  base::Log(base::Level::kError, "storage goes on with another file",
            {{"file", path_}, {"before", before}});
  return absl::OkStatus();
}

absl::Status DatabaseFile::BeginAnew() {
  const std::string path = ResolvePath(configured_);
  RemoveOldCompanions();
  const absl::StatusOr<FileState> state = Inspect(path);
  if (!state.ok()) return state.status();
  if (*state == FileState::kOurs) return Unavailable(absl::StrCat(path, " is back"));
  const absl::Status held = lock_->Renew(path + kLock);
  if (!held.ok()) return held;
  const std::string before = Whereabouts();
  path_ = path;
  const absl::Status locked = LockInode(/*create=*/true);
  if (!locked.ok()) return locked;
  base::Log(base::Level::kError,
            "storage file is gone; a new one is begun, without the events and followers of the old",
            {{"file", path_}, {"before", before}});
  return absl::OkStatus();
}

}  // namespace hongyan::storage::sqlite
