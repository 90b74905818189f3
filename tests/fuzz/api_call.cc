// A request of the API: its bytes, what they become inside, the rules for messages, and the body
// that goes to WeChat. An input that is a request in protobuf's text form is taken as its bytes
// too, for those are easier to come by.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <google/rpc/status.pb.h>

#include <string>
#include <variant>

#include "hongyan/v1/notify.pb.h"
#include "server/api/convert.h"
#include "server/base/status.h"
#include "server/core/message_rules.h"
#include "server/wechat/api_json.h"
#include "tests/fuzz/check.h"

namespace hongyan::fuzz {
namespace {

using model::Notification;

// A refusal names its reason, and can be sent.
void CheckRefusal(const absl::Status& status) {
  FUZZ_CHECK(absl::IsInvalidArgument(status) || absl::IsUnimplemented(status));
  google::rpc::Status sent;
  FUZZ_CHECK(sent.ParseFromString(base::SerializeRpcStatus(status)));
  FUZZ_CHECK(sent.code() == static_cast<int>(status.code()) && sent.details_size() >= 2);
  FUZZ_CHECK(sent.ByteSizeLong() <= 4096);
}

// The member of that name, which is a string.
std::string Member(const boost::json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  FUZZ_CHECK(value != nullptr && value->is_string());
  return std::string(value->get_string().data(), value->get_string().size());
}

const boost::json::object& Inside(const boost::json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  FUZZ_CHECK(value != nullptr && value->is_object());
  return value->get_object();
}

// WeChat shows a \u escape as it is, and nothing else can stand for these.
void CheckNoControls(const std::string& text) {
  for (const char c : text) {
    FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t');
  }
}

// What was allowed arrives as it was written.
void CheckBody(const Notification& notification, const std::string& content) {
  const bool is_text = notification.message.kind == model::MessageKind::kText;
  const auto body = wechat::ParseAnswer(
      wechat::SendBody(notification.openid, notification.message, is_text ? "" : "id"));
  FUZZ_CHECK(body.ok() && Member(body->json, "touser") == notification.openid);
  if (!is_text) {
    FUZZ_CHECK(Member(body->json, "client_msg_id") == "id");
    return;
  }
  FUZZ_CHECK(Member(Inside(body->json, "text"), "content") == content);
  CheckNoControls(content);
}

void CheckBody(const Notification& notification, const v1::Template& message) {
  CheckBody(notification, std::string());
  const auto body = wechat::ParseAnswer(wechat::SendBody("o", notification.message, ""));
  FUZZ_CHECK(body.ok() && Member(body->json, "template_id") == message.template_id());
  const boost::json::object& data = Inside(body->json, "data");
  FUZZ_CHECK(data.size() == message.data().size());
  for (const auto& [key, value] : message.data()) {
    CheckNoControls(key + value);
    FUZZ_CHECK(Member(Inside(data, key.c_str()), "value") == value);
  }
  const wechat::TemplateMessage read = wechat::ReadTemplate(notification.message);
  FUZZ_CHECK(read.template_id == message.template_id() && read.url == message.url());
}

void CheckBodyOf(const v1::SendTextRequest& request, const Notification& notification) {
  CheckBody(notification, request.content());
}
void CheckBodyOf(const v1::SendTemplateRequest& request, const Notification& notification) {
  CheckBody(notification, request.template_());
}
void CheckBodyOf(const v1::Notification& request, const Notification& notification) {
  if (request.has_text()) return CheckBody(notification, request.text().content());
  CheckBody(notification, request.template_());
}

template <typename Request>
void CheckRequest(const Request& request) {
  const absl::StatusOr<Notification> notification = api::FromProto(request);
  if (!notification.ok()) return CheckRefusal(notification.status());
  FUZZ_CHECK(notification->openid == request.openid());
  // Whom it names is the openid or the unionid, of which the openid is found later.
  const std::string& recipient =
      notification->unionid ? *notification->unionid : notification->openid;
  FUZZ_CHECK(!recipient.empty() && recipient.size() <= 128);
  FUZZ_CHECK(!notification->unionid || notification->openid.empty());
  FUZZ_CHECK(notification->labels.size() <= 16);
  CheckBodyOf(request, *notification);
}

class Silent : public google::protobuf::io::ErrorCollector {
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

template <typename Request>
void CheckInput(const std::string& input) {
  Request request;
  if (request.ParseFromString(input)) CheckRequest(request);
  Silent silent;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silent);
  parser.SetRecursionLimit(100);
  Request written;
  // The text form lets strings through that are no UTF-8; the bytes don't.
  Request read;
  if (parser.ParseFromString(input, &written) &&
      read.ParseFromString(written.SerializeAsString())) {
    CheckRequest(read);
  }
}

}  // namespace
}  // namespace hongyan::fuzz

// protobuf tells of each text that is no UTF-8.
int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(hongyan::fuzz::View(data, size));
  hongyan::fuzz::CheckInput<hongyan::v1::SendTextRequest>(input);
  hongyan::fuzz::CheckInput<hongyan::v1::SendTemplateRequest>(input);
  hongyan::fuzz::CheckInput<hongyan::v1::Notification>(input);
  return 0;
}
