// The errors that calls end with whatever they ask for.
//
// Threads:  any; pure.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hongyan::api {

// RESOURCE_EXHAUSTED OVERLOADED with RetryInfo.
absl::Status Overloaded(absl::string_view what, absl::string_view chinese);
absl::Status TooManyInFlight();
// UNAVAILABLE SHUTTING_DOWN: the server's stop ended the call, or kept it from beginning.
absl::Status ShuttingDown();
// RESOURCE_EXHAUSTED OVERLOADED: the reader of a stream took nothing for too long. It can go on
// where it stopped.
absl::Status ReaderTooSlow();
// UNAVAILABLE STREAM_AGED: the stream has reached its greatest age. It can be taken up where it
// stopped.
absl::Status StreamAged();
// CANCELLED.
absl::Status CallerGone();
// INTERNAL, for an exception.
absl::Status InternalError();
// UNIMPLEMENTED NOT_IMPLEMENTED, with the way that works today.
absl::Status NotImplemented(absl::string_view what, absl::string_view chinese);

}  // namespace hongyan::api
