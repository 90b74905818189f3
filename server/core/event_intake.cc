#include "server/core/event_intake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/core/dedup_key.h"
#include "server/core/handler_calls.h"
#include "server/core/push_type.h"
#include "server/core/subscriber_effect.h"

namespace hongyan::core {
namespace {

// Two accounts may share a token, and so a signature.
std::string GuardKey(const Account& account, absl::string_view signature) {
  return absl::StrCat(account.name, ":", signature);
}

// Takes the push's text.
model::NewEvent MakeEvent(const Account& account, wechat::OpenedPush& push,
                          const PushClass& push_class, absl::Time now) {
  model::NewEvent event;
  event.account = account.name;
  event.openid = push_class.openid;
  event.type = std::string(push_class.recorded_type());
  if (push.event.create_time) event.create_time = absl::FromUnixSeconds(*push.event.create_time);
  event.receive_time = now;
  event.dedup_key = DedupKey(push.event);
  event.format = push.event.format;
  event.body = std::move(push.text);
  // A message whose form we don't know counts for its sender all the same.
  const bool is_message = push_class.kind == PushClass::Kind::kMessage;
  const bool counts = event.type != kUnknownPush || (is_message && event.create_time);
  if (!event.openid.empty() && counts) event.effect = DeriveEffect(push_class);
  return event;
}

// As storage will give it back, but for the cursor.
model::StoredEvent ToStored(const model::NewEvent& event) {
  model::StoredEvent stored;
  static_cast<model::Event&>(stored) = event;
  stored.receive_time = absl::FromUnixMicros(absl::ToUnixMicros(event.receive_time));
  return stored;
}

}  // namespace

// Held by each push of an event while it is being taken. Of those that are held at the same time
// one answers.
class EventIntake::Turn {
 public:
  Turn(EventIntake& intake, std::string key) : intake_(intake), key_(std::move(key)) {
    std::weak_ptr<bool>& known = intake_.turns_[key_];
    taken_ = known.lock();
    if (taken_ == nullptr) known = taken_ = std::make_shared<bool>(false);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (taken_.use_count() == 1) intake_.turns_.erase(key_);
  }
  bool Take() { return !std::exchange(*taken_, true); }

 private:
  EventIntake& intake_;
  const std::string key_;
  std::shared_ptr<bool> taken_;
};

ReplayGuard::Verdict EventIntake::Look(const Account& account, absl::string_view signature,
                                       const ReplayGuard::Digest& body) {
  return guard_.Look(GuardKey(account, signature), body, clock_.Now());
}

async::Task<EventIntake::Answer> EventIntake::Take(Account& account, std::string signature,
                                                   ReplayGuard::Digest body,
                                                   wechat::OpenedPush& push, absl::Time expires,
                                                   async::MonoTime received) {
  // Kept for as long as this push is being taken, whatever the configuration does.
  const std::shared_ptr<const AccountPolicy> policy = account.policy;
  const PushClass push_class = Classify(push.event);
  Answer answer;
  answer.type = push_class.type;
  const std::string key = GuardKey(account, signature);
  if (guard_.Look(key, body, clock_.Now()) == ReplayGuard::Verdict::kReplay) {
    answer.verdict = Verdict::kReplay;
    co_return answer;
  }
  // Before the wait: nobody may slip another body under the signature meanwhile.
  guard_.Remember(key, body, expires);
  model::NewEvent event = MakeEvent(account, push, push_class, clock_.Now());
  Turn turn(*this, absl::StrCat(account.name, ":", event.dedup_key));
  const Reply* const rule = policy->callback->replies.Find(push.event, push_class);
  // A push of nobody can't be answered.
  const bool asks = rule == nullptr && account.handler != nullptr && !event.openid.empty() &&
                    account.handler->Wants(push_class);
  HandlerCalls* const handler = asks ? account.handler.get() : nullptr;
  HandlerCalls::Arrival arrival;
  model::StoredEvent stored;
  if (handler != nullptr) {
    arrival = handler->Arrive(event.dedup_key);
    stored = ToStored(event);
  }
  const auto recorded =
      co_await store_.Record(std::move(event), async::After(clock_.Mono(), kRecordLimit));
  if (!recorded.ok()) {
    base::Log(base::Level::kError, "event not recorded",
              {{"account", account.name},
               {"type", answer.type},
               {"reason", base::GetReason(recorded.status())},
               {"problem", recorded.status().message()}});
    answer.verdict = Verdict::kUnrecorded;
    co_return answer;
  }
  answer.verdict = recorded->repeated ? Verdict::kRepeat : Verdict::kNew;
  if (!turn.Take()) co_return answer;
  if (rule != nullptr) answer.reply = *rule;
  if (handler != nullptr) {
    stored.cursor = recorded->cursor;
    answer.reply = co_await handler->Answer(std::move(arrival), recorded->repeated,
                                            std::move(stored), received);
  }
  co_return answer;
}

}  // namespace hongyan::core
