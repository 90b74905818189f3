#include "server/doors/grpc/stored_event.h"

#include "server/base/log.h"
#include "server/doors/grpc/convert.h"
#include "server/doors/grpc/event_convert.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::doors {

void ToProto(const storage::StoredEvent& stored, v1::Event& event) {
  const auto push =
      stored.damaged ? absl::DataLossError("damaged") : wechat::ParsePush(stored.body);
  if (push.ok()) {
    ToProto(*push, stored.type, event);
  } else {
    // Its place in the order is told all the same: nothing is missing silently.
    base::Log(base::Level::kError, "stored event can't be read", {{"cursor", stored.cursor}});
    event.set_type("unknown");
    event.mutable_unknown();
  }
  event.set_cursor(stored.cursor);
  event.set_account(stored.account);
  event.set_openid(stored.openid);
  if (stored.create_time) ToProto(*stored.create_time, *event.mutable_create_time());
  ToProto(stored.receive_time, *event.mutable_receive_time());
}

}  // namespace hongyan::doors
