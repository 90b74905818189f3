#include "server/doors/grpc/event_tail.h"

#include <algorithm>
#include <utility>

#include "server/base/log.h"
#include "server/base/status.h"
#include "server/doors/grpc/convert.h"
#include "server/doors/grpc/event_convert.h"

namespace hongyan::doors {

v1::Event ToProto(const storage::StoredEvent& stored) {
  v1::Event event;
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
  return event;
}

async::Task<absl::StatusOr<std::shared_ptr<const EventBatch>>> EventTail::After(
    std::int64_t cursor, async::MonoTime deadline) {
  for (std::shared_ptr<Read> other = Find(cursor); other != nullptr; other = Find(cursor)) {
    if (other->batch != nullptr) co_return other->batch;
    const auto woken = co_await other->done.Wait(deadline);
    if (woken != async::WaitList::Woken::kNotified) {
      co_return base::ErrorBuilder(absl::StatusCode::kDeadlineExceeded,
                                   base::Reason::kStorageUnavailable,
                                   "the storage did not answer in time")
          .Chinese("存储未在时限内答复");
    }
  }
  const auto read = std::make_shared<Read>(cursor, clock_);
  reads_.push_back(read);
  storage::EventFilter all;
  auto page = co_await store_.List(std::move(all), cursor, kTailPage, deadline);
  if (!page.ok() || page->events.empty()) {
    // Nothing to keep: later there may be more. Whoever waited asks anew.
    reads_.remove(read);
    read->done.NotifyAll();
    if (!page.ok()) co_return page.status();
  }
  auto batch = std::make_shared<EventBatch>();
  for (const storage::StoredEvent& stored : page->events) batch->events.push_back(ToProto(stored));
  batch->next_cursor = page->next_cursor;
  batch->more = page->more;
  read->batch = batch;
  read->done.NotifyAll();
  while (reads_.size() > kTailBatches && reads_.front()->batch != nullptr) reads_.pop_front();
  co_return batch;
}

std::shared_ptr<EventTail::Read> EventTail::Find(std::int64_t cursor) const {
  const auto found = std::find_if(reads_.begin(), reads_.end(),
                                  [&](const auto& read) { return read->after == cursor; });
  return found == reads_.end() ? nullptr : *found;
}

}  // namespace hongyan::doors
