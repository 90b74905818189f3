// Pushes one happening: builds it, sends it, tries again as WeChat does, and keeps the ledger.
//
// Contract: without a good answer (HTTP 200 with `success`, nothing, or a valid reply) within the
//           time limit the same body is pushed twice more at most, each time with a new timestamp,
//           nonce and signature; only if the happening or its account wants tries. `repeat` pushes
//           the first try again byte by byte, as if the answer had been lost. What the user sees of
//           it is in the chat: a reply, or the notice of a failure.
// Errors:   a push that fails is a result like any other.
// Threads:  event loop only.       Lifetime: sandbox and pusher outlive the call.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "callback_body.h"
#include "callback_push.h"
#include "fields.h"
#include "push_envelope.h"
#include "push_ledger.h"
#include "sandbox.h"

namespace hongyan::sandbox {

// What every pushing call takes besides its own fields.
struct PushOptions {
  std::string app_id;
  std::string openid;
  Stamp stamp;
  std::string content_type;
  // Instead of the account's own.
  std::string encoding_aes_key;
  std::string random16;
  // Encrypts each try anew.
  bool reseal = false;
  // false: leaves in plain text although the account is in another mode.
  bool encrypt = true;
  int64_t repeat = 0;
  int64_t create_time = 0;
  int64_t time_limit_ms = 5000;
  std::optional<bool> retry;
};

// Something that happened on the platform, ready to be pushed.
struct Happening {
  PushOptions options;
  Envelope envelope;
  boost::json::object fields;
  // The message instead of envelope and fields.
  std::optional<std::string> raw_body;
  // The user stares at his screen: a wrong answer shows as a failure of the account.
  bool expects_answer = false;
};

FieldReader& ReadOptions(FieldReader& reader, PushOptions* options);
// Finds the account and fills in the envelope; the answer is an error or empty.
std::string Begin(Sandbox& sandbox, Happening* happening, Account** account);

struct PushResult {
  int64_t id = 0;
  // Never empty.
  std::vector<PushAttempt> attempts;
};

boost::asio::awaitable<PushResult> RunPush(Sandbox& sandbox, CallbackPusher& pusher,
                                           Happening happening);

}  // namespace hongyan::sandbox
