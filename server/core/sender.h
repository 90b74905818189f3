// Sends one message: claims its idempotency_key, speaks to WeChat, says what became of it. Knows no kinds of messages.
//
// Contract: Send() ends with a Delivery whose state says all: accepted, failed, unknown, expired, or none after
//           validate_only. It never sends twice where the first outcome is unknown.
// Errors:   in Delivery::error; fields are named as in the notification ("openid", "text.content", "template.url").
// Threads:  event loop only.          Lifetime: everything it is given outlives it.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "server/async/clock.h"
#include "server/base/id.h"
#include "server/base/metrics.h"
#include "server/core/accounts.h"
#include "server/core/delivery.h"
#include "server/core/idempotency.h"
#include "server/core/recipients.h"

namespace hongyan::core {

class Sender {
 public:
  Sender(Recipients& recipients, Idempotency& idempotency, async::Clock& clock,
         base::Metrics& metrics)
      : recipients_(recipients), idempotency_(idempotency), clock_(clock), metrics_(metrics) {}

  async::Task<Delivery> Send(Account& account, Notification notification, wechat::CallLimit limit);

  // Shows "typing…" in a chat, or takes it away. `unionid`: instead of the openid.
  async::Task<absl::Status> SetTyping(Account& account, std::string openid,
                                      std::optional<std::string> unionid, bool cancel,
                                      wechat::CallLimit limit);

 private:
  // All that can be checked without sending.
  async::Task<absl::Status> Validate(Account& account, const Notification& notification,
                                     Delivery& delivery, wechat::CallLimit limit);
  async::Task<void> Deliver(Account& account, const Notification& notification, Delivery& delivery,
                            wechat::CallLimit limit);
  // Puts the openid of a unionid into `delivery`.
  async::Task<absl::Status> Resolve(const Account& account, const Notification& notification,
                                    Delivery& delivery, wechat::CallLimit limit);
  // Tells what a customer-service message has cost.
  void NoteAllowance(const Delivery& delivery);
  // Fills in the final state, counts and logs it.
  void Finish(Delivery& delivery, DeliveryState state, absl::Status error);

  Recipients& recipients_;
  Idempotency& idempotency_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  base::IdGenerator ids_;
};

}  // namespace hongyan::core
