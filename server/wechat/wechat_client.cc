#include "server/wechat/wechat_client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/base/text.h"
#include "server/wechat/api_json.h"
#include "server/wechat/errcode.h"
#include "server/wechat/message_kind.h"

namespace hongyan::wechat {
namespace {

using async::After;
using async::MonoTime;
using base::ErrorBuilder;
using base::Reason;

constexpr char kTyping[] = "/cgi-bin/message/custom/typing";
constexpr char kTemplateList[] = "/cgi-bin/template/get_all_private_template";
constexpr char kUserInfo[] = "/cgi-bin/user/info";
constexpr char kUserList[] = "/cgi-bin/user/get";
constexpr char kUserBatch[] = "/cgi-bin/user/info/batchget";

// A request that would have less than this is not begun.
constexpr absl::Duration kLeastTime = absl::Milliseconds(50);
constexpr int kMaxRepeats = 3;
constexpr std::int64_t kQuotaReached = 45009;
constexpr int kQuotaInARow = 3;
constexpr absl::Duration kQuotaPause = absl::Seconds(5);

// How long the same warning about a field isn't repeated.
constexpr absl::Duration kFieldWarningPause = absl::Minutes(10);

}  // namespace

WechatClient::WechatClient(std::string account, AccessToken& token, ApiTransport& transport,
                           async::Clock& clock)
    : account_(std::move(account)), token_(token), transport_(transport), clock_(clock) {}

std::vector<absl::string_view> WechatClient::Apis() {
  std::vector<absl::string_view> apis = {kTyping, kTemplateList, kUserInfo, kUserList, kUserBatch};
  for (const MessageKindTraits& kind : MessageKinds()) apis.push_back(kind.api);
  return apis;  // several kinds may have one; a series exists once
}

async::Task<SendResult> WechatClient::Send(std::string openid, const model::Message& message,
                                           std::string client_msg_id, model::CallLimit limit) {
  const MessageKindTraits& traits = GetTraits(message.kind);
  if (!traits.repeat_recognized) client_msg_id.clear();
  Call call;
  call.path = traits.api;
  call.body = SendBody(openid, message, client_msg_id);
  call.is_send = true;
  call.after_unknown = client_msg_id.empty() ? AfterUnknown::kGiveUp : AfterUnknown::kRepeat;
  call.limit = limit;
  Outcome outcome = co_await Run(call);
  SendResult result{std::move(outcome.status), outcome.unknown, outcome.attempts, 0};
  if (result.status.ok() && traits.receipt_follows) {
    // errcode 0 is WeChat's word that it took the message; without its id only the receipt can't be
    // told.
    const auto msg_id = ReadMsgId(outcome.answer);
    if (msg_id.ok()) {
      result.msg_id = *msg_id;
    } else {
      WarnOfOddFields(call.path, {"msgid"});
    }
  }
  co_return result;
}

async::Task<absl::Status> WechatClient::SetTyping(std::string openid, bool cancel,
                                                  model::CallLimit limit) {
  Call call;
  call.path = kTyping;
  call.body = TypingBody(openid, cancel);
  call.is_send = true;
  call.leaves_nothing = true;
  call.limit = limit;
  Outcome outcome = co_await Run(call);
  co_return outcome.status;
}

async::Task<absl::StatusOr<model::User>> WechatClient::GetUser(std::string openid, std::string lang,
                                                               model::CallLimit limit) {
  Call call;
  call.path = kUserInfo;
  call.query = absl::StrCat("openid=", base::UrlEscape(openid));
  if (!lang.empty()) absl::StrAppend(&call.query, "&lang=", base::UrlEscape(lang));
  call.after_unknown = AfterUnknown::kRepeat;
  call.limit = limit;
  Outcome outcome = co_await Run(call);
  if (!outcome.status.ok()) co_return outcome.status;
  OddFields odd;
  auto user = ReadUser(outcome.answer, openid, odd);
  WarnOfOddFields(call.path, odd);
  if (!user.ok()) co_return Unreadable(call, "openid");
  // To leave it out would read as somebody who has left.
  if (!user->subscribed) co_return Unreadable(call, "subscribe");
  co_return user;
}

async::Task<absl::StatusOr<UserBatch>> WechatClient::GetUsers(std::vector<std::string> openids,
                                                              std::string lang,
                                                              model::CallLimit limit) {
  Call call;
  call.path = kUserBatch;
  call.body = BatchGetBody(openids, lang);
  call.after_unknown = AfterUnknown::kRepeat;
  call.limit = limit;
  Outcome outcome = co_await Run(call);
  if (!outcome.status.ok()) co_return outcome.status;
  OddFields odd;
  auto users = ReadUsers(outcome.answer, odd);
  WarnOfOddFields(call.path, odd);
  if (!users.ok()) co_return Unknown(call, std::string(users.status().message()));
  co_return users;
}

async::Task<absl::StatusOr<FollowerPage>> WechatClient::ListFollowers(std::string next_openid,
                                                                      model::CallLimit limit) {
  Call call;
  call.path = kUserList;
  if (!next_openid.empty()) call.query = absl::StrCat("next_openid=", base::UrlEscape(next_openid));
  call.after_unknown = AfterUnknown::kRepeat;
  call.limit = limit;
  Outcome outcome = co_await Run(call);
  if (!outcome.status.ok()) co_return outcome.status;
  OddFields odd;
  auto page = ReadFollowers(outcome.answer, next_openid, odd);
  WarnOfOddFields(call.path, odd);
  if (!page.ok()) co_return Unknown(call, std::string(page.status().message()));
  co_return page;
}

async::Task<absl::StatusOr<TemplateList>> WechatClient::ListTemplates(model::CallLimit limit) {
  Call call;
  call.path = kTemplateList;
  call.after_unknown = AfterUnknown::kRepeat;
  call.limit = limit;
  Outcome outcome = co_await Run(call);
  if (!outcome.status.ok()) co_return outcome.status;
  OddFields odd;
  auto templates = ReadTemplates(outcome.answer, odd);
  WarnOfOddFields(call.path, odd);
  if (!templates.ok()) co_return Unknown(call, std::string(templates.status().message()));
  co_return templates;
}

async::Task<WechatClient::Outcome> WechatClient::Run(const Call& call) {
  Outcome outcome;
  int repeats = 0;
  bool token_replaced = false;
  bool may_have_gone_out = false;  // an earlier attempt of a repeatable send had no answer
  bool was_busy = false;  // one was answered with -1, which is no proof that nothing was taken
  absl::Status last;      // why the attempt before this one failed
  std::optional<AccessToken::Current> token;

  if (const auto it = quotas_.find(call.path);
      it != quotas_.end() && it->second.exhausted_in_a_row >= kQuotaInARow) {
    if (clock_.Mono() < it->second.closed_until) {
      outcome.status = it->second.error;
      co_return outcome;
    }
    it->second.closed_until = After(clock_.Mono(), kQuotaPause);  // this call alone finds out
  }

  const MonoTime begin_by = std::min(call.limit.deadline, call.limit.begin_before);
  while (true) {
    if (!token) {
      auto got = co_await token_.Get(begin_by);
      if (!got.ok()) {
        last = got.status();
        if (token_.failure_may_pass() && repeats < kMaxRepeats) {
          const bool again = co_await BackOff(repeats++, begin_by);
          if (again) continue;
        }
        break;
      }
      token = *std::move(got);
    }
    if (async::Between(clock_.Mono(), call.limit.deadline) < kLeastTime ||
        clock_.Mono() >= call.limit.begin_before) {
      if (last.ok()) last = TooLate(call);
      break;
    }

    ApiRequest request;
    request.account = account_;
    request.path = call.path;
    request.query = absl::StrCat("access_token=", base::UrlEscape(token->token.Reveal()),
                                 call.query.empty() ? "" : "&", call.query);
    request.body = call.body;
    request.harmless = !call.is_send;
    request.absent_errcode =
        call.is_send ? AbsentErrcode::kIsUnintelligible : AbsentErrcode::kIsZero;
    request.deadline = call.limit.deadline;
    request.begin_by = std::min(call.limit.begin_before, After(call.limit.deadline, -kLeastTime));
    Attempt attempt = co_await transport_.Call(std::move(request));
    if (attempt.outcome != Attempt::Outcome::kNotSent) ++outcome.attempts;

    if (attempt.outcome != Attempt::Outcome::kAnswered) {
      last = WithoutAnswer(call, attempt);
      const bool unknown =
          attempt.outcome == Attempt::Outcome::kUnknown && !IsHarmless(call, attempt);
      // Nothing was taken, so a read may have another try; what asked for less haste has none.
      const bool read_again = attempt.outcome == Attempt::Outcome::kNotNow && !call.is_send &&
                              absl::IsUnavailable(last);
      if ((!unknown && !read_again) || attempt.cancelled) {
        outcome.unknown = call.is_send && unknown;
        break;
      }
      may_have_gone_out |= call.is_send && unknown;
      if (call.after_unknown == AfterUnknown::kRepeat && repeats < kMaxRepeats) {
        const bool again = co_await BackOff(repeats++, begin_by);
        if (again) continue;
      }
      break;
    }

    // Should WeChat ever quote the token, it stops here.
    token_.Blot(&attempt.answer.errmsg);
    last = ToStatus({attempt.answer.errcode, attempt.answer.errmsg, call.path, account_});
    NoteQuota(call.path, attempt.answer.errcode, last);
    const ErrorClass error_class = ClassifyErrcode(attempt.answer.errcode, call.path);
    // A repeat carries the id of this very delivery: what it is a duplicate of is our own earlier
    // attempt.
    const bool own_duplicate = error_class == ErrorClass::kDuplicate &&
                               (may_have_gone_out || (was_busy && call.is_send &&
                                                      call.after_unknown == AfterUnknown::kRepeat));
    if (error_class == ErrorClass::kOk || own_duplicate) {
      outcome.status = absl::OkStatus();
      outcome.answer = std::move(attempt.answer);
      co_return outcome;
    }
    if (error_class == ErrorClass::kToken && !token_replaced) {
      token_replaced = true;
      auto replaced = co_await token_.Replace(token->generation, begin_by);
      if (!replaced.ok() && token_.failure_may_pass() && repeats < kMaxRepeats) {
        token.reset();
        const bool again = co_await BackOff(repeats++, begin_by);
        if (again) continue;
      }
      if (!replaced.ok()) {
        absl::Status status = replaced.status();
        if (base::GetMetadata(status, "api").empty()) {
          // What WeChat said of the old token is still the reason, not how a fetch of a new one
          // failed.
          for (const char* key : {"api", "errcode", "errmsg", "rid"}) {
            status = base::Annotate(std::move(status), key, base::GetMetadata(last, key));
          }
        }
        last = std::move(status);
        break;
      }
      token = *std::move(replaced);
      continue;
    }
    was_busy |= error_class == ErrorClass::kBusy;
    if (error_class == ErrorClass::kBusy && repeats < kMaxRepeats) {
      const bool again = co_await BackOff(repeats++, begin_by);
      if (again) continue;
    }
    break;
  }

  // What a later attempt says definitely doesn't settle an earlier one.
  if (may_have_gone_out && !outcome.unknown) {
    outcome.unknown = true;
    if (!base::Has(last, Reason::kOutcomeUnknown)) {
      last = Unknown(call, std::string(last.message()));
    }
  }
  outcome.status = std::move(last);
  co_return outcome;
}

absl::Status WechatClient::TooLate(const Call& call) const {
  return ErrorBuilder(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineTooShort,
                      "less than 50 ms are left before the deadline; nothing was sent, allow more "
                      "time")
      .With("api", call.path)
      .Chinese("距截止时间不足 50 毫秒，什么也没有发送，请留出更多时间");
}

absl::Status WechatClient::Unknown(const Call& call, const std::string& detail) const {
  if (call.is_send) {
    const bool late = call.limit.set_by_caller && clock_.Mono() >= call.limit.deadline;
    return ErrorBuilder(
               late ? absl::StatusCode::kDeadlineExceeded : absl::StatusCode::kUnknown,
               Reason::kOutcomeUnknown,
               absl::StrCat("the message left for WeChat and no intelligible answer came (", detail,
                            "); it may have arrived: send it again only where twice does no harm"))
        .With("api", call.path)
        .Chinese(
            "消息已发往微信但没有收到可识别的应答，可能已经送达：只有重复送达也无妨时才再次发送");
  }
  return Unusable(call, detail);
}

absl::Status WechatClient::Unusable(const Call& call, const std::string& detail) const {
  const bool late = call.limit.set_by_caller &&
                    async::Between(clock_.Mono(), call.limit.deadline) <= absl::ZeroDuration();
  if (late) {
    return ErrorBuilder(absl::StatusCode::kDeadlineExceeded, Reason::kWechatUnreachable,
                        absl::StrCat("WeChat gave no usable answer before the deadline (", detail,
                                     "); allow more time"))
        .With("api", call.path)
        .Chinese("截止时间前微信没有返回可用的应答，请留出更多时间");
  }
  return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kWechatUnreachable,
                      absl::StrCat("WeChat gave no usable answer (", detail, "); try again later"))
      .With("api", call.path)
      .RetryAfter(absl::Seconds(1))
      .Chinese("微信没有返回可用的应答，请稍后重试");
}

