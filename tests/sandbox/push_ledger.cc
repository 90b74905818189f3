#include "push_ledger.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <utility>

#include "text.h"

namespace hongyan::sandbox {
namespace {

namespace json = boost::json;

constexpr size_t kMostPushes = 300000;
constexpr size_t kMostBytes = 256 << 20;
constexpr size_t kMostAnswerBytes = 4096;
constexpr size_t kMostListeners = 1000;

size_t BytesOf(const PushRecord& record) {
  size_t bytes = record.message.size();
  for (const PushAttempt& attempt : record.attempts) {
    bytes += attempt.outcome.body.size() + attempt.reply.decrypted.size();
  }
  return bytes;
}

json::string Shown(const std::string& text) { return json::string(CleanUtf8(text)); }

}  // namespace

bool PushFilter::Matches(const PushRecord& record) const {
  const bool right_outcome = outcome.empty() || outcome == record.outcome ||
                             (outcome == "delivered" && record.Delivered());
  return record.id > after_id && right_outcome && (app_id.empty() || record.app_id == app_id) &&
         (openid.empty() || record.openid == openid) &&
         (msg_type.empty() || record.msg_type == msg_type) &&
         (event.empty() || record.event == event);
}

int64_t PushLedger::Add(PushRecord record) {
  record.id = next_id_++;
  bytes_ += BytesOf(record);
  records_.push_back(std::move(record));
  while (records_.size() > kMostPushes || (bytes_ > kMostBytes && records_.size() > 1)) {
    bytes_ -= BytesOf(records_.front());
    records_.pop_front();
    ++dropped_;
  }
  return records_.back().id;
}

PushRecord* PushLedger::Find(int64_t id) {
  if (records_.empty() || id < records_.front().id || id > records_.back().id) return nullptr;
  return &records_[static_cast<size_t>(id - records_.front().id)];
}

void PushLedger::AddAttempt(int64_t id, PushAttempt attempt) {
  PushRecord* record = Find(id);
  if (record == nullptr) return;
  for (std::string* text : {&attempt.outcome.body, &attempt.reply.decrypted, &attempt.reply.text}) {
    if (text->size() > kMostAnswerBytes) text->resize(kMostAnswerBytes);
  }
  bytes_ += attempt.outcome.body.size() + attempt.reply.decrypted.size();
  record->attempts.push_back(std::move(attempt));
}

void PushLedger::Settle(int64_t id) {
  PushRecord* record = Find(id);
  if (record == nullptr || record->outcome != "pending") return;
  record->outcome = "failed";
  for (const PushAttempt& attempt : record->attempts) {
    if (!attempt.Good()) continue;
    const std::string& kind = attempt.reply.kind;
    record->outcome = kind == "success" || kind == "empty" ? kind : "reply";
    break;
  }
  const auto listeners = listeners_;
  for (const auto& [listener, settled] : listeners) settled();
}

int64_t PushLedger::CountSettled(const PushFilter& filter) const {
  return std::count_if(records_.begin(), records_.end(), [&filter](const PushRecord& record) {
    return record.outcome != "pending" && filter.Matches(record);
  });
}

void PushLedger::Clear() {
  records_.clear();
  bytes_ = 0;
  dropped_ = 0;
}

int64_t PushLedger::Listen(std::function<void()> settled) {
  if (listeners_.size() >= kMostListeners) return 0;
  listeners_[next_listener_] = std::move(settled);
  return next_listener_++;
}

json::object ToJson(const PushAttempt& attempt) {
  const PushOutcome& outcome = attempt.outcome;
  json::object out = {
      {"status", outcome.status},
      {"body", DecodeUtf8(outcome.body, nullptr) ? outcome.body : Hex(outcome.body)},
      {"elapsed_ms", outcome.elapsed_ms},
      {"error", outcome.error},
      {"reply", attempt.reply.kind},
      {"reply_error", attempt.reply.error}};
  if (!attempt.reply.decrypted.empty()) out["decrypted"] = Shown(attempt.reply.decrypted);
  return out;
}

json::object ToJson(const PushRecord& record) {
  json::array attempts;
  for (const PushAttempt& attempt : record.attempts) {
    json::object out = ToJson(attempt);
    out["body"] = Shown(attempt.outcome.body);
    out["time_ms"] = attempt.time_ms;
    out["turn"] = attempt.turn;
    out["timestamp"] = Shown(attempt.timestamp);
    out["nonce"] = Shown(attempt.nonce);
    attempts.push_back(std::move(out));
  }
  return {{"id", record.id},
          {"time_ms", record.time_ms},
          {"app_id", record.app_id},
          {"openid", Shown(record.openid)},
          {"msg_type", Shown(record.msg_type)},
          {"event", Shown(record.event)},
          {"event_key", Shown(record.event_key)},
          {"msg_id", Shown(record.msg_id)},
          {"create_time", record.create_time},
          {"mode", record.mode},
          {"format", record.format},
          {"message", Shown(record.message)},
          {"forged", record.forged},
          {"outcome", record.outcome},
          {"delivered", record.Delivered()},
          {"attempts", std::move(attempts)}};
}

}  // namespace hongyan::sandbox
