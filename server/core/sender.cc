#include "server/core/sender.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/core/message_rules.h"
#include "server/wechat/message_kind.h"

namespace hongyan::core {
namespace {

using base::ErrorBuilder;
using base::Reason;

absl::Status ClaimError(Idempotency::Verdict verdict, bool set_by_caller) {
  using Verdict = Idempotency::Verdict;
  switch (verdict) {
    case Verdict::kReused:
      return base::InvalidField(
          "idempotency_key", "was used for a different request; take a new key",
          "已用于另一个不同的请求，请换一个新的键", Reason::kIdempotencyKeyReused);
    case Verdict::kCancelled:
      // As when the server stops, which then forgets the key.
      return ErrorBuilder(absl::StatusCode::kUnknown, Reason::kOutcomeUnknown,
                          "given up while a call with the same idempotency_key was on its way; the "
                          "message may have gone out")
          .Chinese("等待相同 idempotency_key 的调用时被中止，消息可能已经发出");
    case Verdict::kDeadline:
      // The twin's request may be on its way, so this is no definite failure.
      return ErrorBuilder(
                 set_by_caller ? absl::StatusCode::kDeadlineExceeded : absl::StatusCode::kUnknown,
                 Reason::kOutcomeUnknown,
                 "a call with the same idempotency_key is still on its way; ask again with "
                 "the same key")
          .Chinese("相同 idempotency_key 的调用仍在进行中，请用同一个键再问");
    default:
      return ErrorBuilder(absl::StatusCode::kResourceExhausted, Reason::kOverloaded,
                          "too many idempotency keys are in flight; nothing was sent")
          .RetryAfter(absl::Seconds(1))
          .Chinese("进行中的 idempotency_key 过多，什么也没有发送");
  }
}

absl::Status Expired() {
  return base::InvalidField("expire_time", "has passed; nothing was sent",
                            "已过期，什么也没有发送");
}

}  // namespace

async::Task<model::Delivery> Sender::Send(Account& account, model::Notification notification,
                                          model::CallLimit limit) {
  model::Delivery delivery;
  delivery.account = account.name;
  delivery.openid = notification.openid;
  delivery.kind = notification.message.kind;
  delivery.idempotency_key = notification.idempotency_key;
  delivery.labels = notification.labels;
  delivery.expire_time = notification.expire_time;
  delivery.create_time = clock_.Now();

  if (notification.validate_only) {
    absl::Status status = co_await Validate(account, notification, delivery, limit);
    if (!status.ok()) {
      delivery.state = model::DeliveryState::kFailed;
      delivery.error = std::move(status);
    }
    co_return delivery;
  }

  if (notification.idempotency_key.empty()) {
    delivery.id = ids_.Next(delivery.create_time);
    co_await Deliver(account, notification, delivery, limit);
    co_return delivery;
  }
  const Idempotency::Claimed claimed = co_await idempotency_.Claim(
      account.name, notification.idempotency_key, Fingerprint(notification), limit.deadline);
  if (claimed.verdict == Idempotency::Verdict::kDone) co_return *claimed.first;
  if (claimed.verdict != Idempotency::Verdict::kMine) {
    delivery.error = ClaimError(claimed.verdict, limit.set_by_caller);
    delivery.state = base::Has(delivery.error, Reason::kOutcomeUnknown)
                         ? model::DeliveryState::kUnknown
                         : model::DeliveryState::kFailed;
    co_return delivery;
  }
  delivery.id = ids_.Next(delivery.create_time);
  co_await Deliver(account, notification, delivery, limit);
  idempotency_.Settle(account.name, notification.idempotency_key, delivery);
  co_return delivery;
}

async::Task<absl::Status> Sender::Validate(Account& account,
                                           const model::Notification& notification,
                                           model::Delivery& delivery, model::CallLimit limit) {
  const std::string& key = notification.idempotency_key;
  if (!key.empty() && idempotency_.StandsForAnother(account.name, key, Fingerprint(notification))) {
    co_return ClaimError(Idempotency::Verdict::kReused, limit.set_by_caller);
  }
  const absl::Status resolved = co_await Resolve(account, notification, delivery, limit);
  if (!resolved.ok()) co_return resolved;
  co_return co_await account.templates.Check(notification.message, limit);
}

async::Task<void> Sender::Deliver(Account& account, const model::Notification& notification,
                                  model::Delivery& delivery, model::CallLimit limit) {
  if (notification.expire_time && *notification.expire_time <= clock_.Now()) {
    Finish(delivery, model::DeliveryState::kExpired, Expired());
    co_return;
  }
  if (notification.expire_time) {
    limit.begin_before = async::After(clock_.Mono(), *notification.expire_time - clock_.Now());
  }
  const absl::Status resolved = co_await Resolve(account, notification, delivery, limit);
  if (!resolved.ok()) {
    Finish(delivery, model::DeliveryState::kFailed, resolved);
    co_return;
  }
  // The delivery's id is the client_msg_id: 26 characters of ASCII, new for each delivery.
  const std::string client_msg_id = notification.idempotency_key.empty() ? "" : delivery.id;
  wechat::SendResult result =
      co_await account.client.Send(delivery.openid, notification.message, client_msg_id, limit);
  delivery.attempts = result.attempts;
  delivery.msg_id = result.msg_id;
  if (!result.status.ok() && result.attempts == 0 && !result.outcome_unknown &&
      clock_.Mono() >= limit.begin_before) {
    Finish(delivery, model::DeliveryState::kExpired, Expired());
    co_return;
  }
  // Before the call: its arguments may be made in any order, and a moved-from status is no longer
  // OK.
  const model::DeliveryState state = result.status.ok()       ? model::DeliveryState::kAccepted
                                     : result.outcome_unknown ? model::DeliveryState::kUnknown
                                                              : model::DeliveryState::kFailed;
  Finish(delivery, state, std::move(result.status));
  NoteAllowance(delivery);
}

async::Task<absl::Status> Sender::Resolve(const Account& account,
                                          const model::Notification& notification,
                                          model::Delivery& delivery, model::CallLimit limit) {
  if (!notification.unionid) co_return absl::OkStatus();
  if (clock_.Mono() >= limit.deadline) {
    co_return ErrorBuilder(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineTooShort,
                           "the deadline has passed; nothing was sent, allow more time")
        .Chinese("已到截止时间，什么也没有发送，请留出更多时间");
  }
  auto openid =
      co_await recipients_.FindOpenid(account.name, *notification.unionid, limit.deadline);
  if (!openid.ok()) co_return base::Annotate(openid.status(), "account", account.name);
  delivery.openid = *std::move(openid);
  co_return absl::OkStatus();
}

void Sender::NoteAllowance(const model::Delivery& delivery) {
  if (!wechat::GetTraits(delivery.kind).spends_allowance) return;
  if (delivery.state == model::DeliveryState::kAccepted ||
      delivery.state == model::DeliveryState::kUnknown) {
    recipients_.Sent(delivery.account, delivery.openid);
  } else if (base::Has(delivery.error, Reason::kResponseWindowClosed)) {
    recipients_.WindowClosed(delivery.account, delivery.openid);
  } else if (base::Has(delivery.error, Reason::kResponseAllowanceUsed)) {
    recipients_.AllowanceUsed(delivery.account, delivery.openid);
  }
}

void Sender::Finish(model::Delivery& delivery, model::DeliveryState state, absl::Status error) {
  const absl::Time now = clock_.Now();
  delivery.state = state;
  delivery.error = base::Annotate(std::move(error), "account", delivery.account);
  if (state == model::DeliveryState::kAccepted) delivery.accept_time = now;
  const wechat::MessageKindTraits& kind = wechat::GetTraits(delivery.kind);
  if (state != model::DeliveryState::kAccepted || !kind.receipt_follows) delivery.finish_time = now;
  metrics_.sends.At({delivery.account, kind.name, model::StateName(state)}).Increment();
  const bool accepted = state == model::DeliveryState::kAccepted;
  base::Log(accepted ? base::Level::kInfo : base::Level::kWarn, "delivery",
            {{"delivery", delivery.id},
             {"account", delivery.account},
             {"kind", kind.name},
             {"state", model::StateName(state)},
             {"attempts", delivery.attempts},
             {"reason", accepted ? std::string() : base::GetReason(delivery.error)},
             {"errcode", accepted ? std::string() : base::GetMetadata(delivery.error, "errcode")},
             {"rid", accepted ? std::string() : base::GetMetadata(delivery.error, "rid")}});
}

async::Task<absl::Status> Sender::SetTyping(Account& account, std::string openid,
                                            std::optional<std::string> unionid, bool cancel,
                                            model::CallLimit limit) {
  const absl::Status status = unionid ? CheckUnionid(*unionid) : CheckOpenid(openid);
  if (!status.ok()) co_return status;
  if (unionid) {
    auto resolved =
        co_await recipients_.FindOpenid(account.name, *std::move(unionid), limit.deadline);
    if (!resolved.ok()) co_return resolved.status();
    openid = *std::move(resolved);
  }
  co_return co_await account.client.SetTyping(std::move(openid), cancel, limit);
}

}  // namespace hongyan::core
