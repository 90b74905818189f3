// What went wrong with a call, in a form to decide by and to show.
//
// Contract: the client's calls fail with an absl::Status whose payloads are the details that the
//           service sent (google.rpc.ErrorInfo, BadRequest …). Describe() reads them into plain
//           fields. Decide by `code` and `reason`; `message` and `localized` are for people, come
//           from outside and may hold any character.
// Errors:   none; details that can't be read are left out.
// Threads:  plain functions on values, any thread.
// Source:   protos/hongyan/v1/errors.proto, google/rpc/error_details.proto.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grpc {
class Status;
}
namespace google::rpc {
class Status;
}

namespace hongyan::client {

// A field of the request that breaks a rule, or an allowance that is used up.
struct Violation {
  // The field's path, for example `template.data[thing1]`; or whose allowance.
  std::string subject = {};
  std::string description = {};
};

struct Error {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message = {};
  // hongyan.v1.ErrorReason without its prefix. Empty: Hongyan itself did not answer.
  std::string reason = {};
  // `weixin.qq.com`: WeChat said so. `hongyan`: the service did.
  std::string domain = {};
  // account, api, errcode, errmsg, rid and so on, where known.
  std::map<std::string, std::string> metadata = {};
  std::vector<Violation> fields = {};
  std::vector<Violation> quotas = {};
  // Not worth repeating before.
  std::optional<absl::Duration> retry_delay = {};
  // The message in Chinese.
  std::string localized = {};
  // What the service logged the call under.
  std::string request_id = {};
  // There was no connection: the call never left this process.
  bool not_connected = false;
  // Options were refused that would have sent the token through the network unencrypted.
  bool plaintext_token = false;
};

Error Describe(const absl::Status& status);

// What a failed send may have done.
enum class SendOutcome {
  kNotSent,  // no message went out: sending again is safe
  kUnknown,  // the message may have gone out: sending again may duplicate it
};

// kNotSent only where it is certain: there was no connection, or Hongyan gave a reason that says
// so.
SendOutcome GetOutcome(const Error& error);

// The call's status with its details as payloads. `request_id` may be empty.
absl::Status StatusFromCall(const grpc::Status& status, const std::string& request_id);

// The same for Delivery.error. OK stays OK.
absl::Status StatusFromDelivery(const google::rpc::Status& status);

// `status` as that of a call that never left this process.
absl::Status NeverLeft(absl::Status status);

// `status` as the refusal of options that would have exposed the token.
absl::Status PlaintextToken(absl::Status status);

// `status` with its message in Chinese beside it: Error::localized.
absl::Status InChinese(absl::Status status, absl::string_view chinese);

// UNAVAILABLE of a call that never left, with `why` in its message.
absl::Status NotConnected(const std::string& target, const std::string& why);

}  // namespace hongyan::client
