#include "client/cli/batch_sender.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "client/cli/output.h"
#include "client/cli/problem.h"

namespace hongyan::cli {
namespace {

constexpr Wording kNeverKnown = {"an earlier run ended before its result came",
                                 "上一次运行在得到结果之前就结束了"};
constexpr Wording kNoResult = {"the service gave no result for it", "服务没有给出它的结果"};

v1::DeliveryKind GetKind(const v1::Notification& one) {
  switch (one.body_case()) {
    case v1::Notification::kText:
      return v1::DELIVERY_KIND_TEXT;
    case v1::Notification::kTemplate:
      return v1::DELIVERY_KIND_TEMPLATE;
    case v1::Notification::kMessage:
      return v1::DELIVERY_KIND_MESSAGE;
    case v1::Notification::kSubscription:
      return v1::DELIVERY_KIND_SUBSCRIPTION;
    case v1::Notification::BODY_NOT_SET:
      break;
  }
  return v1::DELIVERY_KIND_UNSPECIFIED;
}

// What the program says itself keeps its Chinese; our own marks beside it are nobody else's.
void SetError(const absl::Status& why, v1::Delivery& delivery) {
  delivery.mutable_error()->set_code(static_cast<int>(why.code()));
  delivery.mutable_error()->set_message(std::string(why.message()));
  why.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    if (!absl::StartsWith(url, "type.googleapis.com/")) return;
    auto& detail = *delivery.mutable_error()->add_details();
    detail.set_type_url(std::string(url));
    detail.set_value(std::string(value));
  });
}

// Stands for the result that never came.
v1::Delivery Lost(const v1::Notification& one, const absl::Status& why) {
  v1::Delivery delivery;
  delivery.set_account(one.account());
  delivery.set_openid(one.openid());
  delivery.set_kind(GetKind(one));
  delivery.set_state(v1::DELIVERY_STATE_UNKNOWN);
  delivery.set_idempotency_key(one.idempotency_key());
  SetError(why, delivery);
  return delivery;
}

void Keep(absl::Status& first, absl::Status next) {
  if (first.ok()) first = std::move(next);
}

}  // namespace

absl::Status LineFile::Write(absl::string_view line) {
  if (!file_.is_open()) file_.open(path_, std::ios::binary | std::ios::app);
  file_.write(line.data(), static_cast<std::streamsize>(line.size()));
  file_ << std::endl;
  if (file_) return absl::OkStatus();
  return Problem(absl::StatusCode::kDataLoss, {"can't write $0", "无法写入 $0"}, path_);
}

absl::Status BatchSender::Run(const std::vector<BatchLine>& lines, BatchCounts& counts) {
  std::thread second;
  if (lines.size() > kMaxChunkLines) second = std::thread([&] { SendChunks(lines, counts); });
  SendChunks(lines, counts);
  if (second.joinable()) second.join();
  return failure_;
}

void BatchSender::SendChunks(const std::vector<BatchLine>& lines, BatchCounts& counts) {
  const absl::Duration timeout = session_.global.timeout == absl::ZeroDuration()
                                     ? client::kDefaultTimeout
                                     : session_.global.timeout;
  while (HasMore(lines)) {
    // Nothing is begun towards a service that isn't there.
    absl::Status status =
        session_.client.WaitUntilConnected(absl::Now() + timeout, &session_.signal.canceller);
    if (status.ok()) {
      std::optional<Chunk> chunk = Begin(lines);
      if (!chunk.has_value()) return;
      status = Send(*chunk, counts);
    }
    const std::lock_guard lock(mutex_);
    if (status.ok()) report_.Chunk(counts);
    Keep(failure_, std::move(status));
  }
}

bool BatchSender::HasMore(const std::vector<BatchLine>& lines) {
  const std::lock_guard lock(mutex_);
  return failure_.ok() && !session_.signal.stop && next_ < lines.size();
}

