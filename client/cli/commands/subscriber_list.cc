#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "client/cli/commands/commands.h"
#include "client/cli/problem.h"
#include "client/cli/row_printer.h"
#include "client/cli/session.h"
#include "client/cli/typed_time.h"

namespace hongyan::cli {
namespace {

// The most that the service hands out at once.
constexpr std::int64_t kPageRows = 1000;

constexpr Wording kNobody = {
    "nobody is stored yet; `hongyan subscriber sync` imports the followers from WeChat",
    "尚未存储任何关注者；可用 `hongyan subscriber sync` 从微信导入"};
constexpr Wording kNobodyFits = {
    "nobody who is stored fits; `hongyan subscriber sync` imports those who are missing",
    "没有符合条件的关注者；如有遗漏，可用 `hongyan subscriber sync` 从微信导入"};

struct SubscriberListArgs {
  v1::ListSubscribersRequest request;
  std::string updated_after;  // as ParseMoment() takes it
  std::string inbound_after;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

bool HasConditions(const v1::ListSubscribersRequest& request) {
  return request.has_subscribed() || request.has_tag_id() || !request.subscribe_scene().empty() ||
         request.has_updated_after() || request.has_inbound_after();
}

absl::Status SetTime(const std::string& text, absl::TimeZone zone,
                     google::protobuf::Timestamp& to) {
  const absl::StatusOr<absl::Time> time = ParseMoment(text, absl::Now(), zone);
  if (!time.ok()) return time.status();
  const std::int64_t seconds = absl::ToUnixSeconds(*time);
  to.set_seconds(seconds);
  to.set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(*time - absl::FromUnixSeconds(seconds))));
  return absl::OkStatus();
}

int ListSubscribers(SubscriberListArgs& args, Session& session) {
  Console& console = session.console;
  v1::ListSubscribersRequest& request = args.request;
  absl::Status status;
  if (!args.updated_after.empty()) {
    status = SetTime(args.updated_after, console.zone, *request.mutable_updated_after());
  }
  if (status.ok() && !args.inbound_after.empty()) {
    status = SetTime(args.inbound_after, console.zone, *request.mutable_inbound_after());
  }
  if (!status.ok()) return Usage(console, status);
  request.set_account(session.global.account);
  RowPrinter printer(session, SubscriberHeading());
  while (printer.count() < args.limit) {
    const std::int64_t rows = std::min(args.limit - printer.count(), kPageRows);
    request.set_page_size(static_cast<std::int32_t>(rows));
    const auto page = session.client.ListSubscribers(request, session.options());
    if (!page.ok()) return session.Fail({"subscriber list", "列出关注者"}, page.status());
    for (const v1::Subscriber& one : page->subscribers()) printer.Add(one);
    if (!printer.Flush() || page->next_page_token().empty()) break;
    request.set_page_token(page->next_page_token());
  }
  if (printer.count() == 0) Note(console, HasConditions(request) ? kNobodyFits : kNobody);
  return kExitOk;
}

}  // namespace

void AddSubscriberList(Command& subscriber) {
  const auto args = std::make_shared<SubscriberListArgs>();
  Command list = subscriber.AddCommand("list", {"Show many subscribers", "列出关注者"});
  list.SetFooter(
      {R"(All conditions must hold. A TIME is 2025-06-01T12:00:00+08:00, 2025-06-01 12:00, 2025-06-01 (both local), or a
duration such as 48h or 30d: so long ago. With --inbound-after 48h: who can be written to.)",
       R"(各条件须同时满足。TIME 可以是 2025-06-01T12:00:00+08:00、2025-06-01 12:00、2025-06-01（后两者为本地时间），
也可以是 48h、30d 这样的时长，表示多久以前。--inbound-after 48h 列出现在可以发送客服消息的关注者。)"});
  list.AddChoice(
      "--subscribed", {"yes", "no"},
      [args](const std::string& answer) { args->request.set_subscribed(answer == "yes"); },
      {"Only followers (yes), or only those who left (no)",
       "只列出正在关注的（yes），或已取消关注的（no）"});
  list.AddNumber(
      "--tag-id", "ID", {.most = std::numeric_limits<std::int32_t>::max()},
      [args](std::int64_t id) { args->request.set_tag_id(static_cast<std::int32_t>(id)); },
      {"Only who has this tag", "只列出有此标签的"});
  list.AddOption("--scene", "SCENE", *args->request.mutable_subscribe_scene(),
                 {"Only who came from there, such as ADD_SCENE_QR_CODE",
                  "只列出从该渠道关注的，如 ADD_SCENE_QR_CODE"});
  list.AddOption("--updated-after", "TIME", args->updated_after,
                 {"Only who changed after this", "只列出此后有变化的"});
  list.AddOption(
      "--inbound-after", "TIME", args->inbound_after,
      {"Only who wrote, tapped or scanned after this", "只列出此后发过消息、点过菜单或扫过码的"});
  list.AddNumber("--limit", "N", {.least = 1}, [args](std::int64_t limit) { args->limit = limit; },
                 {"At most so many; default all", "最多这么多，默认全部"});
  list.OnRun({[args](Session& session) { return ListSubscribers(*args, session); }});
}

}  // namespace hongyan::cli
