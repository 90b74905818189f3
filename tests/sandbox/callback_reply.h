// The passive reply that a push is answered with.
//
// Contract: strict: XML or JSON as configured and without attributes or DTD, sender and receiver
//           swapped, a type WeChat knows with what that type needs and nothing that it doesn't
//           have, texts of 2048 bytes at most, as many articles as their count says. `success` and
//           nothing at all are plain in every mode; other replies are encrypted in safe mode and
//           may be in compatible mode.
// Errors:   by value: an empty `kind`, and `error` says why.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
#pragma once

#include <string>

#include "callback_body.h"
#include "callback_cipher.h"
#include "callback_settings.h"

namespace hongyan::sandbox {

struct PassiveReply {
  // success, empty, text, or another MsgType; "" = none of what WeChat takes.
  std::string kind;
  std::string text;
  // Why WeChat would show "service failure" instead.
  std::string error;
  // What stood in an encrypted reply.
  std::string decrypted;
};

struct ReplyRules {
  CallbackMode mode = CallbackMode::kPlain;
  CallbackFormat format = CallbackFormat::kXml;
  std::string app_id;
  std::string token;
  // 32 bytes; of the key that the push was encrypted with.
  std::string aes_key;
};

PassiveReply ReadPassiveReply(const std::string& body, const Envelope& sent,
                              const ReplyRules& rules);

}  // namespace hongyan::sandbox
