// Sends one message: claims its idempotency_key, speaks to WeChat, says what became of it. Knows no
// kinds of messages.
//
// Contract: Send() ends with a Delivery whose state says all: accepted, failed, unknown, expired,
//           or none after validate_only. It never sends twice where the first outcome is unknown.
// Errors:   in Delivery::error; fields are named as in the notification ("openid", "text.content",
//           "template.url").
// Threads:  event loop only.          Lifetime: everything it is given outlives it.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "server/async/clock.h"
#include "server/base/id.h"
#include "server/base/metrics.h"
#include "server/core/accounts.h"
#include "server/core/idempotency.h"
#include "server/core/recipients.h"
#include "server/model/delivery.h"

namespace hongyan::core {

class Sender {
 public:
  Sender(Recipients& recipients, Idempotency& idempotency, async::Clock& clock,
         base::Metrics& metrics)
      : recipients_(recipients), idempotency_(idempotency), clock_(clock), metrics_(metrics) {}

  async::Task<model::Delivery> Send(Account& account, model::Notification notification,
                                    model::CallLimit limit);

  // Shows "typing…" in a chat, or takes it away. `unionid`: instead of the openid.
  async::Task<absl::Status> SetTyping(Account& account, std::string openid,
                                      std::optional<std::string> unionid, bool cancel,
                                      model::CallLimit limit);

 private:
  // All that can be checked without sending.
  async::Task<absl::Status> Validate(Account& account, const model::Notification& notification,
                                     model::Delivery& delivery, model::CallLimit limit);
  async::Task<void> Deliver(Account& account, const model::Notification& notification,
                            model::Delivery& delivery, model::CallLimit limit);
  // Puts the openid of a unionid into `delivery`.
  async::Task<absl::Status> Resolve(const Account& account, const model::Notification& notification,
                                    model::Delivery& delivery, model::CallLimit limit);
  // Tells what a customer-service message has cost.
  void NoteAllowance(const model::Delivery& delivery);
  // Fills in the final state, counts and logs it.
  void Finish(model::Delivery& delivery, model::DeliveryState state, absl::Status error);

  Recipients& recipients_;
  Idempotency& idempotency_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  base::IdGenerator ids_;
};

}  // namespace hongyan::core
