#include "server/base/status.h"

#include <google/protobuf/any.pb.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <array>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/text.h"

namespace hongyan::base {
namespace {

constexpr std::array<const char*, static_cast<std::size_t>(kLastReason) + 1> kReasonNames = {
    "ACCESS_TOKEN_REJECTED",
    "WECHAT_BUSY",
    "THROTTLED",
    "QUOTA_EXHAUSTED",
    "RESPONSE_WINDOW_CLOSED",
    "RESPONSE_ALLOWANCE_USED",
    "NOT_SUBSCRIBED",
    "RECIPIENT_BLOCKED",
    "RECIPIENT_REFUSED",
    "RECIPIENT_UNREACHABLE",
    "DUPLICATE_MESSAGE",
    "INVALID_OPENID",
    "INVALID_TEMPLATE_ID",
    "INVALID_TEMPLATE_VALUE",
    "INVALID_REQUEST",
    "ACCOUNT_CONFIG",
    "API_UNAUTHORIZED",
    "CONTENT_POLICY",
    "WECHAT_ERROR",
    "WECHAT_UNREACHABLE",
    "OUTCOME_UNKNOWN",
    "DEADLINE_TOO_SHORT",
    "OVERLOADED",
    "IDEMPOTENCY_KEY_REUSED",
    "CREDENTIALS_MISSING",
    "CREDENTIALS_INVALID",
    "SCOPE_MISSING",
    "STORAGE_FULL",
    "STORAGE_UNAVAILABLE",
    "STORAGE_CORRUPT",
    "DELIVERY_NOT_FOUND",
    "SUBSCRIBER_NOT_FOUND",
    "UNIONID_NOT_FOUND",
    "NOT_IMPLEMENTED",
    "CANCELLED",
    "INTERNAL",
    "SHUTTING_DOWN",
    "CURSOR_UNKNOWN",
    "STREAM_AGED",
};

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";

template <typename Detail>
std::string BuildUrl() {
  return absl::StrCat(std::string(kTypePrefix), Detail::descriptor()->full_name());
}

template <typename Detail>
void SetDetail(absl::Status& status, const Detail& detail) {
  status.SetPayload(BuildUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
std::optional<Detail> GetDetail(const absl::Status& status) {
  const auto payload = status.GetPayload(BuildUrl<Detail>());
  Detail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

std::string Bounded(absl::string_view text) { return ToUtf8(Truncate(text, kMaxErrorText)); }

}  // namespace

absl::string_view ReasonName(Reason reason) {
  return kReasonNames[static_cast<std::size_t>(reason)];
}

ErrorBuilder::ErrorBuilder(absl::StatusCode code, Reason reason, absl::string_view message)
    : code_(code), reason_(reason), message_(Bounded(message)) {}

ErrorBuilder& ErrorBuilder::SaidByWechat() {
  said_by_wechat_ = true;
  return *this;
}

ErrorBuilder& ErrorBuilder::With(absl::string_view key, absl::string_view value) {
  if (!value.empty()) metadata_.emplace_back(std::string(key), Bounded(value));
  return *this;
}

ErrorBuilder& ErrorBuilder::Field(absl::string_view field, absl::string_view description) {
  fields_.emplace_back(Bounded(field), Bounded(description));
  return *this;
}

ErrorBuilder& ErrorBuilder::RetryAfter(absl::Duration delay) {
  retry_after_ = delay;
  return *this;
}

ErrorBuilder& ErrorBuilder::Quota(absl::string_view subject, absl::string_view description) {
  quotas_.emplace_back(Bounded(subject), Bounded(description));
  return *this;
}

ErrorBuilder& ErrorBuilder::Chinese(absl::string_view text) {
  chinese_ = Bounded(text);
  return *this;
}

absl::Status ErrorBuilder::Build() const {
  absl::Status status(code_, message_);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ReasonName(reason_)));
  info.set_domain(said_by_wechat_ ? kDomainWechat : kDomainHongyan);
  for (const auto& [key, value] : metadata_) (*info.mutable_metadata())[key] = value;
  SetDetail(status, info);

  google::rpc::LocalizedMessage localized;
  localized.set_locale("zh-CN");
  localized.set_message(chinese_.empty() ? message_ : chinese_);
  SetDetail(status, localized);

  if (!fields_.empty()) {
    google::rpc::BadRequest bad;
    for (const auto& [field, description] : fields_) {
      auto* violation = bad.add_field_violations();
      violation->set_field(field);
      violation->set_description(description);
    }
    SetDetail(status, bad);
  }
  if (retry_after_) {
    google::rpc::RetryInfo retry;
    const absl::Duration delay = *retry_after_;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(delay));
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int>(absl::ToInt64Nanoseconds(delay - absl::Floor(delay, absl::Seconds(1)))));
    SetDetail(status, retry);
  }
  if (!quotas_.empty()) {
    google::rpc::QuotaFailure quota;
    for (const auto& [subject, description] : quotas_) {
      auto* violation = quota.add_violations();
      violation->set_subject(subject);
      violation->set_description(description);
    }
    SetDetail(status, quota);
  }
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view problem,
                          absl::string_view chinese, Reason reason) {
  return ErrorBuilder(absl::StatusCode::kInvalidArgument, reason,
                      absl::StrCat(field, ": ", problem))
      .Field(field, problem)
      .Chinese(absl::StrCat(field, "：", chinese));
}

