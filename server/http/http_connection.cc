#include "server/http/http_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

// No co_await in a condition here: GCC 12 lays out such a coroutine's frame wrong when it has no
// variable of its own.

namespace hongyan::http {
namespace {

namespace asio = async::asio;
namespace beast_http = boost::beast::http;
using async::After;
using async::MonoTime;
using async::Task;
using boost::system::error_code;

constexpr std::size_t kReadChunk = 8u << 10;
constexpr std::size_t kLingerBytes = 256u << 10;
constexpr absl::Duration kCancelAgain = absl::Milliseconds(20);

MonoTime Now() { return std::chrono::steady_clock::now(); }

// RFC 9110 wants the date in every answer; it changes once a second.
const std::string& DateText(absl::Time now) {
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  if (const std::int64_t current = absl::ToUnixSeconds(now); current != second) {
    second = current;
    text = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", now, absl::UTCTimeZone());
  }
  return text;
}

std::string Render(const HttpReply& reply, bool head_only, bool keep, absl::Time now) {
  const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(reply.status));
  std::string out =
      absl::StrCat("HTTP/1.1 ", reply.status, " ", absl::string_view(reason.data(), reason.size()),
                   "\r\nDate: ", DateText(now), "\r\nContent-Length: ", reply.body.size(),
                   "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n");
  if (!reply.content_type.empty()) {
    absl::StrAppend(&out, "Content-Type: ", reply.content_type, "\r\n");
  }
  if (!reply.allow.empty()) absl::StrAppend(&out, "Allow: ", reply.allow, "\r\n");
  if (!keep) out += "Connection: close\r\n";
  out += "\r\n";
  if (!head_only) out += reply.body;
  return out;
}

int ToHttpStatus(const error_code& error) {
  if (error == beast_http::error::body_limit) return 413;
  if (error == beast_http::error::header_limit) return 431;
  return 400;
}

}  // namespace

HttpConnection::HttpConnection(std::unique_ptr<ByteStream> stream, async::Executor executor,
                               const ConnectionLimits& limits, HttpHandler& handler,
                               async::Clock& clock, std::string peer, EvictionQueue& queue,
                               std::string origin)
    : stream_(std::move(stream)),
      limits_(limits),
      handler_(handler),
      clock_(clock),
      peer_(std::move(peer)),
      place_(queue, this, std::move(origin)),
      timer_(executor) {
  WaitForPeer();
}

Task<void> HttpConnection::Run() {
  SetDeadline(After(Now(), limits_.head_time));
  bool more = co_await stream_->Handshake();
  opened_ = Now();
  while (more && !closed_) more = co_await ServeOne();
  Close();
}

void HttpConnection::Finish() {
  finishing_ = true;
  if (idle_) stream_->Cancel();
}

void HttpConnection::Close() {
  closed_ = true;
  place_.Leave();
  timer_.cancel();
  stream_->Close();
}

Task<bool> HttpConnection::ServeOne() {
  WaitForPeer();
  if (in_.empty()) {
    if (finishing_) co_return false;
    // An idle connection doesn't keep the memory of a big request.
    if (in_.capacity() > 2 * kReadChunk) std::string().swap(in_);
    SetDeadline(served_ == 0 ? After(opened_, limits_.head_time) : After(Now(), limits_.idle_time));
    idle_ = true;
    const bool more = co_await ReadMore();
    idle_ = false;
    if (!more) co_return false;
  }
  const MonoTime began = served_ == 0 ? opened_ : Now();

  HeadScanner scanner(limits_.head);
  const bool has_head = co_await ReceiveHead(began, scanner);
  if (!has_head) co_return false;

  RequestHead head;
  head.received_mono = clock_.Mono();
  head.peer = peer_;
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits_.head.head_bytes + 1));
  parser.body_limit(limits_.body_bytes);
  error_code error;
  parser.put(asio::buffer(in_.data(), scanner.head_size()), error);
  if (error && error != beast_http::error::need_more)
    co_return co_await Refuse(ToHttpStatus(error));
  if (!parser.is_header_done()) co_return co_await Refuse(400);
  if (const int status = ReadHead(parser.get().base(), head, limits_.head.http10_without_host);
      status != 0) {
    co_return co_await Refuse(status);
  }
  in_.erase(0, scanner.head_size());

  const bool head_only = head.method == "HEAD";
  const bool keep = parser.get().version() == 11 && parser.get().keep_alive();
  if (const auto refusal = handler_.CheckHead(head)) {
    co_return co_await Reply(*refusal, head_only, false);
  }
  const bool has_body = co_await ReceiveBody(began, parser);
  if (!has_body) co_return false;
  place_.Leave();

  ClearDeadline();
  const HttpReply reply = co_await handler_.Handle(std::move(head), std::move(parser.get().body()));
  if (closed_) co_return false;
  co_return co_await Reply(reply, head_only, keep);
}

