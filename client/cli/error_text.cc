#include "client/cli/error_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/error_json.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

// What is said in Chinese where only gRPC speaks; its own sentence follows in brackets.
const char* ChineseFor(const client::Error& error) {
  if (error.not_connected) return "无法连接服务";
  if (!error.reason.empty()) return nullptr;
  if (error.code == absl::StatusCode::kDeadlineExceeded) return "等待应答超时";
  if (error.code == absl::StatusCode::kUnavailable) return "连接中断";
  if (error.code == absl::StatusCode::kCancelled) return "调用已取消";
  return nullptr;
}

// The sentence itself, in the reader's language where there is one.
std::string Sentence(const client::Error& error, Language language) {
  const std::string said =
      error.message.empty() ? absl::StatusCodeToString(error.code) : Printable(error.message);
  if (language == Language::kEnglish) return said;
  if (!error.localized.empty()) return Printable(error.localized);
  const char* chinese = ChineseFor(error);
  return chinese == nullptr ? said : absl::StrCat(chinese, "（", said, "）");
}

std::string WaitText(absl::Duration delay) {
  // To tenths of a second; finer figures help nobody.
  if (delay > absl::Seconds(1)) delay = absl::Ceil(delay, absl::Milliseconds(100));
  return absl::FormatDuration(delay);
}

class Lines {
 public:
  explicit Lines(Language language) : language_(language) {}

  void Add(const Wording& label, const std::string& value) {
    if (value.empty()) return;
    const char* colon = language_ == Language::kChinese ? "：" : ": ";
    absl::StrAppend(&text_, "  ", label.In(language_), colon, Printable(value), "\n");
  }
  const std::string& text() const { return text_; }

 private:
  Language language_;
  std::string text_;
};

}  // namespace

std::string ErrorText(const FailedCall& call, const client::Error& error, Language language) {
  const bool chinese = language == Language::kChinese;
  std::string text =
      absl::StrCat("hongyan: ", call.what.In(language),
                   chinese ? "失败：" : " failed: ", Sentence(error, language), "\n");
  Lines lines(language);
  lines.Add({"what to do", "怎么办"}, RemedyFor(error, call.operation, call.target, language));
  std::string reason = absl::StatusCodeToString(error.code);
  if (!error.reason.empty()) {
    reason = chinese ? absl::StrCat(error.reason, "（", reason, "，", error.domain, "）")
                     : absl::StrCat(error.reason, " (", reason, ", ", error.domain, ")");
  }
  lines.Add({"reason", "原因"}, reason);
  // The descriptions are English; the sentence above says the same in Chinese, and in English where
  // it has the words.
  const bool translated = chinese && !error.localized.empty();
  const auto add = [&](const Wording& label, const client::Violation& one) {
    const bool said = translated || absl::StrContains(error.message, one.description);
    lines.Add(label, said ? one.subject
                          : absl::StrCat(one.subject, chinese ? "：" : ": ", one.description));
  };
  for (const client::Violation& field : error.fields) add({"field", "字段"}, field);
  for (const client::Violation& quota : error.quotas) add({"quota", "额度"}, quota);
  if (error.retry_delay.has_value()) {
    lines.Add({"retry after", "重试间隔"}, WaitText(*error.retry_delay));
  }
  for (const char* key : {"account", "api", "errcode", "errmsg", "rid"}) {
    const auto found = error.metadata.find(key);
    if (found != error.metadata.end()) lines.Add({key, key}, found->second);
  }
  lines.Add({"request id", "请求 ID"}, error.request_id);
  return text + lines.text();
}

void ShowError(Console& console, const FailedCall& call, const absl::Status& status) {
  const client::Error error = client::Describe(status);
  if (!console.json_errors) {
    console.err << ErrorText(call, error, console.language) << std::flush;
    return;
  }
  ErrorContext context;
  context.what_to_do = RemedyFor(error, call.operation, call.target, console.language);
  if (call.operation == Operation::kSend) {
    const bool unknown = client::GetOutcome(error) == client::SendOutcome::kUnknown;
    context.outcome = unknown ? "unknown" : "not_sent";
  }
  console.err << ErrorJson(error, context) << std::flush;
}

std::string ShortErrorText(const client::Error& error, Language language) {
  const std::string sentence = Sentence(error, language);
  return error.reason.empty() ? sentence : absl::StrCat(error.reason, ": ", sentence);
}

}  // namespace hongyan::cli
