// What can go wrong with the storage, in the words of errors.proto.
//
// Contract: full is RESOURCE_EXHAUSTED STORAGE_FULL, out of reach is UNAVAILABLE
//           STORAGE_UNAVAILABLE, damaged is INTERNAL STORAGE_CORRUPT. Every message names
//           `storage.url`, for that is the key to look at.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace hongyan::storage {

absl::Status Full(const std::string& detail);
absl::Status Unavailable(const std::string& detail);
absl::Status Corrupt(const std::string& detail);
// The configuration names a storage that we must not or can't use: FAILED_PRECONDITION. `detail`
// says what to do.
absl::Status Refused(const std::string& detail);
// DEADLINE_EXCEEDED STORAGE_UNAVAILABLE: a read took longer than its caller waits.
absl::Status ReadTooSlow();
// A mistake of our own: a statement the database doesn't take, a value over its bound.
absl::Status Broken(const std::string& detail);
// OUT_OF_RANGE CURSOR_UNKNOWN: nobody was ever given `cursor`; `last` is the greatest that was.
absl::Status CursorUnknown(std::int64_t cursor, std::int64_t last);

}  // namespace hongyan::storage
