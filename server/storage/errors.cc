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

absl::Status CursorUnknown(std::int64_t cursor, std::int64_t last) {
  return ErrorBuilder(
             absl::StatusCode::kOutOfRange, Reason::kCursorUnknown,
             absl::StrCat("after_cursor: this storage never gave out ", cursor, ", its last is ",
                          last,
                          "; perhaps it was put back from a backup, and later events are lost. "
                          "Begin again with 0 (all that is kept); a watch may also begin without "
                          "it (from now on)"))
      .With("last_cursor", absl::StrCat(last))
      .Field("after_cursor", "was never given out")
      .Chinese(
          absl::StrCat("after_cursor：存储从未给出过 ", cursor, "，最后一个是 ", last,
                       "；可能是从备份恢复过，之后的事件已丢失。请从 0（保留的全部事件）重新开始；"
                       "WatchEvents 也可以不带它（从此刻起）"));
}

absl::Status ReadTooSlow() {
  return base::ErrorBuilder(
             absl::StatusCode::kDeadlineExceeded, base::Reason::kStorageUnavailable,
             "storage.url: too slow, time ran out; nothing was read, allow more time")
      .Chinese("存储响应超时，没有读取到内容，请留出更多时间");
}

absl::Status Broken(const std::string& detail) {
  return ErrorBuilder(absl::StatusCode::kInternal, Reason::kInternal,
                      absl::StrCat("storage: ", detail))
      .Chinese("内部错误");
}

}  // namespace hongyan::storage
