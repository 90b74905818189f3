#include "server/api/event_tail.h"

#include <algorithm>
#include <utility>

#include "server/api/stored_event.h"
#include "server/base/status.h"
#include "server/storage/errors.h"

namespace hongyan::api {

void Fill(const storage::EventPage& page, EventBatch& batch) {
  batch.events.resize(page.events.size());
  for (std::size_t i = 0; i < page.events.size(); ++i) ToProto(page.events[i], batch.events[i]);
  batch.next_cursor = page.next_cursor;
  batch.more = page.more;
}

async::Task<absl::StatusOr<std::shared_ptr<const EventBatch>>> EventTail::After(
    std::int64_t cursor, async::MonoTime deadline) {
  for (std::shared_ptr<Read> other = Find(cursor); other != nullptr; other = Find(cursor)) {
    if (other->batch != nullptr) co_return other->batch;
    const auto woken = co_await other->done.Wait(deadline);
    if (woken == async::WaitList::Woken::kCancelled) {
      co_return base::ErrorBuilder(absl::StatusCode::kCancelled, base::Reason::kCancelled,
                                   "the call was cancelled")
          .Chinese("调用已取消");
    }
    if (woken != async::WaitList::Woken::kNotified) {
      co_return storage::ReadTooSlow();
    }
    // Who follows closely mostly finds nothing: had each of many to read by himself, all others
    // would wait for him.
    if (other->batch != nullptr && other->removals == store_.removals()) co_return other->batch;
    // A reader who was cancelled read for himself alone: the others ask anew.
    if (!other->problem.ok() && !absl::IsCancelled(other->problem)) co_return other->problem;
  }
  const auto read = std::make_shared<Read>(cursor, store_.removals(), clock_);
  reads_.push_back(read);
  storage::EventFilter all;
  auto page = co_await store_.List(std::move(all), cursor, kTailPage, deadline, kTailBytes);
  // Later there may be more: only those who wait already get an empty batch.
  if (!page.ok() || page->events.empty()) reads_.remove(read);
  if (!page.ok()) {
    read->problem = page.status();
    read->done.NotifyAll();
    co_return page.status();
  }
  auto batch = std::make_shared<EventBatch>();
  Fill(*page, *batch);
  read->batch = batch;
  read->done.NotifyAll();
  while (reads_.size() > kTailBatches && reads_.front()->batch != nullptr) reads_.pop_front();
  co_return batch;
}

std::shared_ptr<EventTail::Read> EventTail::Find(std::int64_t cursor) const {
  const std::int64_t removals = store_.removals();
  const auto found = std::find_if(reads_.begin(), reads_.end(), [&](const auto& read) {
    return read->after == cursor && read->removals == removals;
  });
  return found == reads_.end() ? nullptr : *found;
}

}  // namespace hongyan::api
