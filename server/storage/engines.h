// Which engine storage.url names.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/engine.h"

namespace hongyan::storage {

// INVALID_ARGUMENT - no such kind of URL; FAILED_PRECONDITION - not ours, newer, locked, not to be
// opened; INTERNAL STORAGE_CORRUPT - damaged.
absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const std::string& url, EngineOptions options);
// Whether OpenEngine() would refuse this at sight. Changes nothing, and may be called while another
// process has it open.
absl::Status CheckUrl(const std::string& url);

}  // namespace hongyan::storage
