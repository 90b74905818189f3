// What a name on the disk leads to right now.
//
// Contract: links are followed. Two views with the same id are the same file as long as somebody
//           holds it open.
// Threads:  any.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace hongyan::storage::sqlite {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileId& a, const FileId& b) {
    return a.device == b.device && a.inode == b.inode;
  }
  friend bool operator!=(const FileId& a, const FileId& b) { return !(a == b); }
};

struct FileView {
  int error = 0;  // errno; the rest counts only when it is 0
  FileId id;
  std::uint64_t links = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;

  bool found() const { return error == 0; }
  // The name leads nowhere, as opposed to somewhere that can't be looked at.
  bool gone() const { return error == ENOENT || error == ENOTDIR; }
};

inline FileView ToView(int failed, const struct stat& info) {
  FileView view;
  view.error = failed == 0 ? 0 : errno;
  view.id = {info.st_dev, info.st_ino};
  view.links = static_cast<std::uint64_t>(info.st_nlink);
  view.size = static_cast<std::int64_t>(info.st_size);
  view.modified_ns =
      static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000000000 + info.st_mtim.tv_nsec;
  return view;
}

inline FileView ViewPath(const std::string& path) {
  struct stat info {};
  const int failed = ::stat(path.c_str(), &info);
  return ToView(failed, info);
}

inline FileView ViewDescriptor(int fd) {
  struct stat info {};
  const int failed = ::fstat(fd, &info);
  return ToView(failed, info);
}

}  // namespace hongyan::storage::sqlite
