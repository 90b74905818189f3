#include "server/api/stored_event.h"

#include "server/api/convert.h"
#include "server/api/event_convert.h"
#include "server/base/log.h"
#include "server/base/text.h"
#include "server/base/timestamp.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::api {
namespace {

bool IsTimestamp(absl::Time time) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  return seconds >= base::kFirstTimestampSecond && seconds <= base::kLastTimestampSecond;
}

}  // namespace

void ToProto(const model::StoredEvent& stored, v1::Event& event) {
  const auto push =
      stored.damaged ? absl::DataLossError("damaged") : wechat::ParsePush(stored.body);
  if (push.ok()) {
    ToProto(*push, stored.type, event);
  } else {
    // Whoever reads events of its type hears of it all the same: nothing is missing silently.
    // Damage was logged by the storage.
    if (!stored.damaged) {
      base::Log(base::Level::kError, "stored event can't be read", {{"cursor", stored.cursor}});
    }
    event.set_damaged(true);
    event.set_type(IsEventType(stored.type) ? stored.type : "unknown");
  }
  event.set_cursor(stored.cursor);
  // Damage may have made anything of them, also what no client could decode.
  event.set_account(stored.damaged ? base::ToUtf8(stored.account) : stored.account);
  event.set_openid(stored.damaged ? base::ToUtf8(stored.openid) : stored.openid);
  if (stored.create_time && IsTimestamp(*stored.create_time)) {
    ToProto(*stored.create_time, *event.mutable_create_time());
  }
  if (IsTimestamp(stored.receive_time)) {
    ToProto(stored.receive_time, *event.mutable_receive_time());
  }
}

}  // namespace hongyan::api