std::optional<BatchSender::Chunk> BatchSender::Begin(const std::vector<BatchLine>& lines) {
  if (!HasMore(lines)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (next_ >= lines.size()) return std::nullopt;  // the other one took the last
  Chunk chunk = Fill(lines, next_);
  failure_ = journal_.Begin(chunk.lines.front().number, chunk.lines.back().number);
  if (!failure_.ok()) return std::nullopt;
  next_ += chunk.lines.size();
  return chunk;
}

absl::Status BatchSender::Refuse(const BadLine& bad, BatchCounts& counts) {
  v1::Delivery delivery;
  delivery.set_state(v1::DELIVERY_STATE_FAILED);
  SetError(bad.problem, delivery);
  return Record(bad.line, delivery, counts);
}

absl::Status BatchSender::Abandon(const BatchLine& line, BatchCounts& counts) {
  const auto one = ParseNotification(line.text, session_.global.account);
  if (!one.ok()) return one.status();
  return Record(line, Lost(*one, Problem(absl::StatusCode::kUnknown, kNeverKnown)), counts);
}

BatchSender::Chunk BatchSender::Fill(const std::vector<BatchLine>& lines, std::size_t from) const {
  Chunk chunk;
  std::size_t bytes = 0;
  for (; from < lines.size() && chunk.lines.size() < kMaxChunkLines; ++from) {
    auto one = ParseNotification(lines[from].text, session_.global.account);
    if (!one.ok()) break;  // can't be: every line was checked
    bytes += one->ByteSizeLong();
    if (!chunk.lines.empty() && bytes > kMaxChunkBytes) break;
    chunk.lines.push_back(lines[from]);
    *chunk.request.add_notifications() = *std::move(one);
  }
  chunk.answered.resize(chunk.lines.size());
  return chunk;
}

absl::Status BatchSender::Send(Chunk& chunk, BatchCounts& counts) {
  absl::Status recorded;
  const absl::Status sent = session_.client.SendBatch(
      chunk.request,
      [&](const v1::SendBatchResponse& result) {
        const std::lock_guard lock(mutex_);
        const auto index = static_cast<std::size_t>(result.index());
        if (result.index() < 0 || index >= chunk.lines.size() || chunk.answered[index]) return;
        chunk.answered[index] = true;
        Keep(recorded, Record(chunk.lines[index], result.delivery(), counts));
      },
      session_.options());
  const std::lock_guard lock(mutex_);
  const bool any_answer =
      std::find(chunk.answered.begin(), chunk.answered.end(), true) != chunk.answered.end();
  const bool nothing_sent =
      !sent.ok() && !any_answer &&
      client::GetOutcome(client::Describe(sent)) == client::SendOutcome::kNotSent;
  if (nothing_sent) {
    Keep(recorded, journal_.Release(chunk.lines.front().number, chunk.lines.back().number));
    return recorded.ok() ? sent : recorded;
  }
  const absl::Status why = sent.ok() ? Problem(absl::StatusCode::kUnknown, kNoResult) : sent;
  for (std::size_t i = 0; i < chunk.lines.size(); ++i) {
    if (chunk.answered[i]) continue;
    const v1::Notification& one = chunk.request.notifications(static_cast<int>(i));
    Keep(recorded, Record(chunk.lines[i], Lost(one, why), counts));
  }
  return recorded.ok() ? sent : recorded;
}

absl::Status BatchSender::Record(const BatchLine& line, const v1::Delivery& delivery,
                                 BatchCounts& counts) {
  absl::Status written;
  switch (delivery.state()) {
    case v1::DELIVERY_STATE_ACCEPTED:
    case v1::DELIVERY_STATE_DELIVERED:
      ++counts.accepted;
      break;
    case v1::DELIVERY_STATE_FAILED:
    case v1::DELIVERY_STATE_EXPIRED:
    case v1::DELIVERY_STATE_CANCELLED:
      ++counts.failed;
      written = failed_.Write(line.text);
      break;
    default:
      ++counts.unknown;
      written = unknown_.Write(line.text);
  }
  report_.Result(line.number, delivery, counts);
  Keep(written, journal_.Finish(line.number, StateName(delivery.state())));
  return written;
}

}  // namespace hongyan::cli
