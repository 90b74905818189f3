// Writes to standard output and standard error, which may lead to a pipe that nobody reads any
// more.
//
// Contract: WriteWithin() writes `text` and waits for room `limit` long in all, not for each part
//           of it. The descriptor keeps its flags, since other processes may share it.
// Errors:   the number of bytes written; fewer than all when the time was up, the reader is gone or
//           the disk is full.
// Threads:  any. Where another process fills the same pipe in the same moment a write may wait for
//           its reader after all.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::base {

std::size_t WriteWithin(int descriptor, absl::string_view text, absl::Duration limit);

}  // namespace hongyan::base