absl::Status WechatClient::Unreadable(const Call& call, absl::string_view field) const {
  return ErrorBuilder(absl::StatusCode::kInternal, Reason::kWechatError,
                      absl::StrCat("WeChat's answer about this person has no usable `", field,
                                   "`; asking again brings the same"))
      .SaidByWechat()
      .With("api", call.path)
      .Chinese(absl::StrCat("微信对此用户的应答缺少可用的 ", field, "，重试不会有变化"));
}

absl::Status WechatClient::WithoutAnswer(const Call& call, const Attempt& attempt) const {
  const bool caller_late =
      call.limit.set_by_caller && async::Between(clock_.Mono(), call.limit.deadline) < kLeastTime;
  if (attempt.cancelled && !call.is_send) {
    return ErrorBuilder(absl::StatusCode::kCancelled, Reason::kCancelled, "the call was cancelled")
        .With("api", call.path)
        .Chinese("调用方已取消");
  }
  if (attempt.cancelled && attempt.outcome == Attempt::Outcome::kNotSent) {
    return ErrorBuilder(absl::StatusCode::kCancelled, Reason::kCancelled,
                        "the call was cancelled before anything was sent")
        .With("api", call.path)
        .Chinese("调用方已取消，什么也没有发送");
  }
  if (attempt.outcome == Attempt::Outcome::kNotSent && caller_late) return TooLate(call);
  if (attempt.busy) {
    return ErrorBuilder(absl::StatusCode::kResourceExhausted, Reason::kOverloaded,
                        "all connections to WeChat are in use; nothing was sent, try again in a "
                        "second or raise wechat.max_connections")
        .With("api", call.path)
        .RetryAfter(absl::Seconds(1))
        .Chinese(
            "到微信的连接已全部占用，什么也没有发送，请一秒后重试或调大 wechat.max_connections");
  }
  switch (attempt.outcome) {
    case Attempt::Outcome::kRejected:
    case Attempt::Outcome::kNotNow:
      return RefusalStatus(attempt, call.path);
    case Attempt::Outcome::kNotSent:
      return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kWechatUnreachable,
                          absl::StrCat("WeChat can't be reached (", attempt.detail,
                                       "); nothing was sent, try again later"))
          .With("api", call.path)
          .RetryAfter(absl::Seconds(1))
          .Chinese(
              absl::StrCat("无法连接微信（", attempt.detail, "），什么也没有发送，请稍后重试"));
    default:
      return IsHarmless(call, attempt) ? Unusable(call, attempt.detail)
                                       : Unknown(call, attempt.detail);
  }
}

