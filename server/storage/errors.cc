#include "server/storage/errors.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/status.h"

namespace hongyan::storage {

using base::ErrorBuilder;
using base::Reason;

absl::Status Full(const std::string& detail) {
  return ErrorBuilder(
             absl::StatusCode::kResourceExhausted, Reason::kStorageFull,
             absl::StrCat("storage.url: no room left, nothing was stored; free some disk space (",
                          detail, ")"))
      .RetryAfter(absl::Seconds(5))
      .Chinese("存储空间已满，未能写入；请释放磁盘空间");
}

absl::Status Unavailable(const std::string& detail) {
  return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kStorageUnavailable,
                      absl::StrCat("storage.url: ", detail))
      .RetryAfter(absl::Seconds(1))
      .Chinese("存储暂时不可用，请稍后重试");
}

absl::Status Corrupt(const std::string& detail) {
  return ErrorBuilder(absl::StatusCode::kInternal, Reason::kStorageCorrupt,
                      absl::StrCat("storage.url: damaged: ", detail))
      .Chinese("存储文件已损坏");
}

absl::Status Refused(const std::string& detail) {
  return ErrorBuilder(absl::StatusCode::kFailedPrecondition, Reason::kStorageUnavailable,
                      absl::StrCat("storage.url: ", detail))
      .Chinese("storage.url 所指的存储不可用");
}

absl::Status Broken(const std::string& detail) {
  return ErrorBuilder(absl::StatusCode::kInternal, Reason::kInternal,
                      absl::StrCat("storage: ", detail))
      .Chinese("内部错误");
}

}  // namespace hongyan::storage