Task<bool> HttpConnection::ReceiveHead(MonoTime began, HeadScanner& scanner) {
  HeadScanner::State state = scanner.Scan(in_);
  while (state == HeadScanner::State::kMore) {
    SetDeadline(After(began, limits_.head_time));
    const bool more = co_await ReadMore();
    if (!more) co_return co_await RefuseUnread();
    state = scanner.Scan(in_);
  }
  if (state == HeadScanner::State::kRefused) co_return co_await Refuse(scanner.status());
  co_return true;
}

Task<bool> HttpConnection::ReceiveBody(MonoTime began, Parser& parser) {
  parser.eager(true);
  // Chunks bring their own framing, which is bounded too.
  std::size_t allowed = 2 * limits_.body_bytes + limits_.head.head_bytes;
  while (!parser.is_done()) {
    if (!in_.empty()) {
      error_code error;
      const std::size_t used = parser.put(asio::buffer(in_), error);
      if (error && error != beast_http::error::need_more) {
        co_return co_await Refuse(ToHttpStatus(error));
      }
      if (used > allowed) co_return co_await Refuse(413);
      allowed -= used;
      in_.erase(0, used);
      if (parser.is_done()) break;
    }
    if (in_.size() > limits_.head.head_bytes) co_return co_await Refuse(413);
    SetDeadline(After(began, limits_.request_time));
    const bool more = co_await ReadMore();
    if (!more) co_return co_await RefuseUnread();
  }
  co_return true;
}

Task<bool> HttpConnection::Reply(const HttpReply& reply, bool head_only, bool keep) {
  ++served_;
  keep = keep && reply.status < 400 && !finishing_ && served_ < limits_.requests;
  const std::string bytes = Render(reply, head_only, keep, clock_.Now());
  SetDeadline(After(Now(), limits_.write_time));
  WaitForPeer();
  const bool written = co_await stream_->Write(bytes);
  if (!written || closed_) co_return false;
  if (!keep) co_await Linger();
  co_return keep;
}

Task<bool> HttpConnection::Refuse(int status) {
  handler_.OnRefused(status, peer_);
  HttpReply reply;
  reply.status = status;
  co_return co_await Reply(reply, false, false);
}

// The rest of a request did not come: too late, or the peer has ended its side.
Task<bool> HttpConnection::RefuseUnread() {
  if (closed_) co_return false;
  co_return co_await Refuse(timed_out_ ? 408 : 400);
}

// Closing with unread bytes would reset the connection and might take the answer away with it.
Task<void> HttpConnection::Linger() {
  const MonoTime until = After(Now(), limits_.linger_time);
  SetDeadline(until);
  co_await stream_->ShutdownSend();
  bool more = true;
  for (std::size_t seen = 0; more && seen < kLingerBytes && Now() < until; seen += in_.size()) {
    in_.clear();
    more = co_await ReadMore();
  }
}

Task<bool> HttpConnection::ReadMore() {
  const std::size_t before = in_.size();
  in_.resize(before + kReadChunk);
  const std::size_t count = co_await stream_->ReadSome(in_.data() + before, kReadChunk);
  in_.resize(before + count);
  co_return count > 0 && !closed_;
}

void HttpConnection::SetDeadline(MonoTime when) {
  deadline_ = when;
  timed_out_ = false;
  if (when < armed_) Arm(when);
}

void HttpConnection::Arm(MonoTime when) {
  armed_ = when;
  timer_.expires_at(when);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    if (error) return;
    if (const auto self = weak.lock()) self->OnTimer();
  });
}

void HttpConnection::OnTimer() {
  armed_ = MonoTime::max();
  if (closed_ || deadline_ == MonoTime::max()) return;
  if (Now() < deadline_) return Arm(deadline_);
  timed_out_ = true;
  stream_->Cancel();
  // An operation of several steps may be between two of them, where there is nothing to cancel: ask
  // again until the deadline is another.
  Arm(After(Now(), kCancelAgain));
}

}  // namespace hongyan::http
