// Proto ↔ domain. The only file that knows both.
//
// Errors: UNIMPLEMENTED NOT_IMPLEMENTED for what a later version fills; INVALID_ARGUMENT naming the
//         field.
#pragma once

#include "absl/status/statusor.h"
#include "hongyan/v1/notify.pb.h"
#include "server/model/delivery.h"
#include "server/model/profile.h"

namespace hongyan::api {

absl::StatusOr<model::Notification> FromProto(const v1::SendTextRequest& request);
absl::StatusOr<model::Notification> FromProto(const v1::SendTemplateRequest& request);
absl::StatusOr<model::Notification> FromProto(const v1::Notification& notification);

void ToProto(const model::Delivery& delivery, v1::Delivery& proto);
void ToProto(const model::User& user, v1::UserInfo& proto);
// Without what isn't of the profile: openid, subscribed and subscribe_time.
void ToProto(const model::Profile& profile, v1::UserInfo& proto);
void ToProto(absl::Time time, google::protobuf::Timestamp& proto);
absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& proto,
                                     absl::string_view field);

// An error of SendText or SendTemplate names the fields of its own request: "content", not
// "text.content".
absl::Status NamedAsInSendText(const absl::Status& status);

}  // namespace hongyan::api
