#include <algorithm>
#include <limits>
#include <memory>

#include "client/cli/commands/commands.h"
#include "client/cli/commands/event_types.h"
#include "client/cli/event_output.h"
#include "client/cli/row_printer.h"
#include "client/cli/session.h"

namespace hongyan::cli {
namespace {

// An event has 64 KiB at most, so a page stays below what the client takes.
constexpr std::int64_t kPageRows = 500;

constexpr Wording kNoEvents = {
    "no event is recorded yet; they come in once WeChat's console has this service's callback URL "
    "(\"Let WeChat call you\" in docs/events.md)",
    "尚未记录任何事件；在公众平台填写本服务的回调 URL 之后，事件会出现在这里（见 "
    "docs/events.zh-CN.md“接收微信的回调”）"};
constexpr Wording kNoSuchEvents = {
    "no recorded event is like that; without --type and --after all that are kept are listed",
    "没有符合条件的事件；不带 --type 和 --after 时列出保留的全部事件"};

struct EventListArgs {
  v1::ListEventsRequest request;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

int ListEvents(EventListArgs& args, Session& session) {
  v1::ListEventsRequest& request = args.request;
  const bool all = request.types().empty() && request.after_cursor() == 0;
  request.set_account(session.global.account);
  RowPrinter printer(session, EventHeading(), EventWidths());
  while (printer.count() < args.limit) {
    const std::int64_t rows = std::min(args.limit - printer.count(), kPageRows);
    request.set_page_size(static_cast<std::int32_t>(rows));
    const auto page = session.client.ListEvents(request, session.options());
    if (!page.ok()) return session.Fail({"event list", "列出事件"}, page.status());
    if (page->events().empty()) break;
    for (const v1::Event& event : page->events()) printer.Add(event);
    if (!printer.Flush()) break;
    request.set_after_cursor(page->events().rbegin()->cursor());
  }
  if (printer.count() == 0) Note(session.console, all ? kNoEvents : kNoSuchEvents);
  return kExitOk;
}

}  // namespace

void AddEventList(Command& event) {
  const auto args = std::make_shared<EventListArgs>();
  Command list = event.AddCommand("list", {"Show recorded events", "列出已记录的事件"});
  AddTypes(list, std::shared_ptr<v1::ListEventsRequest>(args, &args->request));
  list.AddNumber(
      "--after", "CURSOR", {},
      [args](std::int64_t cursor) { args->request.set_after_cursor(cursor); },
      {"Only later events; default all that are kept", "只列出其后的事件，默认列出保留的全部事件"});
  list.AddNumber("--limit", "N", {.least = 1}, [args](std::int64_t limit) { args->limit = limit; },
                 {"At most so many; default all", "最多这么多，默认全部"});
  list.OnRun({[args](Session& session) { return ListEvents(*args, session); }});
}

}  // namespace hongyan::cli
