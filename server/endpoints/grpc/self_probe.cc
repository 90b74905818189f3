#include "server/endpoints/grpc/self_probe.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/log.h"
#include "server/http/endpoint.h"

namespace hongyan::endpoints {
namespace {

namespace asio = async::asio;
using async::Task;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<tcp, async::Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, async::Executor>;

constexpr int kFailuresUntilNotReady = 2;
constexpr int kFailuresUntilDead = 3;
constexpr std::size_t kMostBytes = 16 << 10;

// The connection preface and an empty SETTINGS frame.
std::string Http2Greeting() {
  return std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string("\0\0\0\4\0\0\0\0\0", 9);
}

// Offers h2, as gRPC's clients do. Empty when OpenSSL has no memory for it.
std::string ClientHello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  if (!context) return "";
  constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof(kAlpn));
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (!ssl || in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    return "";
  }
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());  // writes the first message and then wants to read
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : "";
}

enum class Answer { kMoreToCome, kAcknowledged, kNoHttp2 };

// Looks for the acknowledgement of our SETTINGS behind the server's own.
Answer ReadFrames(absl::string_view bytes) {
  constexpr std::size_t kHead = 9;
  constexpr unsigned char kSettings = 4;
  constexpr unsigned char kAck = 1;
  bool first = true;
  while (bytes.size() >= kHead) {
    const auto at = [&bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t size = (std::size_t{at(0)} << 16) | (std::size_t{at(1)} << 8) | at(2);
    if (first && at(3) != kSettings) return Answer::kNoHttp2;
    if (at(3) == kSettings && (at(4) & kAck) != 0) return Answer::kAcknowledged;
    if (bytes.size() < kHead + size) break;
    bytes.remove_prefix(kHead + size);
    first = false;
  }
  return Answer::kMoreToCome;
}

// Where a client of this host finds the listener.
absl::StatusOr<tcp::endpoint> Target(const std::string& address) {
  absl::StatusOr<tcp::endpoint> target = http::ParseEndpoint(address);
  // [::] takes IPv4 too, and a container may have no other loopback address.
  if (target.ok() && target->address().is_unspecified()) {
    target->address(asio::ip::address_v4::loopback());
  }
  return target;
}

}  // namespace

struct SelfProbe::Connection {
  explicit Connection(const async::Executor& executor) : socket(executor), limit(executor) {}

  Socket socket;
  Timer limit;
  bool timed_out = false;
};

SelfProbe::SelfProbe(async::Executor executor, async::Clock& clock,
                     std::function<void(std::uint16_t)> announce, SelfProbeOptions options)
    : executor_(executor),
      clock_(clock),
      announce_(std::move(announce)),
      options_(options),
      pause_(clock.NewAlarm()),
      answered_(clock),
      last_answer_(clock.Mono()) {}

SelfProbe::~SelfProbe() = default;

Task<void> SelfProbe::Run(std::string address, bool tls) {
  last_answer_ = clock_.Mono();  // the time without one counts from here
  const std::string greeting = tls ? ClientHello() : Http2Greeting();
  while (!stopped_) {
    const async::MonoTime begun = clock_.Mono();
    const std::string problem = co_await Probe(address, greeting, tls);
    const bool cancelled = co_await async::Cancelled();
    if (stopped_ || cancelled) co_return;
    async::MonoTime next = async::After(clock_.Mono(), options_.retry);
    if (problem.empty()) {
      if (failures_ >= kFailuresUntilNotReady) {
        base::Log(base::Level::kInfo, "the gRPC port answers again", {{"address", address}});
      }
      failures_ = 0;
      last_answer_ = clock_.Mono();
      next = async::After(begun, options_.interval);
      ++counts_.answered;
      answered_.NotifyAll();
    } else {
      ++failures_;
      ++counts_.failed;
      problem_ = absl::StrCat("the gRPC port ", address, " does not answer: ", problem);
      base::Log(base::Level::kWarn, "self-probe failed",
                {{"problem", problem_}, {"in_a_row", failures_}});
    }
    const bool time_came = co_await pause_->WaitUntil(next);
    if (!time_came) co_return;
  }
}

Task<bool> SelfProbe::UntilAnswered() {
  while (counts_.answered == 0 && !stopped_) {
    const auto woken = co_await answered_.Wait(async::MonoTime::max());
    if (woken == async::WaitList::Woken::kCancelled) co_return false;
  }
  co_return !stopped_;
}

void SelfProbe::Stop() {
  stopped_ = true;
  pause_->Cancel();
  answered_.NotifyAll();
}

absl::Status SelfProbe::ready() const {
  // Before the first answer the service is starting, and the first failure is worth telling.
  const int bearable = counts_.answered == 0 ? 1 : kFailuresUntilNotReady;
  return failures_ >= bearable ? absl::UnavailableError(problem_) : absl::OkStatus();
}

absl::Status SelfProbe::alive() const {
  if (failures_ < kFailuresUntilDead ||
      async::Between(last_answer_, clock_.Mono()) < options_.dead_after) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(problem_);
}

// What went wrong; empty when nothing did.
Task<std::string> SelfProbe::Probe(const std::string& address, const std::string& greeting,
                                   bool tls) {
  const absl::StatusOr<tcp::endpoint> target = Target(address);
  if (!target.ok()) co_return std::string(target.status().message());
  // The timer's handler may be under way when all is over.
  const auto connection = std::make_shared<Connection>(executor_);
  Socket& socket = connection->socket;
  error_code error;
  socket.open(target->protocol(), error);
  if (!error) socket.bind(tcp::endpoint(target->address(), 0), error);
  const tcp::endpoint own = error ? tcp::endpoint() : socket.local_endpoint(error);
  if (error) co_return error.message();
  connection->limit.expires_after(absl::ToChronoNanoseconds(options_.limit));
  connection->limit.async_wait([connection](const error_code& cancelled) {
    if (cancelled) return;
    connection->timed_out = true;
    error_code ignored;
    connection->socket.close(ignored);
  });
  announce_(own.port());
  const auto [refused] = co_await socket.async_connect(*target, asio::as_tuple(async::use_task));
  std::string problem = refused ? refused.message() : "";
  if (!refused) problem = co_await Talk(*connection, greeting, tls);
  connection->limit.cancel();
  socket.close(error);
  announce_(0);
  if (!problem.empty() && connection->timed_out) {
    problem = absl::StrCat("nothing within ", absl::FormatDuration(options_.limit));
  }
  co_return problem;
}

Task<std::string> SelfProbe::Talk(Connection& connection, const std::string& greeting, bool tls) {
  const asio::const_buffer hello = asio::buffer(greeting);
  const auto [write_error, written] =
      co_await asio::async_write(connection.socket, hello, asio::as_tuple(async::use_task));
  if (write_error) co_return write_error.message();
  std::string answer;
  while (answer.size() < kMostBytes) {
    char bytes[2048];
    const asio::mutable_buffer room = asio::buffer(bytes);
    const auto [error, size] =
        co_await connection.socket.async_read_some(room, asio::as_tuple(async::use_task));
    if (error == asio::error::eof) co_return "it closes the connection";
    if (error) co_return error.message();
    if (tls) co_return "";
    answer.append(bytes, size);
    const Answer read = ReadFrames(answer);
    if (read == Answer::kAcknowledged) co_return "";
    if (read == Answer::kNoHttp2) co_return "it doesn't speak HTTP/2";
  }
  co_return "it doesn't acknowledge our SETTINGS";
}

}  // namespace hongyan::endpoints
