// What happens to a verified push: recorded once, and perhaps answered at once.
//
// Contract: Take() judges a push whose signature is right. It ends when the event is on the disk,
//           or after kRecordLimit with kUnrecorded: WeChat then repeats it. A repeat is answered
//           like the first time and recorded once, however it is signed; one that comes while
//           another push of the event is still being taken has no reply, or the user would see two.
//           A body that comes under the signature of another one is refused. kReplay and
//           kUnrecorded have no reply.
// Bounds:   those of ReplayGuard and StorageThread, over all accounts; no more events are being
//           taken at once than the callback listener has connections.
// Threads:  event loop only.
// Lifetime: store, clock and the accounts outlive it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/core/accounts.h"
#include "server/core/handler_calls.h"
#include "server/core/replay_guard.h"
#include "server/core/reply.h"
#include "server/storage/event_store.h"
#include "server/wechat/push_opener.h"

namespace hongyan::core {

// WeChat waits five seconds; what storage can't do in this time comes again.
inline constexpr absl::Duration kRecordLimit = absl::Seconds(2);

class EventIntake {
 public:
  enum class Verdict { kNew, kRepeat, kReplay, kUnrecorded };
  struct Answer {
    Verdict verdict = Verdict::kNew;
    absl::string_view type;      // PushClass::type
    std::optional<Reply> reply;  // none: `success`
  };

  EventIntake(storage::EventStore& store, async::Clock& clock) : store_(store), clock_(clock) {}

  // Whether `body` was seen before under this signature; nothing is remembered. For asking before
  // the body is parsed.
  ReplayGuard::Verdict Look(const Account& account, absl::string_view signature,
                            const ReplayGuard::Digest& body);
  // `account` has a callback. The push's text is moved away, the rest stays. `expires`: when the
  // signature stops being accepted. `received`: when the request began to come in; the handler's
  // time runs from there.
  async::Task<Answer> Take(Account& account, std::string signature, ReplayGuard::Digest body,
                           wechat::OpenedPush& push, absl::Time expires, async::MonoTime received);

  const ReplayGuard& guard() const { return guard_; }

 private:
  class Turn;

  // By account and dedup key of the events that are being taken: whether one of their pushes has
  // been chosen to answer.
  absl::flat_hash_map<std::string, std::weak_ptr<bool>> turns_;
  storage::EventStore& store_;
  async::Clock& clock_;
  ReplayGuard guard_;
};

}  // namespace hongyan::core
