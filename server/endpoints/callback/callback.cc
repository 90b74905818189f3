#include "server/endpoints/callback/callback.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "server/base/log.h"
#include "server/base/text.h"
#include "server/wechat/passive_reply.h"
#include "server/wechat/pushed_event.h"
#include "server/wechat/signature.h"

namespace hongyan::endpoints {
namespace {

using core::ReplayGuard;
using http::HttpReply;
using http::RequestHead;
using Verdict = CallbackEndpoint::Verdict;

constexpr std::size_t kMaxEchostr = 1024;
constexpr std::size_t kMaxNonce = 128;
constexpr absl::Duration kBetweenSkewWarnings = absl::Hours(1);
constexpr absl::Duration kBetweenPathWarnings = absl::Minutes(1);
constexpr absl::Duration kBetweenRefusals = absl::Seconds(1);
constexpr std::size_t kMaxLoggedPath = 128;
constexpr absl::Duration kMemoryWithoutWindow = absl::Minutes(10);

Verdict Refusal(int status, absl::string_view outcome) {
  Verdict verdict;
  verdict.reply.status = status;
  verdict.outcome = outcome;
  return verdict;
}

Verdict Ok(absl::string_view outcome, std::string content_type, std::string body) {
  Verdict verdict;
  verdict.reply.content_type = std::move(content_type);
  verdict.reply.body = std::move(body);
  verdict.outcome = outcome;
  return verdict;
}

std::size_t Count(const RequestHead& head, absl::string_view name) {
  return std::count_if(head.query.begin(), head.query.end(),
                       [&](const auto& pair) { return pair.first == name; });
}

absl::string_view Parameter(const RequestHead& head, absl::string_view name) {
  for (const auto& [key, value] : head.query) {
    if (key == name) return value;
  }
  return {};
}

bool OnceAndNotEmpty(const RequestHead& head, absl::string_view name) {
  return Count(head, name) == 1 && !Parameter(head, name).empty();
}

// The signature has no separators: digits moved from the nonce to the timestamp give the same one.
// A timestamp of ten digits leaves few ways to cut, and those are outside of the window.
bool HasLawfulForm(absl::string_view timestamp, absl::string_view nonce) {
  return timestamp.size() == 10 &&
         std::all_of(timestamp.begin(), timestamp.end(), absl::ascii_isdigit) &&
         nonce.size() <= kMaxNonce && base::IsVisibleAscii(nonce);
}

absl::Time ReadTimestamp(const RequestHead& head) {
  std::int64_t seconds = 0;
  if (!absl::SimpleAtoi(Parameter(head, "timestamp"), &seconds)) return absl::InfinitePast();
  return absl::FromUnixSeconds(seconds);
}

// None for a push that doesn't say whom to answer, or when it can't be encrypted.
std::optional<std::string> Reply(const wechat::PushOpener& opener, const wechat::OpenedPush& push,
                                 const core::Reply& reply, absl::Time now,
                                 absl::string_view nonce) {
  const wechat::PushedEvent& event = push.event;
  if (event.from_user.empty() || event.to_user.empty()) return std::nullopt;
  std::string plain = event.format == model::BodyFormat::kJson
                          ? wechat::WriteReplyJson(event.from_user, event.to_user, now, reply)
                          : wechat::WriteReplyXml(event.from_user, event.to_user, now, reply);
  auto sealed = opener.Seal(push, std::move(plain), now, nonce);
  if (!sealed.ok()) return std::nullopt;
  return *std::move(sealed);
}

}  // namespace

std::optional<HttpReply> CallbackEndpoint::CheckHead(const RequestHead& head) {
  auto refusal = Refuse(head, clock_.Now());
  if (!refusal) return std::nullopt;
  return Counted(head, *std::move(refusal));
}

async::Task<HttpReply> CallbackEndpoint::Handle(RequestHead head, std::string body) {
  core::Account* const account = accounts_.FindByPath(head.path);
  if (account == nullptr) co_return Counted(head, Refusal(404, "not_found"));
  if (head.method == "GET") {
    co_return Counted(head, Ok("verified", "text/plain", std::string(Parameter(head, "echostr"))));
  }
  Verdict verdict = co_await AnswerPush(*account, head, body);
  co_return Counted(head, std::move(verdict));
}

std::optional<Verdict> CallbackEndpoint::Refuse(const RequestHead& head, absl::Time now) {
  const core::Account* const account = accounts_.FindByPath(head.path);
  if (account == nullptr) return Refusal(404, "not_found");
  const core::CallbackPolicy& policy = *account->policy->callback;
  const bool is_get = head.method == "GET";
  if (!is_get && head.method != "POST") {
    Verdict verdict = Refusal(405, "invalid");
    verdict.reply.allow = "GET, POST";
    return verdict;
  }
  for (const absl::string_view name : {"signature", "timestamp", "nonce"}) {
    if (!OnceAndNotEmpty(head, name)) return Refusal(400, "invalid");
  }
  if (is_get && !OnceAndNotEmpty(head, "echostr")) return Refusal(400, "invalid");
  for (const absl::string_view name : {"encrypt_type", "msg_signature"}) {
    if (Count(head, name) > 1) return Refusal(400, "invalid");
  }

  const absl::string_view timestamp = Parameter(head, "timestamp");
  const absl::string_view nonce = Parameter(head, "nonce");
  const bool matches =
      wechat::SignatureMatches(policy.token, timestamp, nonce, Parameter(head, "signature"));
  if (!matches || !HasLawfulForm(timestamp, nonce)) return Refusal(403, "forbidden");
  if (!NoteSkew(now - ReadTimestamp(head))) return Refusal(403, "stale");
  if (is_get && Parameter(head, "echostr").size() > kMaxEchostr) return Refusal(400, "invalid");
  if (is_get) return std::nullopt;
  const bool says_encrypted = Parameter(head, "encrypt_type") == "aes";
  if (says_encrypted && !policy.opener.encrypted()) return Refusal(403, "encrypted");
  if (policy.opener.encrypted() && !(says_encrypted && OnceAndNotEmpty(head, "msg_signature"))) {
    return Refusal(403, "unencrypted");
  }
  return std::nullopt;
}

bool CallbackEndpoint::NoteSkew(absl::Duration skew) {
  metrics_.callback_clock_skew->Set(absl::ToDoubleSeconds(skew));
  if (window_ == absl::ZeroDuration() || absl::AbsDuration(skew) <= window_) return true;
  const async::MonoTime now = clock_.Mono();
  if (!last_skew_warning_ || async::Between(*last_skew_warning_, now) >= kBetweenSkewWarnings) {
    base::Log(base::Level::kWarn,
              "a signed request has a timestamp far off: check the clock, unless it was repeated",
              {{"skew_seconds", absl::ToInt64Seconds(skew)}});
    last_skew_warning_ = now;
  }
  return false;
}

async::Task<Verdict> CallbackEndpoint::AnswerPush(core::Account& account, const RequestHead& head,
                                                  const std::string& body) {
  // Kept for as long as the push is answered, whatever the configuration does.
  const std::shared_ptr<const core::AccountPolicy> policy = account.policy;
  const wechat::PushOpener& opener = policy->callback->opener;
  const absl::string_view nonce = Parameter(head, "nonce");
  const absl::string_view msg_signature = Parameter(head, "msg_signature");
  const std::string signature(opener.encrypted() ? msg_signature : Parameter(head, "signature"));
  const ReplayGuard::Digest digest = ReplayGuard::ComputeDigest(body);
  if (intake_.Look(account, signature, digest) == ReplayGuard::Verdict::kReplay) {
    co_return Refusal(403, "replay");
  }
  auto push = opener.Open(Parameter(head, "timestamp"), nonce, msg_signature, body);
  if (absl::IsPermissionDenied(push.status())) co_return Refusal(403, "forbidden");
  if (!push.ok()) co_return Refusal(400, "invalid");

  const absl::Time expires = window_ > absl::ZeroDuration() ? ReadTimestamp(head) + window_
                                                            : clock_.Now() + kMemoryWithoutWindow;
  const core::EventIntake::Answer answer =
      co_await intake_.Take(account, signature, digest, *push, expires, head.received_mono);
  base::RaiseTo(intake_.guard().evictions(), metrics_.signatures_forgotten);
  Verdict verdict = Ok("ok", "text/plain", "success");
  switch (answer.verdict) {
    case core::EventIntake::Verdict::kNew:
      break;
    case core::EventIntake::Verdict::kRepeat:
      verdict.outcome = "repeated";
      break;
    case core::EventIntake::Verdict::kReplay:
      co_return Refusal(403, "replay");
    case core::EventIntake::Verdict::kUnrecorded:
      verdict = Refusal(503, "unrecorded");
      break;
  }
  verdict.type = answer.type;
  if (!answer.reply) co_return verdict;
  if (auto reply = Reply(opener, *push, *answer.reply, clock_.Now(), nonce)) {
    verdict.reply.content_type = push->event.format == model::BodyFormat::kJson
                                     ? "application/json"
                                     : "application/xml; charset=utf-8";
    verdict.reply.body = *std::move(reply);
  }
  co_return verdict;
}

HttpReply CallbackEndpoint::Counted(const RequestHead& head, Verdict verdict) {
  const core::Account* const found = accounts_.FindByPath(head.path);
  const absl::string_view account =
      found == nullptr ? absl::string_view("unknown") : absl::string_view(found->name);
  metrics_.callbacks.At({account, verdict.type, verdict.outcome}).Increment();
  const absl::Duration took = async::Between(head.received_mono, clock_.Mono());
  base::Observe(took, metrics_.callback_seconds.At({account}));
  if (verdict.reply.status == 404) {
    WarnOfWrongPath(head);
    LogRefusal(account, verdict.outcome, 404, head.peer, head.path);
  } else if (verdict.reply.status >= 400) {
    LogRefusal(account, verdict.outcome, verdict.reply.status, head.peer);
  }
  return std::move(verdict.reply);
}

void CallbackEndpoint::OnRefused(int status, absl::string_view peer) {
  const absl::string_view outcome = status == 0                                       ? "over_limit"
                                    : status == 408                                   ? "timeout"
                                    : status == 413 || status == 414 || status == 431 ? "too_large"
                                                                                      : "malformed";
  metrics_.callbacks.At({"unknown", "unknown", outcome}).Increment();
  LogRefusal("unknown", outcome, status, peer);
}

void CallbackEndpoint::OnEvicted(absl::string_view peer) {
  metrics_.callbacks.At({"unknown", "unknown", "evicted"}).Increment();
  LogRefusal("unknown", "evicted", 0, peer);
}

void CallbackEndpoint::WarnOfWrongPath(const RequestHead& head) {
  for (const absl::string_view name : {"signature", "timestamp", "nonce"}) {
    if (!OnceAndNotEmpty(head, name)) return;
  }
  const async::MonoTime now = clock_.Mono();
  if (last_path_warning_ && async::Between(*last_path_warning_, now) < kBetweenPathWarnings) {
    ++path_warnings_suppressed_;
    return;
  }
  // Where nobody's token has signed it, any account's path shows what one looks like.
  const core::Account* signer = nullptr;
  std::string expected;
  for (const core::Account& account : accounts_.all()) {
    if (!account.policy->callback) continue;
    const core::CallbackPolicy& policy = *account.policy->callback;
    const bool signed_by_it =
        wechat::SignatureMatches(policy.token, Parameter(head, "timestamp"),
                                 Parameter(head, "nonce"), Parameter(head, "signature"));
    if (signed_by_it || expected.empty()) expected = policy.path;
    if (!signed_by_it) continue;
    signer = &account;
    break;
  }
  base::Log(base::Level::kWarn, "callback to a path that no account has",
            {{"path", base::Printable(head.path, kMaxLoggedPath)},
             {"account", signer == nullptr ? std::string() : signer->name},
             {"expected_path", expected},
             {"remedy",
              "the URL in WeChat's console must end in the account's callback.path, and a proxy "
              "must pass the path on unchanged"},
             {"suppressed", path_warnings_suppressed_}});
  last_path_warning_ = now;
  path_warnings_suppressed_ = 0;
}

void CallbackEndpoint::LogRefusal(absl::string_view account, absl::string_view outcome, int status,
                                  absl::string_view peer, absl::string_view path) {
  const async::MonoTime now = clock_.Mono();
  if (last_log_ && async::Between(*last_log_, now) < kBetweenRefusals) {
    ++suppressed_;
    return;
  }
  base::Log(base::Level::kInfo, "callback refused",
            {{"account", account},
             {"outcome", outcome},
             {"status", status},
             {"peer", peer},
             {"path", base::Printable(path, kMaxLoggedPath)},
             {"suppressed", suppressed_}});
  last_log_ = now;
  suppressed_ = 0;
}

}  // namespace hongyan::endpoints
