#include "server/storage/write_health.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/storage/errors.h"

namespace hongyan::storage {

bool IsFailure(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kCancelled:
      return false;
    default:
      return true;
  }
}

void WriteHealth::Run::Good() {
  bad = 0;
  if (++good >= kRuns) ill = false;
}

void WriteHealth::Run::Bad(std::string what, Time now) {
  if (bad > 0 && now - last_bad > kForget) {
    bad = 0;
    ill = false;
  }
  good = 0;
  last_bad = now;
  problem = std::move(what);
  if (++bad >= kRuns) ill = true;
}

void WriteHealth::NoteSuccess(const void* kind) {
  if (const auto found = kinds_.find(kind); found != kinds_.end()) found->second.Good();
}

void WriteHealth::NoteFailure(const void* kind, const absl::Status& status, Time now) {
  kinds_[kind].Bad(std::string(status.message()), now);
}

void WriteHealth::NoteLate(bool late, Time now) {
  if (late) {
    slow_.Bad("the disk is slow; writes take longer than their callers wait", now);
  } else {
    slow_.Good();
  }
}

absl::Status WriteHealth::Verdict(Time now) const {
  for (const auto& [kind, run] : kinds_) {
    if (run.IllAt(now)) return Unavailable(absl::StrCat("writes keep failing: ", run.problem));
  }
  return slow_.IllAt(now) ? Unavailable(slow_.problem) : absl::OkStatus();
}

}  // namespace hongyan::storage
