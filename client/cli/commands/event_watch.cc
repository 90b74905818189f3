#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "client/cli/commands/commands.h"
#include "client/cli/commands/event_types.h"
#include "client/cli/error_text.h"
#include "client/cli/event_output.h"
#include "client/cli/row_printer.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "hongyan_client/event_follower.h"

namespace hongyan::cli {
namespace {

constexpr Wording kConnected = {"connected to $0, Ctrl-C ends", "已连接 $0，按 Ctrl-C 结束"};
constexpr Wording kBroken = {"the stream broke ($0), resuming after $1",
                             "事件流中断（$0），$1 后继续"};
constexpr Wording kGap = {"; what happens until then is not shown, since no event has come yet",
                          "；因为还没有收到事件，其间发生的事件不会显示"};
constexpr Wording kLast = {"last cursor $0; go on with --after $0",
                           "最后的 cursor 为 $0；可用 --after $0 继续"};

struct EventWatchArgs {
  v1::WatchEventsRequest request;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

// Prints events as they come, and keeps account of how far it got.
class WatchPrinter {
 public:
  WatchPrinter(const EventWatchArgs& args, Session& session)
      : session_(session), rows_(session, EventHeading(), EventWidths()), limit_(args.limit) {
    if (args.request.has_after_cursor()) last_ = args.request.after_cursor();
  }

  // False: it was the last one.
  bool Show(const v1::Event& event) {
    rows_.Add(event);
    if (!rows_.Flush()) return false;
    last_ = event.cursor();
    return rows_.count() < limit_;
  }

  void Opened() { Say(absl::Substitute(In(kConnected), Printable(session_.global.target))); }

  void Broke(const absl::Status& why, absl::Duration pause, bool gap) {
    const std::string reason = ShortErrorText(client::Describe(why), session_.console.language);
    Say(absl::StrCat(absl::Substitute(In(kBroken), reason, absl::FormatDuration(pause)),
                     gap ? In(kGap) : ""));
  }

  void Ended() {
    if (last_.has_value()) Say(absl::Substitute(In(kLast), *last_));
  }

 private:
  const char* In(const Wording& wording) const { return wording.In(session_.console.language); }

  // In one piece, so that a line can't be torn by what others write to the same place.
  void Say(const std::string& text) {
    session_.console.err << absl::StrCat("hongyan: ", text, "\n") << std::flush;
  }

  Session& session_;
  RowPrinter rows_;
  std::int64_t limit_;
  std::optional<std::int64_t> last_;
};

int WatchEvents(EventWatchArgs& args, Session& session) {
  Console& console = session.console;
  args.request.set_account(session.global.account);
  WatchPrinter printer(args, session);
  client::FollowHandlers handlers;
  handlers.on_event = [&](const v1::Event& event) { return printer.Show(event); };
  handlers.on_open = [&] { printer.Opened(); };
  handlers.on_break = [&](const absl::Status& why, absl::Duration pause, bool gap) {
    printer.Broke(why, pause, gap);
  };
  const absl::Status status =
      client::FollowEvents(session.client, args.request, handlers, session.options());
  console.reader_left = console.reader_left || session.signal.reader_left;
  const int exit_code = status.ok() ? kExitOk : session.Fail({"event watch", "跟随事件"}, status);
  // Who left has the cursor of what they read.
  if (!console.reader_left) printer.Ended();
  return exit_code;
}

}  // namespace

void AddEventWatch(Command& event) {
  const auto args = std::make_shared<EventWatchArgs>();
  Command watch = event.AddCommand("watch", {"Show events as they come", "事件到来时立即显示"});
  watch.SetFooter(
      {R"(Broken connections are resumed without loss. Ctrl-C ends; the last cursor is on standard error then, and --after
goes on behind it. Events that come twice around a break have the same cursor.)",
       R"(连接中断后自动继续，不会丢失事件。按 Ctrl-C 结束，最后的 cursor 会写到标准错误输出，用 --after 从它之后继续。
中断前后重复到达的事件，cursor 相同。)"});
  AddTypes(watch, std::shared_ptr<v1::WatchEventsRequest>(args, &args->request));
  watch.AddNumber("--after", "CURSOR", {},
                  [args](std::int64_t cursor) { args->request.set_after_cursor(cursor); },
                  {"First what came after this event, 0: all that are kept; default: from now on",
                   "先补发此事件之后的；0 为保留的全部事件；默认从此刻起"});
  watch.AddNumber("--limit", "N", {.least = 1}, [args](std::int64_t limit) { args->limit = limit; },
                  {"End after so many", "满这么多个后结束"});
  watch.OnRun({.run = [args](Session& session) { return WatchEvents(*args, session); },
               .on_signal = OnSignal::kCancel,
               .keeps_alive = true,
               .needs_reader = true});
}

}  // namespace hongyan::cli
