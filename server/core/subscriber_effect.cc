#include "server/core/subscriber_effect.h"

#include "absl/strings/string_view.h"

namespace hongyan::core {

model::SubscriberEffect DeriveEffect(const PushClass& push) {
  using Effect = model::SubscriberEffect;
  Effect effect;
  const absl::string_view word = push.word;
  if (push.kind == PushClass::Kind::kMessage) {
    effect.opens = Effect::Opens::kMessageWindow;
    effect.allowance = kMessageAllowance;
    effect.window = kMessageWindow;
    return effect;
  }
  if (word == "subscribe") effect.kind = Effect::Kind::kSubscribe;
  if (word == "unsubscribe") effect.kind = Effect::Kind::kUnsubscribe;
  if (word == "user_info_modified") effect.kind = Effect::Kind::kProfileChanged;
  if (word == "user_authorization_revoke") effect.kind = Effect::Kind::kProfileRevoked;
  if (word == "user_authorization_cancellation") effect.kind = Effect::Kind::kGone;
  // Of the menu's taps these only.
  if (word == "subscribe" || word == "scan" || word == "click" || word == "scancode_push" ||
      word == "scancode_waitmsg") {
    effect.opens = Effect::Opens::kActionWindow;
    effect.allowance = kActionAllowance;
    effect.window = kActionWindow;
  }
  return effect;
}

bool ChangesProfile(model::SubscriberEffect::Kind effect) {
  using Kind = model::SubscriberEffect::Kind;
  return effect == Kind::kSubscribe || effect == Kind::kProfileChanged ||
         effect == Kind::kProfileRevoked;
}

}  // namespace hongyan::core
