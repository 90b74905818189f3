// Errors that callers can act on: an absl::Status whose payloads are the details of google.rpc.
//
// Contract: ErrorBuilder is the only maker of errors that leave the service. Each has an ErrorInfo
//           (reason, domain, metadata) and a zh-CN LocalizedMessage; BadRequest, RetryInfo and
//           QuotaFailure where they apply. The texts are bounded and hold no secret: no token, no
//           URL's query.
// Source:   google/rpc/error_details.proto; the reasons are those of
//           protos/hongyan/v1/errors.proto.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::base {

// hongyan.v1.ErrorReason without its prefix; a test holds the two lists against each other.
enum class Reason {
  kAccessTokenRejected,
  kWechatBusy,
  kThrottled,
  kQuotaExhausted,
  kResponseWindowClosed,
  kResponseAllowanceUsed,
  kNotSubscribed,
  kRecipientBlocked,
  kRecipientRefused,
  kRecipientUnreachable,
  kDuplicateMessage,
  kInvalidOpenid,
  kInvalidTemplateId,
  kInvalidTemplateValue,
  kInvalidRequest,
  kAccountConfig,
  kApiUnauthorized,
  kContentPolicy,
  kWechatError,
  kWechatUnreachable,
  kOutcomeUnknown,
  kDeadlineTooShort,
  kOverloaded,
  kIdempotencyKeyReused,
  kCredentialsMissing,
  kCredentialsInvalid,
  kScopeMissing,
  kStorageFull,
  kStorageUnavailable,
  kStorageCorrupt,
  kDeliveryNotFound,
  kSubscriberNotFound,
  kUnionidNotFound,
  kNotImplemented,
  kCancelled,
  kInternal,
  kShuttingDown,
  kCursorUnknown,
  kStreamAged,
};
inline constexpr Reason kLastReason = Reason::kStreamAged;

// The name as it stands in ErrorInfo.reason, for example "WECHAT_BUSY".
absl::string_view ReasonName(Reason reason);

inline constexpr char kDomainHongyan[] = "hongyan";
inline constexpr char kDomainWechat[] = "weixin.qq.com";
inline constexpr std::size_t kMaxErrorText = 512;  // bytes of a message or of one metadata value

class ErrorBuilder {
 public:
  // `message`: one sentence for people that says what happened and what to do.
  ErrorBuilder(absl::StatusCode code, Reason reason, absl::string_view message);

  // WeChat said so; the domain is weixin.qq.com.
  ErrorBuilder& SaidByWechat();
  // Adds to ErrorInfo.metadata; an empty value adds nothing.
  ErrorBuilder& With(absl::string_view key, absl::string_view value);
  // Adds a field violation; `field` is the proto path, for example "template.data.thing1".
  ErrorBuilder& Field(absl::string_view field, absl::string_view description);
  ErrorBuilder& RetryAfter(absl::Duration delay);
  ErrorBuilder& Quota(absl::string_view subject, absl::string_view description);
  // The sentence in Chinese. Without it the English one stands in.
  ErrorBuilder& Chinese(absl::string_view text);

  absl::Status Build() const;
  operator absl::Status() const {
    return Build();
  }  // NOLINT: `return ErrorBuilder(...).With(...)` reads well

 private:
  absl::StatusCode code_;
  Reason reason_;
  bool said_by_wechat_ = false;
  std::string message_;
  std::string chinese_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::vector<std::pair<std::string, std::string>> quotas_;
  std::optional<absl::Duration> retry_after_;
};

// INVALID_ARGUMENT, INVALID_REQUEST (or a finer reason) for one field of the request.
absl::Status InvalidField(absl::string_view field, absl::string_view problem,
                          absl::string_view chinese, Reason reason = Reason::kInvalidRequest);

// For checks of several fields: `first` with the field violations of `second` behind its own; the
// one that isn't OK where the other is.
absl::Status Joined(absl::Status first, const absl::Status& second);

// The reason's name in an error of ours; empty when it has none.
std::string GetReason(const absl::Status& status);
bool Has(const absl::Status& status, Reason reason);

// ErrorInfo.metadata[key] of an error of ours; empty when it has none.
std::string GetMetadata(const absl::Status& status, absl::string_view key);

// RetryInfo's delay where the error has one.
std::optional<absl::Duration> GetRetryDelay(const absl::Status& status);

// The same error under another code.
absl::Status WithCode(const absl::Status& status, absl::StatusCode code);

// The same error with one more entry in ErrorInfo.metadata (kept when already there).
absl::Status Annotate(absl::Status status, absl::string_view key, absl::string_view value);

// The same error with `prefix` before the field of every violation: "notifications[3]." + "openid".
absl::Status PrefixFields(absl::Status status, absl::string_view prefix);

// The same error without `prefix` before the field of every violation: "text.content" → "content".
absl::Status StripFieldPrefix(absl::Status status, absl::string_view prefix);

// google.rpc.Status, serialized, as it stands in grpc-status-details-bin. Empty for OK.
std::string SerializeRpcStatus(const absl::Status& status);

}  // namespace hongyan::base
