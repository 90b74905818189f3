#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/problem.h"
#include "client/cli/read_call.h"
#include "client/cli/requests.h"

namespace hongyan::cli {
namespace {

// The most that the service hands out at once.
constexpr std::int64_t kPageRows = 1000;

constexpr Wording kGet = {"subscriber get", "查询关注者"};
constexpr Wording kList = {"subscriber list", "列出关注者"};
constexpr Wording kNobody = {
    "nobody is stored yet; `hongyan subscriber sync` imports the followers from WeChat",
    "尚未存储任何关注者；可用 `hongyan subscriber sync` 从微信导入"};
constexpr Wording kNobodyFits = {
    "nobody who is stored fits; `hongyan subscriber sync` imports those who are missing",
    "没有符合条件的关注者；如有遗漏，可用 `hongyan subscriber sync` 从微信导入"};

bool HasConditions(const SubscriberListArgs& args) {
  return args.subscribed.has_value() || args.tag_id.has_value() || !args.scene.empty() ||
         !args.updated_after.empty() || !args.inbound_after.empty();
}

}  // namespace

int RunSubscriberGet(client::Client& client, const GlobalArgs& global,
                     const SubscriberGetArgs& args, Console& console) {
  const auto request = ToRequest(global, args);
  if (!request.ok()) return Usage(console, request.status());
  const auto response = client.GetSubscriber(*request, ToOptions(global));
  if (!response.ok()) return FailRead(response.status(), kGet, global, console);
  if (global.output == OutputForm::kJson) {
    console.out << Json(response->subscriber()) << "\n";
  } else {
    console.out << SubscriberTable(response->subscriber(), console.zone);
  }
  return kExitOk;
}

int RunSubscriberList(client::Client& client, const GlobalArgs& global,
                      const SubscriberListArgs& args, Console& console) {
  auto request = ToRequest(global, args, absl::Now(), console.zone);
  if (!request.ok()) return Usage(console, request.status());
  GrowingTable table;
  std::int64_t shown = 0;
  while (args.limit == 0 || shown < args.limit) {
    const std::int64_t rows = args.limit == 0 ? kPageRows : args.limit - shown;
    request->set_page_size(static_cast<std::int32_t>(std::min(rows, kPageRows)));
    const auto page = client.ListSubscribers(*request, ToOptions(global));
    if (!page.ok()) return FailRead(page.status(), kList, global, console);
    std::string text;
    std::vector<Row> lines;
    if (shown == 0 && page->subscribers_size() > 0) lines.push_back(SubscriberHeading());
    for (const v1::Subscriber& one : page->subscribers()) {
      if (global.output == OutputForm::kJson) {
        absl::StrAppend(&text, Json(one), "\n");
      } else {
        lines.push_back(SubscriberRow(one, console.zone));
      }
    }
    if (global.output == OutputForm::kTable) text = table.Add(lines);
    shown += page->subscribers_size();
    if (!Emit(console, text) || page->next_page_token().empty()) break;
    request->set_page_token(page->next_page_token());
  }
  if (shown == 0) Note(console, HasConditions(args) ? kNobodyFits : kNobody);
  return kExitOk;
}

}  // namespace hongyan::cli
