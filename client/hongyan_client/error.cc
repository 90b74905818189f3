#include "hongyan_client/error.h"

#include <google/protobuf/any.pb.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/support/status.h>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace hongyan::client {
namespace {

// Our own payloads, beside those of google.rpc.
constexpr char kRequestIdUrl[] = "hongyan.client/request-id";
constexpr char kNotConnectedUrl[] = "hongyan.client/not-connected";
constexpr char kPlaintextTokenUrl[] = "hongyan.client/plaintext-token";

absl::StatusCode CanonicalCode(int code) {
  // An OK with details makes no sense as an error; a code we don't know is UNKNOWN, as gRPC says.
  if (code <= 0 || code > 16) return absl::StatusCode::kUnknown;
  return static_cast<absl::StatusCode>(code);
}

void AddDetails(const google::rpc::Status& from, absl::Status& to) {
  for (const google::protobuf::Any& detail : from.details()) {
    to.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
}

template <typename Detail>
std::string BuildUrl() {
  return absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name());
}

template <typename Detail>
std::optional<Detail> ReadDetail(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(BuildUrl<Detail>());
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

}  // namespace

Error Describe(const absl::Status& status) {
  Error error;
  error.code = status.code();
  error.message = std::string(status.message());
  if (const auto info = ReadDetail<google::rpc::ErrorInfo>(status)) {
    error.reason = info->reason();
    error.domain = info->domain();
    error.metadata = {info->metadata().begin(), info->metadata().end()};
  }
  if (const auto bad = ReadDetail<google::rpc::BadRequest>(status)) {
    for (const auto& field : bad->field_violations()) {
      error.fields.push_back({field.field(), field.description()});
    }
  }
  if (const auto quota = ReadDetail<google::rpc::QuotaFailure>(status)) {
    for (const auto& one : quota->violations()) {
      error.quotas.push_back({one.subject(), one.description()});
    }
  }
  if (const auto retry = ReadDetail<google::rpc::RetryInfo>(status);
      retry.has_value() && retry->has_retry_delay()) {
    error.retry_delay = absl::Seconds(retry->retry_delay().seconds()) +
                        absl::Nanoseconds(retry->retry_delay().nanos());
  }
  if (const auto text = ReadDetail<google::rpc::LocalizedMessage>(status);
      text.has_value() && absl::StartsWithIgnoreCase(text->locale(), "zh")) {
    error.localized = text->message();
  }
  if (const auto id = status.GetPayload(kRequestIdUrl)) error.request_id = std::string(*id);
  error.not_connected = status.GetPayload(kNotConnectedUrl).has_value();
  error.plaintext_token = status.GetPayload(kPlaintextTokenUrl).has_value();
  return error;
}

SendOutcome GetOutcome(const Error& error) {
  if (error.not_connected) return SendOutcome::kNotSent;
  if (error.reason == "OUTCOME_UNKNOWN" || error.reason == "INTERNAL") return SendOutcome::kUnknown;
  if (!error.reason.empty()) return SendOutcome::kNotSent;
  switch (error.code) {
    // What a proxy, or the library below the service, answers instead of passing the call on.
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInvalidArgument:
      return SendOutcome::kNotSent;
    default:
      return SendOutcome::kUnknown;
  }
}

absl::Status StatusFromCall(const grpc::Status& status, const std::string& request_id) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(CanonicalCode(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    AddDetails(details, result);
  }
  if (!request_id.empty()) result.SetPayload(kRequestIdUrl, absl::Cord(request_id));
  return result;
}

absl::Status StatusFromDelivery(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  absl::Status result(CanonicalCode(status.code()), status.message());
  AddDetails(status, result);
  return result;
}

absl::Status NeverLeft(absl::Status status) {
  status.SetPayload(kNotConnectedUrl, absl::Cord("1"));
  return status;
}

absl::Status PlaintextToken(absl::Status status) {
  status.SetPayload(kPlaintextTokenUrl, absl::Cord("1"));
  return status;
}

absl::Status InChinese(absl::Status status, absl::string_view chinese) {
  google::rpc::LocalizedMessage text;
  text.set_locale("zh-CN");
  text.set_message(std::string(chinese));
  status.SetPayload(BuildUrl<google::rpc::LocalizedMessage>(),
                    absl::Cord(text.SerializeAsString()));
  return status;
}

absl::Status NotConnected(const std::string& target, const std::string& why) {
  return NeverLeft(absl::UnavailableError(absl::StrCat("no connection to ", target, ": ", why)));
}

}  // namespace hongyan::client
