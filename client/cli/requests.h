// Arguments and lines of a batch file → requests of the API.
//
// Contract: what the service would refuse for its form alone is refused here already, so that a
//           typing mistake costs no call: recipients, sizes, UTF-8, KEY=VALUE. Whatever needs an
//           account's knowledge is left to the service.
// Errors:   INVALID_ARGUMENT with a sentence for the person who typed, see problem.h.
// Threads:  plain functions, any thread.
// Source:   the limits are those of protos/hongyan/v1/.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/command_line.h"
#include "hongyan/v1/event.pb.h"
#include "hongyan/v1/notify.pb.h"
#include "hongyan/v1/subscriber.pb.h"

namespace hongyan::cli {

inline constexpr std::size_t kMaxOpenidBytes = 128;
inline constexpr std::size_t kMaxContentBytes = 2048;
inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

absl::Status CheckOpenid(const std::string& openid);

absl::StatusOr<v1::SendTextRequest> ToRequest(const GlobalArgs& global, const SendTextArgs& args);
absl::StatusOr<v1::SendTemplateRequest> ToRequest(const GlobalArgs& global,
                                                  const SendTemplateArgs& args);
absl::StatusOr<v1::GetUserInfoRequest> ToRequest(const GlobalArgs& global, const UserGetArgs& args);
absl::StatusOr<v1::GetSubscriberRequest> ToRequest(const GlobalArgs& global,
                                                   const SubscriberGetArgs& args);
// Without page_size and page_token.
absl::StatusOr<v1::ListSubscribersRequest> ToRequest(const GlobalArgs& global,
                                                     const SubscriberListArgs& args, absl::Time now,
                                                     absl::TimeZone zone);
// Without page_size.
absl::StatusOr<v1::ListEventsRequest> ToRequest(const GlobalArgs& global,
                                                const EventListArgs& args);
absl::StatusOr<v1::WatchEventsRequest> ToRequest(const GlobalArgs& global,
                                                 const EventWatchArgs& args);

// RFC 3339, a date with or without a time of `zone`, or a duration before `now`.
absl::StatusOr<absl::Time> ParseMoment(const std::string& text, absl::Time now,
                                       absl::TimeZone zone);

// One line of a batch file: proto3 JSON, fields in either spelling. `account` fills in where the
// line has none.
absl::StatusOr<v1::Notification> ParseNotification(absl::string_view line,
                                                   const std::string& account);

}  // namespace hongyan::cli
