#include "faults.h"

#include <algorithm>

#include "fields.h"
#include "text.h"

namespace hongyan::sandbox {
namespace {

constexpr size_t kMostFaults = 1000;
constexpr int64_t kHour = 3600 * 1000;

std::string ParseEffect(const json::object& given, Effect* effect) {
  std::string close;
  std::optional<std::string> body, raw_answer, raw_answer_base64;
  bool count = false;
  FieldReader reader(given);
  reader.Int("errcode", INT32_MIN, INT32_MAX, &effect->errcode)
      .String("errmsg", &effect->errmsg)
      .Int("http_status", 100, 599, &effect->http_status)
      .String("body", &body)
      .String("raw_answer", &raw_answer)
      .String("raw_answer_base64", &raw_answer_base64)
      .String("content_type", &effect->content_type)
      .String("location", &effect->location)
      .String("retry_after", &effect->retry_after)
      .Bool("gzip_bomb", &effect->gzip_bomb)
      .Bool("endless", &effect->endless)
      .Int("delay_before_ms", 0, kHour, &effect->delay_before_ms)
      .Int("delay_after_ms", 0, kHour, &effect->delay_after_ms)
      .Int("drip_ms", 0, kHour, &effect->drip_ms)
      .String("close", &close)
      .Bool("reset", &effect->reset)
      .Bool("close_on_reuse", &effect->close_on_reuse)
      .Bool("connection_close", &effect->connection_close)
      .Int("idle_close_ms", 0, kHour, &effect->idle_close_ms)
      .Int("truncate", 0, 1 << 20, &effect->truncate)
      .Int("header_lines", 0, 1000000, &effect->header_lines)
      .Bool("http10", &effect->http10)
      .Bool("chunked", &effect->chunked)
      .Bool("bom", &effect->bom)
      .Bool("count", &count);
  if (std::string error = reader.Finish(); !error.empty()) return "effect." + error;
  if (given.contains("count")) effect->count = count;
  if (given.empty()) return "effect: at least one field expected";

  if ((body.has_value() + raw_answer.has_value() + raw_answer_base64.has_value()) > 1) {
    return "effect: only one of body, raw_answer, raw_answer_base64 expected";
  }
  if (effect->retry_after.find_first_of("\r\n") != std::string::npos) {
    return "effect.retry_after: one line expected";
  }
  effect->raw_body = body.has_value() ? body : raw_answer;
  if (raw_answer_base64.has_value()) {
    effect->raw_body = Base64Decode(*raw_answer_base64);
    if (!effect->raw_body.has_value()) return "effect.raw_answer_base64: not base64";
  }
  if (close == "before_read") {
    effect->close = ClosePoint::kBeforeRead;
  } else if (close == "after_read") {
    effect->close = ClosePoint::kAfterRead;
  } else if (close == "after_count") {
    effect->close = ClosePoint::kAfterCount;
  } else if (close == "after_headers") {
    effect->close = ClosePoint::kAfterHeaders;
  } else if (!close.empty()) {
    return "effect.close: before_read, after_read, after_count or after_headers expected";
  }
  const bool closes = effect->close != ClosePoint::kNever || effect->close_on_reuse ||
                      effect->truncate.has_value() || effect->idle_close_ms > 0;
  if (effect->reset && !closes) effect->close = ClosePoint::kAfterRead;
  return "";
}

bool Matches(const Fault& fault, const FaultTarget& target) {
  return (fault.app_id.empty() || fault.app_id == target.app_id) &&
         (fault.api == "*" || fault.api == target.api) &&
         (fault.openid.empty() || fault.openid == target.openid) &&
         (!fault.effect.close_on_reuse || target.request_on_connection >= 2);
}

}  // namespace

bool Effect::ReplacesAnswer() const {
  return errcode.has_value() || http_status.has_value() || raw_body.has_value() ||
         location.has_value() || gzip_bomb || endless || close == ClosePoint::kAfterRead ||
         close == ClosePoint::kBeforeRead || close_on_reuse;
}

int64_t FaultBook::Add(const json::object& given, std::string* error) {
  if (faults_.size() >= kMostFaults) {
    *error = "there are 1000 faults already";
    return 0;
  }
  Fault fault;
  const json::object* effect = nullptr;
  *error = FieldReader(given)
               .String("app_id", &fault.app_id)
               .String("api", &fault.api)
               .String("openid", &fault.openid)
               .Int("times", 0, INT32_MAX, &fault.times)
               .Int("after", 0, INT32_MAX, &fault.after)
               .Object("effect", &effect)
               .Finish();
  if (error->empty() && effect == nullptr) *error = "effect: missing";
  if (error->empty()) *error = ParseEffect(*effect, &fault.effect);
  if (error->empty() && fault.api != "*" && fault.api.rfind('/', 0) != 0) {
    *error = "api: a path such as /cgi-bin/message/custom/send, or * expected";
  }
  if (!error->empty()) return 0;
  fault.id = next_id_++;
  fault.as_given = given;
  faults_.push_back(fault);
  return fault.id;
}

bool FaultBook::Remove(int64_t id) {
  const auto gone = std::remove_if(faults_.begin(), faults_.end(),
                                   [id](const Fault& fault) { return fault.id == id; });
  const bool found = gone != faults_.end();
  faults_.erase(gone, faults_.end());
  return found;
}

const Fault* FaultBook::TakeBeforeRead(const FaultTarget& target) { return TakeIf(target, true); }
const Fault* FaultBook::Take(const FaultTarget& target) { return TakeIf(target, false); }

const Fault* FaultBook::TakeIf(const FaultTarget& target, bool before_read) {
  Fault* acting = nullptr;
  for (Fault& fault : faults_) {
    const bool is_before_read = fault.effect.close == ClosePoint::kBeforeRead;
    if (is_before_read != before_read || !Matches(fault, target)) continue;
    ++fault.seen;
    const bool active = fault.seen > fault.after && (fault.times == 0 || fault.hits < fault.times);
    if (active && acting == nullptr) acting = &fault;
  }
  if (acting != nullptr) ++acting->hits;
  return acting;
}

}  // namespace hongyan::sandbox
