#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/event_output.h"
#include "client/cli/problem.h"
#include "client/cli/read_call.h"
#include "client/cli/requests.h"
#include "client/cli/text.h"
#include "hongyan_client/event_follower.h"

namespace hongyan::cli {
namespace {

// An event has 64 KiB at most, so a page stays below what the client takes.
constexpr std::int64_t kPageRows = 500;

constexpr Wording kList = {"event list", "列出事件"};
constexpr Wording kWatch = {"event watch", "跟随事件"};

constexpr Wording kNoEvents = {
    "no event is recorded yet; they come in once WeChat's console has this service's callback URL "
    "(the README's \"Let WeChat call you\")",
    "尚未记录任何事件；在公众平台填写本服务的回调 URL 之后，事件会出现在这里（见 "
    "README“接收微信的回调”）"};
constexpr Wording kNoSuchEvents = {
    "no recorded event is like that; without --type and --after all that are kept are listed",
    "没有符合条件的事件；不带 --type 和 --after 时列出保留的全部事件"};

constexpr Wording kConnected = {"connected to $0, Ctrl-C ends", "已连接 $0，按 Ctrl-C 结束"};
constexpr Wording kBroken = {"the stream broke ($0), resuming after $1",
                             "事件流中断（$0），$1 后继续"};
constexpr Wording kGap = {"; what happens until then is not shown, since no event has come yet",
                          "；因为还没有收到事件，其间发生的事件不会显示"};
constexpr Wording kLast = {"last cursor $0; go on with --after $0",
                           "最后的 cursor 为 $0；可用 --after $0 继续"};

// Prints events as they come, and keeps account of how far it got.
class Printer {
 public:
  Printer(const EventWatchArgs& args, const GlobalArgs& global, Console& console)
      : args_(args), global_(global), console_(console), last_(args.after) {}

  bool Show(const v1::Event& event) {
    std::string line;
    if (global_.output == OutputForm::kJson) {
      line = absl::StrCat(EventJson(event), "\n");
    } else {
      std::vector<Row> rows;
      if (shown_ == 0) rows.push_back(EventHeading());
      rows.push_back(EventRow(event, console_.zone));
      line = table_.Add(rows);
    }
    if (!Emit(console_, line)) return false;
    last_ = event.cursor();
    ++shown_;
    return args_.limit == 0 || shown_ < args_.limit;
  }

  void Opened() {
    Say(absl::Substitute(kConnected.In(console_.language), Printable(global_.target)));
  }

  void Broke(const absl::Status& why, absl::Duration pause, bool gap) {
    const std::string reason = ShortErrorText(client::Describe(why), console_.language);
    Say(absl::StrCat(
        absl::Substitute(kBroken.In(console_.language), reason, absl::FormatDuration(pause)),
        gap ? kGap.In(console_.language) : ""));
  }

  void Ended() {
    if (last_.has_value()) Say(absl::Substitute(kLast.In(console_.language), *last_));
  }

 private:
  // In one piece, so that a line can't be torn by what others write to the same place.
  void Say(const std::string& text) {
    console_.err << absl::StrCat("hongyan: ", text, "\n") << std::flush;
  }

  const EventWatchArgs& args_;
  const GlobalArgs& global_;
  Console& console_;
  GrowingTable table_ = EventTable();
  std::int64_t shown_ = 0;
  std::optional<std::int64_t> last_;
};

}  // namespace

int RunEventList(client::Client& client, const GlobalArgs& global, const EventListArgs& args,
                 Console& console) {
  auto request = ToRequest(global, args);
  if (!request.ok()) return Usage(console, request.status());
  GrowingTable table = EventTable();
  std::int64_t shown = 0;
  while (args.limit == 0 || shown < args.limit) {
    const std::int64_t rows = args.limit == 0 ? kPageRows : args.limit - shown;
    request->set_page_size(static_cast<std::int32_t>(std::min(rows, kPageRows)));
    const auto page = client.ListEvents(*request, ToOptions(global));
    if (!page.ok()) return FailRead(page.status(), kList, global, console);
    if (page->events().empty()) break;
    std::string text;
    std::vector<Row> lines;
    if (shown == 0) lines.push_back(EventHeading());
    for (const v1::Event& event : page->events()) {
      if (global.output == OutputForm::kJson) {
        absl::StrAppend(&text, EventJson(event), "\n");
      } else {
        lines.push_back(EventRow(event, console.zone));
      }
    }
    if (global.output == OutputForm::kTable) text = table.Add(lines);
    shown += page->events_size();
    if (!Emit(console, text)) break;
    request->set_after_cursor(page->events().rbegin()->cursor());
  }
  if (shown == 0) {
    Note(console, args.types.empty() && args.after == 0 ? kNoEvents : kNoSuchEvents);
  }
  return kExitOk;
}

int RunEventWatch(client::Client& client, const GlobalArgs& global, const EventWatchArgs& args,
                  Console& console, StopSignal& signal) {
  const auto request = ToRequest(global, args);
  if (!request.ok()) return Usage(console, request.status());
  Printer printer(args, global, console);
  client::FollowHandlers handlers;
  handlers.on_event = [&](const v1::Event& event) { return printer.Show(event); };
  handlers.on_open = [&] { printer.Opened(); };
  handlers.on_break = [&](const absl::Status& why, absl::Duration pause, bool gap) {
    printer.Broke(why, pause, gap);
  };
  client::CallOptions options = ToOptions(global);
  options.canceller = &signal.canceller;
  const absl::Status status = client::FollowEvents(client, *request, handlers, options);
  console.reader_left = console.reader_left || signal.reader_left;
  const int exit_code = status.ok() ? kExitOk : FailRead(status, kWatch, global, console);
  // Who left has the cursor of what they read.
  if (!console.reader_left) printer.Ended();
  return exit_code;
}

}  // namespace hongyan::cli
