#include "push_run.h"

#include <boost/json/serialize.hpp>
#include <utility>

#include "callback_cipher.h"

namespace hongyan::sandbox {
namespace {

namespace asio = boost::asio;

constexpr int kTriesOfWeChat = 3;

std::string TextOf(const json::object& fields, const char* name) {
  const json::value* value = fields.if_contains(name);
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

PushRecord RecordOf(const Happening& happening, const AccountSettings& settings, CallbackMode mode,
                    const std::string& message, Time now) {
  const Stamp& stamp = happening.options.stamp;
  PushRecord record;
  record.time_ms = ToMillis(now);
  record.app_id = settings.app_id;
  record.openid = happening.options.openid;
  record.msg_type = happening.envelope.msg_type;
  record.event = TextOf(happening.fields, "Event");
  record.event_key = TextOf(happening.fields, "EventKey");
  record.msg_id = TextOf(happening.fields, "MsgId") + TextOf(happening.fields, "MsgID");
  record.create_time = happening.envelope.create_time;
  record.mode = NameOf(mode);
  record.format = NameOf(settings.callback.format);
  record.message = message;
  record.forged =
      !stamp.signature.empty() || !stamp.msg_signature.empty() || mode != settings.callback.mode;
  return record;
}

// What the user sees of the answer.
void ShowAnswer(Sandbox& sandbox, const Happening& happening, const PushAttempt& last) {
  Account* account = sandbox.platform.Find(happening.options.app_id);
  if (account == nullptr) return;
  ChatLine line;
  if (last.Good()) {
    if (last.reply.kind == "success" || last.reply.kind == "empty") return;
    line.kind = "passive_reply";
    line.text = last.reply.text;
  } else if (happening.expects_answer) {
    line.kind = "service_failure";
    line.text = "该公众号提供的服务出现故障，请稍后再试";
  } else {
    return;
  }
  account->Say(happening.options.openid, std::move(line));
}

// The tries of one push, which may outlive its account.
class Run {
 public:
  Run(Sandbox& sandbox, CallbackPusher& pusher, const Happening& happening,
      AccountSettings settings)
      : sandbox_(sandbox),
        pusher_(pusher),
        happening_(happening),
        settings_(std::move(settings)),
        mode_(happening.options.encrypt ? settings_.callback.mode : CallbackMode::kPlain) {
    const std::string& other_key = happening_.options.encoding_aes_key;
    const std::string& own_key = settings_.callback.encoding_aes_key;
    key_ = AesKey(other_key.empty() ? own_key : other_key).value_or("");
    if (happening_.raw_body.has_value()) {
      message_ = *happening_.raw_body;
    } else if (settings_.callback.format == CallbackFormat::kJson) {
      message_ = WriteCallbackJson(happening_.envelope, happening_.fields);
    } else {
      message_ = WriteCallbackXml(happening_.envelope, happening_.fields);
    }
    Reseal();
    result_.id = sandbox_.pushes.Add(
        RecordOf(happening_, settings_, mode_, message_, sandbox_.platform.clock.Now()));
  }

  asio::awaitable<PushResult> All() {
    const int64_t epoch = sandbox_.epoch;
    const bool retries = happening_.options.retry.value_or(settings_.callback.retry);
    Stamp first = Stamped();
    const SealedPush first_sealed = sealed_;
    for (int64_t turn = 0; turn <= happening_.options.repeat; ++turn) {
      Stamp stamp = first;
      sealed_ = first_sealed;
      for (int attempt = 1; attempt <= (retries ? kTriesOfWeChat : 1); ++attempt) {
        if (attempt > 1) {
          if (happening_.options.reseal) Reseal();
          stamp = Stamped();
        }
        const bool good = co_await Try(turn, stamp);
        if (good) break;
      }
      if (turn == 0 && epoch == sandbox_.epoch) {
        ShowAnswer(sandbox_, happening_, result_.attempts.back());
      }
    }
    sandbox_.pushes.Settle(result_.id);
    co_return std::move(result_);
  }

 private:
  void Reseal() {
    sealed_ = Seal(settings_, message_, mode_, key_, happening_.options.random16,
                   sandbox_.platform.random);
  }
  Stamp Stamped() {
    Stamp stamp = happening_.options.stamp;
    Complete(&stamp, settings_.callback.token, sealed_.encrypt, sandbox_.platform);
    return stamp;
  }

  asio::awaitable<bool> Try(int64_t turn, Stamp stamp) {
    PushRequest request;
    request.method = "POST";
    request.url = settings_.callback.url;
    request.query = SignedQuery(stamp, happening_.options.openid, sealed_.encrypt);
    request.content_type = happening_.options.content_type.empty()
                               ? sealed_.content_type
                               : happening_.options.content_type;
    request.body = sealed_.body;
    request.time_limit = std::chrono::milliseconds(happening_.options.time_limit_ms);
    const int64_t epoch = sandbox_.epoch;
    PushAttempt attempt;
    attempt.time_ms = ToMillis(sandbox_.platform.clock.Now());
    attempt.turn = turn;
    attempt.timestamp = stamp.timestamp;
    attempt.nonce = stamp.nonce;
    attempt.outcome = co_await pusher_.Push(std::move(request));
    const bool answered = attempt.outcome.error.empty();
    if (answered) {
      const ReplyRules rules = {mode_, settings_.callback.format, settings_.app_id,
                                settings_.callback.token, key_};
      attempt.reply = ReadPassiveReply(attempt.outcome.body, happening_.envelope, rules);
    }
    const bool good = attempt.Good();
    if (epoch == sandbox_.epoch) {
      if (attempt.outcome.status == 200 && !good) ++sandbox_.counters.wrong_callback_replies;
      sandbox_.pushes.AddAttempt(result_.id, attempt);
    }
    result_.attempts.push_back(std::move(attempt));
    co_return good;
  }

  Sandbox& sandbox_;
  CallbackPusher& pusher_;
  const Happening& happening_;
  const AccountSettings settings_;
  const CallbackMode mode_;
  std::string key_;
  std::string message_;
  SealedPush sealed_;
  PushResult result_;
};

}  // namespace

FieldReader& ReadOptions(FieldReader& reader, PushOptions* options) {
  bool retry = false;
  const bool has_retry = reader.Has("retry");
  reader.String("app_id", &options->app_id)
      .String("openid", &options->openid)
      .String("timestamp", &options->stamp.timestamp)
      .String("nonce", &options->stamp.nonce)
      .String("signature", &options->stamp.signature)
      .String("msg_signature", &options->stamp.msg_signature)
      .String("content_type", &options->content_type)
      .String("encoding_aes_key", &options->encoding_aes_key)
      .String("random16", &options->random16)
      .Bool("encrypt", &options->encrypt)
      .Bool("reseal", &options->reseal)
      .Int("repeat", 0, 1000, &options->repeat)
      .Int("create_time", INT64_MIN, INT64_MAX, &options->create_time)
      .Int("time_limit_ms", 1, 60000, &options->time_limit_ms)
      .Bool("retry", &retry);
  if (has_retry) options->retry = retry;
  return reader;
}

std::string Begin(Sandbox& sandbox, Happening* happening, Account** account) {
  PushOptions& options = happening->options;
  if (!options.encoding_aes_key.empty() && !AesKey(options.encoding_aes_key).has_value()) {
    return "encoding_aes_key: 43 letters and digits expected";
  }
  if (!options.random16.empty() && options.random16.size() != 16) {
    return "random16: 16 bytes expected";
  }
  *account = sandbox.platform.FindOrOnly(options.app_id);
  if (*account == nullptr) return "app_id: no such account";
  const AccountSettings& settings = (*account)->settings;
  options.app_id = settings.app_id;
  happening->envelope.to_user = settings.original_id;
  happening->envelope.from_user = options.openid;
  happening->envelope.create_time =
      options.create_time != 0 ? options.create_time : ToSeconds(sandbox.platform.clock.Now());
  return "";
}

asio::awaitable<PushResult> RunPush(Sandbox& sandbox, CallbackPusher& pusher, Happening happening) {
  const Account* account = sandbox.platform.Find(happening.options.app_id);
  if (account == nullptr) co_return PushResult{0, {PushAttempt()}};
  Run run(sandbox, pusher, happening, account->settings);
  PushResult result = co_await run.All();
  co_return result;
}

}  // namespace hongyan::sandbox
