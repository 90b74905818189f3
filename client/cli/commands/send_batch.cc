#include "client/cli/commands/send_batch.h"

#include <CLI/Option.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "client/cli/batch_file.h"
#include "client/cli/batch_journal.h"
#include "client/cli/batch_report.h"
#include "client/cli/batch_sender.h"
#include "client/cli/commands/commands.h"
#include "client/cli/problem.h"

namespace hongyan::cli {
namespace {

constexpr Wording kFooter = {R"(Each line is one hongyan.v1.Notification as JSON, for example
  {"openid": "oABC123", "text": {"content": "您好"}}
  {"openid": "oABC123", "template": {"template_id": "T1", "data": {"thing1": "茶"}}, "idempotency_key": "order-7"}
Blank lines are skipped. A line that holds no notification fails alone: the others are sent.

Beside FILE:
  FILE.failed.jsonl    lines that certainly were not sent: repair and send that file
  FILE.unknown.jsonl   lines that may have been sent: sending them again may duplicate messages
  FILE.progress        which lines are finished; --resume reads it
Ctrl-C finishes the notifications on their way and stops; --resume goes on later.)",
                             R"(每行是一个 JSON 形式的 hongyan.v1.Notification，例如
  {"openid": "oABC123", "text": {"content": "您好"}}
  {"openid": "oABC123", "template": {"template_id": "T1", "data": {"thing1": "茶"}}, "idempotency_key": "order-7"}
空行会被跳过。无法识别的行只影响它自己，其余的行照常发送。

FILE 旁边会生成：
  FILE.failed.jsonl    肯定没有发出的行：改好后发送这个文件即可
  FILE.unknown.jsonl   可能已经发出的行：再次发送可能造成重复
  FILE.progress        哪些行已完成，供 --resume 读取
按 Ctrl-C 会等正在发送的通知完成后停止，之后用 --resume 继续。)"};

constexpr Wording kNoProgress = {
    "--resume and --restart need a file: standard input keeps no progress",
    "--resume 和 --restart 需要文件：标准输入不保存进度"};
constexpr Wording kSameFile = {"--failed-file is the file that is to be sent",
                               "--failed-file 就是要发送的文件"};
constexpr Wording kNothingToSend = {"there is no notification to send", "没有要发送的通知"};
constexpr Wording kCannotResume = {"$0; --restart sends all lines", "$0；用 --restart 发送所有行"};
constexpr Wording kUnfinished = {
    "an earlier run stopped after $0 of $1 notifications: --resume sends the rest, --restart sends "
    "all of them again",
    "上一次运行在 $1 条通知中完成 $0 条后停止：用 --resume 发送其余的，用 --restart 全部重新发送"};

BatchFiles FilesFor(const SendBatchArgs& args) {
  const bool from_stdin = args.file == "-";
  const std::string stem = from_stdin ? "stdin" : args.file;
  return {args.failed_file.empty() ? stem + ".failed.jsonl" : args.failed_file,
          stem + ".unknown.jsonl", from_stdin ? "" : args.file + ".progress"};
}

// Whether an earlier run sent some of the lines, or may have, and did not come to its end.
bool IsUnfinished(const BatchProgress& before, const std::vector<BatchLine>& good) {
  if (before.ended) return false;
  return !before.unclear.empty() ||
         std::any_of(good.begin(), good.end(),
                     [&](const BatchLine& line) { return before.finished.contains(line.number); });
}

// What is to be sent of the good lines, what can't be, and what an earlier run left open.
struct Plan {
  std::vector<BatchLine> send;
  std::vector<BadLine> refuse;
  std::vector<BatchLine> abandon;
};

Plan MakePlan(const CheckedLines& lines, const BatchProgress& before, BatchCounts& counts) {
  Plan plan;
  const auto finished = [&](std::int64_t line) {
    if (!before.finished.contains(line)) return false;
    ++counts.finished_before;
    if (before.not_accepted.contains(line)) ++counts.not_accepted_before;
    return true;
  };
  for (const BadLine& bad : lines.bad) {
    if (!finished(bad.line.number)) plan.refuse.push_back(bad);
  }
  for (const BatchLine& line : lines.good) {
    if (finished(line.number)) continue;
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

int SendBatch(const SendBatchArgs& args, Session& session) {
  Console& console = session.console;
  BatchFiles files = FilesFor(args);
  if (files.progress.empty() && (args.resume || args.restart)) {
    return Usage(console, Problem(kNoProgress));
  }
  std::error_code ignored;
  if (std::filesystem::equivalent(args.file, files.failed, ignored)) {
    return Usage(console, Problem(kSameFile));
  }
  const absl::StatusOr<std::string> content = ReadInput(args.file, console.in);
  if (!content.ok()) return Usage(console, content.status());

  const CheckedLines lines = CheckLines(*content);
  BatchCounts counts;
  counts.notifications = static_cast<std::int64_t>(lines.good.size() + lines.bad.size());
  if (counts.notifications == 0) return Usage(console, Problem(kNothingToSend));

  const std::uint64_t fingerprint = Fingerprint(*content);
  BatchProgress before;
  if (!files.progress.empty() && !args.restart) {
    absl::StatusOr<BatchProgress> loaded = LoadProgress(files.progress, fingerprint, lines.good);
    // Without --resume only an unfinished run of this very content is in the way.
    if (!loaded.ok() && args.resume) {
      return Usage(console, Around(kCannotResume, loaded.status()));
    }
    if (loaded.ok()) before = *std::move(loaded);
    if (IsUnfinished(before, lines.good) && !args.resume) {
      return Usage(console, Problem(kUnfinished, before.finished.size(), counts.notifications));
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

  const Plan plan = MakePlan(lines, before, counts);
  LineFile failed(files.failed);
  LineFile unknown(files.unknown);
  BatchReport report(console, session.global.output, absl::Now());
  BatchSender sender(session, journal, failed, unknown, report);
  absl::Status status;
  for (const BadLine& bad : plan.refuse) {
    if (status.ok()) status = sender.Refuse(bad, counts);
  }
  for (const BatchLine& line : plan.abandon) {
    if (status.ok()) status = sender.Abandon(line, counts);
  }
  if (status.ok()) status = sender.Run(plan.send, counts);
  if (counts.not_sent() == 0 && status.ok()) status = journal.End();
  report.Pause();
  if (!status.ok()) session.Fail({"send batch", "批量发送"}, status, Operation::kSend);
  report.Summary(counts, files);
  return status.ok() && counts.all_well() ? kExitOk : kExitFailed;
}

void AddSendBatch(Command& send) {
  const auto args = std::make_shared<SendBatchArgs>();
  Command batch =
      send.AddCommand("batch", {"Send a file of notifications", "发送一个文件中的通知"});
  batch.SetFooter(kFooter);
  batch.AddFileArgument(args->file,
                        {"JSON lines; - reads standard input", "每行一个 JSON；- 表示标准输入"});
  batch.AddFile("--failed-file", args->failed_file,
                {"Where failed lines go instead of FILE.failed.jsonl",
                 "失败的行写入此文件，而不是 FILE.failed.jsonl"});
  CLI::Option* resume =
      batch.AddFlag("--resume", [args] { args->resume = true; },
                    {"Skip what FILE.progress says is finished; ends with 1 as long as a line of "
                     "the file was not "
                     "accepted",
                     "跳过 FILE.progress 中已完成的行；只要文件中还有未被接受的行，退出码就是 1"});
  batch
      .AddFlag("--restart", [args] { args->restart = true; },
               {"Send all lines although an earlier run did not finish",
                "上一次运行没有完成时，仍重新发送所有行"})
      ->excludes(resume);
  batch.OnRun({.run = [args](Session& session) { return SendBatch(*args, session); },
               .on_signal = OnSignal::kFinish});
}

}  // namespace hongyan::cli
