#include "server/core/handler_calls.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/async/fan_out.h"
#include "server/base/id.h"
#include "server/base/log.h"
#include "server/core/message_rules.h"
#include "server/core/push_type.h"

namespace hongyan::core {
namespace {

constexpr absl::Duration kLateSendLimit = absl::Seconds(10);
constexpr absl::Duration kAfterCancel = absl::Seconds(1);

absl::string_view ClassifyFailure(const absl::Status& failure) {
  if (absl::IsDeadlineExceeded(failure)) return "late";
  return absl::IsDataLoss(failure) ? "invalid" : "failed";
}

}  // namespace

bool HandlerCalls::Wants(const PushClass& push) const {
  return options_.on.empty() || std::any_of(options_.on.begin(), options_.on.end(),
                                            [&](const auto& on) { return IsOn(on, push); });
}

HandlerCalls::Arrival HandlerCalls::Arrive(const std::string& dedup_key) {
  if (const auto found = entries_.find(dedup_key); found != entries_.end()) {
    const std::shared_ptr<Entry>& known = *found->second;
    const bool expired = async::Between(known->arrived, clock_.Mono()) >= kMemory;
    if (!expired || known->state == State::kCalling) return {known, false};
    Forget(found->second);
  }
  if (!MakeRoom()) return {};
  order_.push_back(std::make_shared<Entry>(clock_, dedup_key, clock_.Mono()));
  entries_.emplace(dedup_key, std::prev(order_.end()));
  return {order_.back(), true};
}

// Drops what is expired, and the oldest when all places are taken. No call in flight is forgotten:
// it would be made again.
bool HandlerCalls::MakeRoom() {
  const auto is_calling = [](const auto& entry) { return entry->state == State::kCalling; };
  while (!order_.empty() && !is_calling(order_.front()) &&
         async::Between(order_.front()->arrived, clock_.Mono()) >= kMemory) {
    Forget(order_.begin());
  }
  if (entries_.size() < kMaxRemembered) return true;
  // At most kMaxCalls steps.
  const auto idle = std::find_if_not(order_.begin(), order_.end(), is_calling);
  if (idle == order_.end()) return false;
  if (async::Between((*idle)->arrived, clock_.Mono()) < kMemory) NoteForgotten();
  Forget(idle);
  return true;
}

void HandlerCalls::NoteForgotten() {
  ++forgotten_;
  const async::MonoTime now = clock_.Mono();
  if (logged_at_ && async::Between(*logged_at_, now) < absl::Minutes(1)) return;
  base::Log(base::Level::kWarn,
            "replies forgotten before their 30 s: a push that WeChat repeats gets none",
            {{"account", account_.name}, {"count", forgotten_}});
  forgotten_ = 0;
  logged_at_ = now;
}

void HandlerCalls::Forget(Order::iterator it) {
  entries_.erase((*it)->key);
  order_.erase(it);
}

async::Task<std::optional<Reply>> HandlerCalls::Answer(Arrival arrival, bool repeated,
                                                       model::StoredEvent event,
                                                       async::MonoTime received) {
  if (arrival.entry == nullptr) {
    metrics_.handler_calls.At({account_.name, "overloaded"}).Increment();
    co_return std::nullopt;
  }
  const std::shared_ptr<Entry> entry = std::move(arrival.entry);
  if (entry->state == State::kArrived) {
    // What an earlier process recorded it may have asked for, too.
    if (released_ || (arrival.first && repeated)) {
      Settle(*entry, std::nullopt);
    } else {
      Begin(entry, std::move(event), received);
    }
  }
  const async::MonoTime limit = async::After(received, options_.timeout);
  auto woken = async::WaitList::Woken::kNotified;
  while (entry->state == State::kCalling && woken == async::WaitList::Woken::kNotified) {
    woken = co_await entry->settled.Wait(limit);
  }
  // From here on WeChat has heard `success`: repeats are told the same.
  if (entry->state == State::kCalling && woken == async::WaitList::Woken::kDeadline) {
    Settle(*entry, std::nullopt);
  }
  co_return entry->reply;
}

void HandlerCalls::Settle(Entry& entry, std::optional<Reply> reply) {
  entry.state = State::kSettled;
  entry.reply = std::move(reply);
  entry.settled.NotifyAll();
}

void HandlerCalls::Begin(const std::shared_ptr<Entry>& entry, model::StoredEvent event,
                         async::MonoTime received) {
  entry->state = State::kCalling;
  if (calls_.Spawn(Call(entry, std::move(event), base::RandomHex128(), received))) return;
  metrics_.handler_calls.At({account_.name, "overloaded"}).Increment();
  Settle(*entry, std::nullopt);
}

async::Task<void> HandlerCalls::Call(std::shared_ptr<Entry> entry, model::StoredEvent event,
                                     std::string request_id, async::MonoTime received) {
  const async::MonoTime began = clock_.Mono();
  const absl::Duration limit = std::max(options_.timeout, options_.late_within);
  const absl::Duration left = limit - async::Between(received, began);
  absl::StatusOr<std::optional<Reply>> answer = absl::DeadlineExceededError("no time was left");
  if (left > absl::ZeroDuration()) answer = co_await handler_.Handle(event, request_id, left);
  const absl::Duration took = async::Between(began, clock_.Mono());

  absl::Status broken;  // the rule of WeChat's that the reply breaks
  if (answer.ok() && answer->has_value()) broken = CheckReply(**answer);
  const bool late =
      entry->state == State::kSettled || clock_.Mono() >= async::After(received, options_.timeout);
  absl::string_view outcome = "replied";
  if (!answer.ok()) {
    outcome = ClassifyFailure(answer.status());
  } else if (!answer->has_value()) {
    outcome = "empty";
  } else if (!broken.ok()) {
    outcome = "invalid";
  } else if (late) {
    outcome = "late";
  }
  const bool good = outcome == "replied" || outcome == "empty";
  const absl::string_view kind =
      answer.ok() && answer->has_value() ? ReplyKind(**answer) : absl::string_view();
  if (entry->state == State::kCalling) {
    Settle(*entry, outcome == "replied" ? **answer : std::optional<Reply>());
  }
  if (outcome == "late" && answer.ok() && options_.late_within > absl::ZeroDuration()) {
    outcome = co_await SendLate(event.openid, event.cursor, **answer);
  }
  metrics_.handler_calls.At({account_.name, outcome}).Increment();
  base::Observe(took, metrics_.handler_seconds.At({account_.name}));
  base::Log(good ? base::Level::kInfo : base::Level::kWarn, "handler called",
            {{"request_id", request_id},
             {"account", account_.name},
             {"cursor", event.cursor},
             {"type", event.type},
             {"outcome", outcome},
             {"kind", kind},
             {"code", answer.ok() ? absl::string_view() : base::CodeName(answer.status().code())},
             {"rule", broken.message()},
             {"took_ms", absl::ToInt64Milliseconds(took)}});
}

async::Task<absl::string_view> HandlerCalls::SendLate(std::string openid, std::int64_t cursor,
                                                      Reply reply) {
  const auto* text = std::get_if<wechat::TextReply>(&reply);
  if (text == nullptr || openid.empty()) co_return "late_dropped";
  model::Notification to;
  to.openid = std::move(openid);
  // Whatever may happen here one day: one event, one message.
  to.idempotency_key = absl::StrCat("hongyan-late-reply/", cursor);
  const wechat::TextMessage message{text->content, ""};
  auto notification = AddMessage(std::move(to), message);
  if (!notification.ok()) co_return "late_failed";
  const model::Delivery delivery = co_await sender_.Send(
      account_, *std::move(notification), {async::After(clock_.Mono(), kLateSendLimit), false});
  co_return delivery.state == model::DeliveryState::kAccepted ? "late_sent" : "late_failed";
}

void HandlerCalls::ReleasePushes() {
  released_ = true;
  for (const auto& entry : order_) {
    if (entry->state == State::kCalling) Settle(*entry, std::nullopt);
  }
}

async::Task<void> HandlerCalls::Drain(async::MonoTime until) {
  const bool idle = co_await calls_.Drain(until);
  if (idle) co_return;
  calls_.CancelAll();
  co_await calls_.Drain(async::After(clock_.Mono(), kAfterCancel));
}

async::Task<void> DrainHandlers(std::vector<HandlerCalls*> handlers, async::MonoTime until,
                                async::Executor executor, async::Clock& clock) {
  std::function<async::Task<void>(std::size_t)> drain = [&handlers, until](std::size_t i) {
    return handlers[i]->Drain(until);
  };
  co_await async::FanOut(executor, clock, handlers.size(), handlers.size(), async::NoPatience,
                         std::move(drain));
}

}  // namespace hongyan::core
