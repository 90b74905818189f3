#include "client/cli/batch_command.h"

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/batch_file.h"
#include "client/cli/batch_journal.h"
#include "client/cli/batch_report.h"
#include "client/cli/batch_sender.h"
#include "client/cli/error_text.h"
#include "client/cli/requests.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

constexpr std::size_t kMaxBadLinesShown = 100;

BatchFiles FilesFor(const SendBatchArgs& args) {
  const bool from_stdin = args.file == "-";
  const std::string stem = from_stdin ? "stdin" : args.file;
  return {args.failed_file.empty() ? stem + ".failed.jsonl" : args.failed_file,
          stem + ".unknown.jsonl", from_stdin ? "" : args.file + ".progress"};
}

void ShowBadLines(const std::vector<BadLine>& bad, Console& console) {
  const bool chinese = console.language == Language::kChinese;
  for (std::size_t i = 0; i < bad.size() && i < kMaxBadLinesShown; ++i) {
    console.err << (chinese ? "第 " : "line ") << bad[i].number << (chinese ? " 行：" : ": ")
                << Printable(Say(bad[i].problem, console.language)) << "\n";
  }
  if (bad.size() > kMaxBadLinesShown) {
    console.err << absl::StrCat(
        chinese ? "另有错误行：" : "more bad lines: ", bad.size() - kMaxBadLinesShown, "\n");
  }
}

// What is to be sent of the good lines, and what an earlier run left open.
struct Plan {
  std::vector<BatchLine> send;
  std::vector<BatchLine> abandon;
};

Plan MakePlan(const std::vector<BatchLine>& good, const BatchProgress& before,
              BatchCounts& counts) {
  Plan plan;
  for (const BatchLine& line : good) {
    if (before.finished.contains(line.number)) {
      ++counts.finished_before;
      continue;
    }
    bool again = true;
    if (before.unclear.contains(line.number)) {
      // With a key the service knows whether it was sent.
      const auto one = ParseNotification(line.text, "");
      again = one.ok() && !one->idempotency_key().empty();
    }
    (again ? plan.send : plan.abandon).push_back(line);
  }
  return plan;
}

}  // namespace

int RunSendBatch(client::Client& client, const GlobalArgs& global, const SendBatchArgs& args,
                 Console& console, StopSignal& signal) {
  BatchFiles files = FilesFor(args);
  if (files.progress.empty() && (args.resume || args.restart)) {
    return Usage(console,
                 Mistake("--resume and --restart need a file: standard input keeps no progress",
                         "--resume 和 --restart 需要文件：标准输入不保存进度"));
  }
  std::error_code ignored;
  if (std::filesystem::equivalent(args.file, files.failed, ignored)) {
    return Usage(console, Mistake("--failed-file is the file that is to be sent",
                                  "--failed-file 就是要发送的文件"));
  }
  const absl::StatusOr<std::string> content = ReadInput(args.file, console.in);
  if (!content.ok()) return Usage(console, content.status());

  const CheckedLines lines = CheckLines(*content);
  ShowBadLines(lines.bad, console);
  if (!lines.bad.empty() && !args.skip_bad) {
    return Usage(console,
                 Mistake("nothing was sent; repair these lines, or skip them with --skip-bad",
                         "没有发送任何通知；请修改以上各行，或用 --skip-bad 跳过它们"));
  }
  BatchCounts counts;
  counts.notifications = static_cast<std::int64_t>(lines.good.size());
  counts.bad = static_cast<std::int64_t>(lines.bad.size());
  if (counts.notifications == 0)
    return Usage(console, Mistake("there is no notification to send", "没有要发送的通知"));

  const std::uint64_t fingerprint = Fingerprint(*content);
  BatchProgress before;
  if (!files.progress.empty() && !args.restart) {
    absl::StatusOr<BatchProgress> loaded = LoadProgress(files.progress, fingerprint, lines.good);
    // Without --resume only an unfinished run of this very content is in the way.
    if (!loaded.ok() && args.resume) {
      return Usage(console,
                   Mistake(absl::StrCat(loaded.status().message(), "; --restart sends all lines"),
                           absl::StrCat(Say(loaded.status(), Language::kChinese),
                                        "；用 --restart 可发送所有行")));
    }
    if (loaded.ok()) before = *std::move(loaded);
    const bool unfinished = !before.ended && !(before.finished.empty() && before.unclear.empty());
    if (unfinished && !args.resume) {
      return Usage(console,
                   Mistake(absl::StrCat("an earlier run stopped after ", before.finished.size(),
                                        " of ", counts.notifications,
                                        " notifications: --resume sends the rest, --restart sends "
                                        "all of them again"),
                           absl::StrCat("上次运行在 ", counts.notifications, " 条中完成了 ",
                                        before.finished.size(),
                                        " 条后中断：--resume 发送其余的，--restart 全部重新发送")));
    }
    if (!args.resume) before = {};
  }
  if (!args.resume) {
    std::filesystem::remove(files.failed, ignored);
    std::filesystem::remove(files.unknown, ignored);
  }
  BatchJournal journal = BatchJournal::None();
  if (!files.progress.empty()) {
    absl::StatusOr<BatchJournal> opened =
        BatchJournal::Open(files.progress, fingerprint, args.resume);
    if (!opened.ok()) return Usage(console, opened.status());
    journal = *std::move(opened);
  }

  const Plan plan = MakePlan(lines.good, before, counts);
  LineFile failed(files.failed);
  LineFile unknown(files.unknown);
  if (!args.resume) {
    for (const BadLine& line : lines.bad) {
      if (const absl::Status kept = failed.Write(line.text); !kept.ok())
        return Usage(console, kept);
    }
  }
  BatchReport report(console, global.output, absl::Now());
  BatchSender sender(client, global, journal, failed, unknown, report, signal);
  absl::Status status;
  for (const BatchLine& line : plan.abandon) {
    if (status.ok()) status = sender.Abandon(line, counts);
  }
  if (status.ok()) status = sender.Run(plan.send, counts);
  if (counts.not_sent() == 0 && status.ok()) status = journal.End();
  report.Pause();
  if (!status.ok()) {
    const FailedCall call{{"send batch", "批量发送"}, Operation::kSend, global.target};
    console.err << ErrorText(call, client::Describe(status), console.language);
  }
  report.Summary(counts, files);
  return status.ok() && counts.all_well() ? kExitOk : kExitFailed;
}

}  // namespace hongyan::cli