async::Task<bool> WechatClient::BackOff(int repeat, MonoTime deadline) {
  absl::BitGen random;
  const absl::Duration pause = absl::Seconds(1 << repeat) * (1 + absl::Uniform(random, 0.0, 0.25));
  const MonoTime when = After(clock_.Mono(), pause);
  if (async::Between(when, deadline) < kLeastTime) co_return false;
  const auto alarm = clock_.NewAlarm();
  co_return co_await alarm->WaitUntil(when);
}

// Somebody else answered for WeChat, and there is no message whose fate would be unknown.
bool WechatClient::IsHarmless(const Call& call, const Attempt& attempt) {
  return call.leaves_nothing && attempt.foreign;
}

void WechatClient::WarnOfOddFields(const std::string& path, const OddFields& fields) {
  const MonoTime now = clock_.Mono();
  for (const std::string& field : fields) {
    const auto [it, is_new] = warned_.try_emplace({path, field}, now);
    if (!is_new && async::Between(it->second, now) < kFieldWarningPause) continue;
    it->second = now;
    base::Log(base::Level::kWarn, "odd field in an answer of WeChat, taken as absent",
              {{"account", account_}, {"api", path}, {"field", field}});
  }
}

void WechatClient::NoteQuota(const std::string& path, std::int64_t errcode,
                             const absl::Status& status) {
  if (errcode != kQuotaReached) {
    const auto it = quotas_.find(path);
    if (it != quotas_.end()) it->second = Quota{};
    return;
  }
  Quota& quota = quotas_[path];
  if (++quota.exhausted_in_a_row < kQuotaInARow) return;
  quota.closed_until = After(clock_.Mono(), kQuotaPause);
  quota.error = status;
}

}  // namespace hongyan::wechat
