#include "client/cli/batch_report.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/cli/error_text.h"
#include "client/cli/json_line.h"
#include "client/cli/output.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

constexpr std::int64_t kTellEvery = 500;

bool IsAccepted(v1::DeliveryState state) {
  return state == v1::DELIVERY_STATE_ACCEPTED || state == v1::DELIVERY_STATE_DELIVERED;
}

BarState ToBar(const BatchCounts& counts) {
  return {counts.done(), counts.notifications, counts.failed + counts.unknown};
}

std::string Figures(const BatchCounts& counts, Language language) {
  const bool chinese = language == Language::kChinese;
  std::string text =
      chinese
          ? absl::StrCat("共 ", counts.notifications, " 条：已接受 ", counts.accepted)
          : absl::StrCat(counts.notifications, " notification",
                         counts.notifications == 1 ? ": " : "s: ", counts.accepted, " accepted");
  const auto add = [&](std::int64_t count, const char* english, const char* in_chinese) {
    if (count == 0) return;
    if (chinese) {
      absl::StrAppend(&text, "，", in_chinese, " ", count);
    } else {
      absl::StrAppend(&text, ", ", count, " ", english);
    }
  };
  add(counts.failed, "failed", "失败");
  add(counts.unknown, "unknown", "结果未知");
  add(counts.not_sent(), "not sent", "未发送");
  add(counts.finished_before, "finished before", "此前已完成");
  return text;
}

// Where an earlier run has left its lines: ", see FILE.failed.jsonl".
std::string KeptIn(const BatchFiles& files, bool chinese) {
  std::vector<std::string> kept;
  std::error_code ignored;
  for (const std::string& file : {files.failed, files.unknown}) {
    if (std::filesystem::exists(file, ignored)) kept.push_back(Printable(file));
  }
  if (kept.empty()) return "";
  return (chinese ? "，见 " : ", see ") + absl::StrJoin(kept, chinese ? " 和 " : " and ");
}

}  // namespace

BatchReport::BatchReport(Console& console, OutputForm form, absl::Time start)
    : console_(console),
      form_(form),
      bar_(console.err, console.columns, console.err_is_terminal, start) {}

void BatchReport::Result(std::int64_t line, const v1::Delivery& delivery,
                         const BatchCounts& counts) {
  const bool accepted = IsAccepted(delivery.state());
  if (form_ == OutputForm::kJson) {
    if (console_.out_is_terminal) bar_.Clear();
    console_.out << JsonLine({{"line", line}, {"delivery", ToJson(delivery)}});
  } else if (!accepted || !console_.out_is_terminal) {
    std::string text = absl::StrCat("line ", line, "  ", StateName(delivery.state()));
    if (!delivery.openid().empty()) absl::StrAppend(&text, "  ", delivery.openid());
    if (!delivery.id().empty()) absl::StrAppend(&text, "  ", delivery.id());
    if (delivery.error().code() != 0) {
      const client::Error error = client::Describe(client::StatusFromDelivery(delivery.error()));
      absl::StrAppend(&text, "  ", ShortErrorText(error, console_.language));
    }
    if (console_.out_is_terminal) bar_.Clear();
    console_.out << Printable(text) << "\n";
  }
  bar_.Update(ToBar(counts), absl::Now());
}

void BatchReport::Chunk(const BatchCounts& counts) {
  console_.out.flush();
  const std::int64_t now = counts.done() / kTellEvery;
  const bool wanted = !console_.err_is_terminal && !console_.json_errors;
  if (wanted && counts.not_sent() > 0 && now > told_) {
    told_ = now;
    console_.err << absl::StrCat(counts.done(), "/", counts.notifications, "\n") << std::flush;
  }
}

void BatchReport::Summary(const BatchCounts& counts, const BatchFiles& files) {
  bar_.Clear();
  if (form_ == OutputForm::kJson) {
    boost::json::object summary{{"notifications", counts.notifications},
                                {"accepted", counts.accepted},
                                {"failed", counts.failed},
                                {"unknown", counts.unknown},
                                {"not_sent", counts.not_sent()},
                                {"finished_before", counts.finished_before},
                                {"not_accepted_before", counts.not_accepted_before}};
    if (counts.failed > 0) summary["failed_file"] = Printable(files.failed);
    if (counts.unknown > 0) summary["unknown_file"] = Printable(files.unknown);
    console_.out << JsonLine({{"summary", std::move(summary)}});
  } else {
    console_.out << Figures(counts, console_.language) << "\n";
  }
  console_.out.flush();
  // The summary says it all to a program.
  if (!counts.all_well() && form_ != OutputForm::kJson) Hints(counts, files);
}

void BatchReport::Hints(const BatchCounts& counts, const BatchFiles& files) {
  const bool chinese = console_.language == Language::kChinese;
  std::ostream& err = console_.err;
  err << "hongyan: " << (chinese ? "并非所有通知都已被接受" : "not every notification was accepted")
      << "\n";
  if (counts.failed > 0) {
    err << "  "
        << (chinese ? "未发出的行已写入 " : "lines that were not sent, to repair and send again: ")
        << Printable(files.failed) << "\n";
  }
  if (counts.unknown > 0) {
    err << "  "
        << (chinese ? "可能已经发出的行（重发可能造成重复）已写入 "
                    : "lines that may have gone out (sending them again may duplicate them): ")
        << Printable(files.unknown) << "\n";
  }
  if (counts.not_accepted_before > 0) {
    err << "  "
        << (chinese ? "此前的运行中未被接受的行数："
                    : "lines of an earlier run that were not accepted: ")
        << counts.not_accepted_before << KeptIn(files, chinese) << "\n";
  }
  if (counts.not_sent() > 0 && !files.progress.empty()) {
    err << "  "
        << (chinese ? "用同一命令加 --resume 继续发送其余的行"
                    : "the same command with --resume sends the rest")
        << "\n";
  }
  err.flush();
}

}  // namespace hongyan::cli