absl::Status Joined(absl::Status first, const absl::Status& second) {
  if (first.ok()) return second;
  const auto more = GetDetail<google::rpc::BadRequest>(second);
  auto bad = GetDetail<google::rpc::BadRequest>(first);
  if (!more || !bad) return first;
  bad->mutable_field_violations()->MergeFrom(more->field_violations());
  SetDetail(first, *bad);
  return first;
}

std::string GetReason(const absl::Status& status) {
  const auto info = GetDetail<google::rpc::ErrorInfo>(status);
  return info ? info->reason() : "";
}

bool Has(const absl::Status& status, Reason reason) {
  return !status.ok() && GetReason(status) == ReasonName(reason);
}

std::string GetMetadata(const absl::Status& status, absl::string_view key) {
  const auto info = GetDetail<google::rpc::ErrorInfo>(status);
  if (!info) return "";
  const auto it = info->metadata().find(std::string(key));
  return it == info->metadata().end() ? "" : it->second;
}

std::optional<absl::Duration> GetRetryDelay(const absl::Status& status) {
  const auto retry = GetDetail<google::rpc::RetryInfo>(status);
  if (!retry) return std::nullopt;
  return absl::Seconds(retry->retry_delay().seconds()) +
         absl::Nanoseconds(retry->retry_delay().nanos());
}

absl::Status WithCode(const absl::Status& status, absl::StatusCode code) {
  absl::Status other(code, status.message());
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { other.SetPayload(url, payload); });
  return other;
}

absl::Status Annotate(absl::Status status, absl::string_view key, absl::string_view value) {
  if (status.ok() || value.empty()) return status;
  auto info = GetDetail<google::rpc::ErrorInfo>(status);
  if (!info) return status;
  info->mutable_metadata()->insert({std::string(key), Bounded(value)});
  SetDetail(status, *info);
  return status;
}

namespace {

// `status` with every field violation's name, and the name at the head of the message, put through
// `rename`.
template <typename Rename>
absl::Status RenameFields(const absl::Status& status, const Rename& rename) {
  auto bad = GetDetail<google::rpc::BadRequest>(status);
  if (!bad) return status;
  absl::Status renamed(status.code(), Bounded(rename(status.message())));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { renamed.SetPayload(url, payload); });
  for (auto& violation : *bad->mutable_field_violations()) {
    violation.set_field(rename(violation.field()));
  }
  SetDetail(renamed, *bad);
  auto localized = GetDetail<google::rpc::LocalizedMessage>(status);
  if (localized) {
    localized->set_message(Bounded(rename(localized->message())));
    SetDetail(renamed, *localized);
  }
  return renamed;
}

}  // namespace

absl::Status PrefixFields(absl::Status status, absl::string_view prefix) {
  return RenameFields(status,
                      [prefix](absl::string_view name) { return absl::StrCat(prefix, name); });
}

absl::Status StripFieldPrefix(absl::Status status, absl::string_view prefix) {
  return RenameFields(status, [prefix](absl::string_view name) {
    return std::string(absl::StripPrefix(name, prefix));
  });
}

std::string SerializeRpcStatus(const absl::Status& status) {
  if (status.ok()) return "";
  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    auto* any = rpc.add_details();
    any->set_type_url(std::string(url));
    any->set_value(std::string(payload));
  });
  // Abseil hands them out in any order. Readers often take the first one for the ErrorInfo.
  const std::string first = BuildUrl<google::rpc::ErrorInfo>();
  std::sort(rpc.mutable_details()->begin(), rpc.mutable_details()->end(),
            [&](const auto& a, const auto& b) {
              return std::make_pair(a.type_url() != first, a.type_url()) <
                     std::make_pair(b.type_url() != first, b.type_url());
            });
  return rpc.SerializeAsString();
}

}  // namespace hongyan::base
