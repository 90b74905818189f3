#include "server/endpoints/grpc/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/http/endpoint.h"
#include "server/http/peer_network.h"

namespace hongyan::endpoints {
namespace {

namespace asio = async::asio;
using async::Task;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);
constexpr absl::Duration kTick = absl::Seconds(1);
// Between two looks at all connections while a limit is reached.
constexpr absl::Duration kRefreshPause = absl::Milliseconds(10);
constexpr int kRefreshShare = 10;  // at most a tenth of the time is spent on looking
constexpr absl::Duration kWarningPause = absl::Seconds(10);
constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// The listener counts as full once connections have been refused for so long, and until none was
// for as long.
constexpr absl::Duration kFullTime = absl::Seconds(10);

// The connection's first bytes, without taking them.
absl::string_view Peek(int fd, char* buffer, std::size_t size) {
  const ssize_t got = recv(fd, buffer, size, MSG_PEEK | MSG_DONTWAIT);
  return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

void SetLeastBytes(int fd, int bytes) {
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

// Linux tells it of a listening socket in this place.
int WaitingToBeAccepted(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  const bool told = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
  return told ? static_cast<int>(info.tcpi_unacked) : 0;
}

int BytesThere(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

}  // namespace

std::size_t OpeningBytes(absl::string_view begun, bool tls) {
  const auto byte = [begun](std::size_t at) {
    return std::size_t{static_cast<unsigned char>(begun[at])};
  };
  if (begun.size() < kFirstBytes) return kFirstBytes;
  std::size_t whole = 0;
  if (tls) {
    // A record of a handshake: type, version, length.
    if (byte(0) != 0x16 || byte(1) != 3) return 0;
    whole = 5 + (byte(3) << 8 | byte(4));
  } else {
    // The preface and the SETTINGS frame: length, type, flags, stream.
    if (begun.substr(0, kFirstBytes) != kPreface) return 0;
    if (begun.size() < kFirstBytes + 9) return kFirstBytes + 9;
    if (byte(kFirstBytes + 3) != 4) return 0;
    whole = kFirstBytes + 9 +
            (byte(kFirstBytes) << 16 | byte(kFirstBytes + 1) << 8 | byte(kFirstBytes + 2));
  }
  return whole <= kMaxOpeningBytes ? whole : 0;
}

Acceptor::Acceptor(AcceptorOptions options)
    : options_(std::move(options)),
      // One for each silent connection, those that were just closed included.
      tasks_(loop_.executor(), clock_, 2 * options_.max_connections + kClosingConnections),
      listener_(loop_.executor()),
      pause_(clock_.NewAlarm()),
      tick_(clock_.NewAlarm()) {}

Acceptor::~Acceptor() {
  Stop();
  if (spare_descriptor_ >= 0) close(spare_descriptor_);
}

absl::StatusOr<std::string> Acceptor::Listen() {
  const auto endpoint = http::ParseEndpoint(options_.listen);
  if (!endpoint.ok()) return endpoint.status();
  error_code error;
  listener_.open(endpoint->protocol(), error);
  // Without SO_REUSEPORT: a second process on this port must fail.
  if (!error) listener_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && endpoint->address().is_v6() && endpoint->address().is_unspecified()) {
    listener_.set_option(asio::ip::v6_only(false), error);
  }
  if (!error) listener_.bind(*endpoint, error);
  if (!error) listener_.listen(asio::socket_base::max_listen_connections, error);
  const tcp::endpoint bound = error ? tcp::endpoint() : listener_.local_endpoint(error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("can't listen on ", options_.listen, ": ", error.message()));
  }
  fcntl(listener_.native_handle(), F_SETFD, FD_CLOEXEC);
  spare_descriptor_ = OpenSpare();
  return absl::StrCat(options_.listen.substr(0, options_.listen.rfind(':')), ":", bound.port());
}

void Acceptor::Start(HandOver hand_over) {
  hand_over_ = std::move(hand_over);
  tasks_.Spawn(AcceptLoop());
  tasks_.Spawn(Sweep());
  thread_ = std::thread([this] { loop_.Run(); });
}

void Acceptor::Stop() {
  if (!thread_.joinable()) return;
  loop_.Post([this] {
    stopping_ = true;
    error_code ignored;
    listener_.close(ignored);
    pause_->Cancel();
    tick_->Cancel();
    for (Silent& silent : silent_) Close(silent);
    loop_.ReleaseWork();
  });
  thread_.join();
}

AcceptorCounts Acceptor::counts() const {
  return {open_, over_limit_, over_address_limit_, silent_closed_, no_descriptor_, full_};
}

Task<void> Acceptor::AcceptLoop() {
  while (!stopping_) {
    auto [error, socket] = co_await listener_.async_accept(asio::as_tuple(async::use_task));
    if (stopping_) co_return;
    if (error == asio::error::connection_aborted || error == asio::error::connection_reset) {
      continue;  // the peer's affair
    }
    if (error) {
      if (error.value() == EMFILE || error.value() == ENFILE) {
        // Linux says so even when nobody waits.
        const bool somebody = WaitingToBeAccepted(listener_.native_handle()) > 0;
        if (somebody && CloseSilent(nullptr)) continue;
        std::optional<Socket> taken = AcceptOnSpare();
        if (taken) socket = *std::move(taken);
      }
      if (!socket.is_open()) {
        // It may last, so it is not asked again at once.
        const async::MonoTime now = clock_.Mono();
        if (now >= next_warning_) {
          base::Log(base::Level::kWarn, "accept failed",
                    {{"listener", "grpc"}, {"error", error.message()}});
          next_warning_ = async::After(now, kWarningPause);
        }
        co_await pause_->WaitUntil(async::After(now, kAcceptPause));
        continue;
      }
    }
    const bool older = older_than_refresh_ > 0;
    if (older) --older_than_refresh_;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) continue;  // gone already
    const tcp::endpoint local = socket.local_endpoint(error);
    if (error) continue;
    const bool self = remote.port() == self_port_ && remote.address() == local.address();
    const Address peer = http::MaskToNetwork(remote.address());
    const bool full = !self && (IsFull() || IsFullFor(peer));
    if (full && !older) co_await RefreshCounts();
    if (stopping_) co_return;
    Admit(std::move(socket), peer, self);
  }
}

// The counts of connections are refreshed before a newcomer is refused, so that whoever comes just
// behind a flood gets in. That takes time, so it is done once for all that wait to be accepted.
Task<void> Acceptor::RefreshCounts() {
  if (clock_.Mono() < next_refresh_) co_await pause_->WaitUntil(next_refresh_);
  const async::MonoTime begun = clock_.Mono();
  older_than_refresh_ = WaitingToBeAccepted(listener_.native_handle());
  handed_over_.Refresh();
  const absl::Duration took = async::Between(begun, clock_.Mono());
  next_refresh_ = async::After(begun, std::max(kRefreshPause, kRefreshShare * took));
}

// The kernel would report the same waiting connection again and again. The spare descriptor lets us
// take it; it is closed only if there is still no other descriptor.
std::optional<Acceptor::Socket> Acceptor::AcceptOnSpare() {
  if (spare_descriptor_ < 0) return std::nullopt;
  close(spare_descriptor_);
  error_code error;
  listener_.non_blocking(true, error);
  Socket socket(loop_.executor());
  listener_.accept(socket, error);
  spare_descriptor_ = OpenSpare();
  if (error) return std::nullopt;
  if (spare_descriptor_ >= 0) return socket;
  Refused(no_descriptor_, "no_descriptor");
  socket.close(error);
  spare_descriptor_ = OpenSpare();
  if (older_than_refresh_ > 0) --older_than_refresh_;
  return std::nullopt;
}

void Acceptor::Admit(Socket socket, const Address& peer, bool self) {
  if (!self && !MakeRoom(peer)) return;
  SetLeastBytes(socket.native_handle(), kFirstBytes);
  silent_.push_back({std::move(socket), peer, clock_.Mono(), kFirstBytes, self});
  if (!self) ++silent_count_;
  const auto it = std::prev(silent_.end());
  if (!tasks_.Spawn(AwaitFirstBytes(it))) {
    Refused(over_limit_, "over_limit");
    Close(*it);
    silent_.erase(it);
  }
  Publish();
}

Task<void> Acceptor::AwaitFirstBytes(SilentList::iterator it) {
  while (true) {
    const auto [error] =
        co_await it->socket.async_wait(tcp::socket::wait_read, asio::as_tuple(async::use_task));
    if (error || it->closed) break;
    const int fd = it->socket.native_handle();
    const std::size_t there = BytesThere(fd);
    if (there == 0) break;  // the peer has hung up
    char begun[kFirstBytes + 9];
    const std::size_t needed = OpeningBytes(Peek(fd, begun, sizeof(begun)), options_.tls);
    // With fewer than were waited for nothing more will come, and gRPC ends it.
    if (there < it->needed || needed <= there) {
      Pass(*it);
      break;
    }
    it->needed = needed;
    SetLeastBytes(fd, static_cast<int>(needed));
  }
  Close(*it);
  silent_.erase(it);
  Publish();
}

void Acceptor::Pass(Silent& silent) {
  error_code error;
  silent.socket.set_option(tcp::no_delay(true), error);
  const int fd = silent.socket.release(error);
  if (error) return;
  SetLeastBytes(fd, 1);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (!silent.self) handed_over_.Add(fd, silent.peer);
  hand_over_(fd);  // gRPC's from here on
}

// Once a second: who is still there, and who has been silent for too long.
Task<void> Acceptor::Sweep() {
  while (!stopping_) {
    if (spare_descriptor_ < 0) spare_descriptor_ = OpenSpare();
    handed_over_.Refresh();
    const async::MonoTime now = clock_.Mono();
    for (Silent& silent : silent_) {
      if (async::Between(silent.since, now) < options_.silent_time) break;
      if (silent.closed) continue;
      if (!silent.self) ++silent_closed_;
      Close(silent);
    }
    full_ = last_over_limit_ && async::Between(*last_over_limit_, now) < kFullTime &&
            async::Between(full_since_, *last_over_limit_) >= kFullTime;
    Publish();
    const bool time_came = co_await tick_->WaitUntil(async::After(now, kTick));
    if (!time_came) co_return;
  }
}

bool Acceptor::MakeRoom(const Address& peer) {
  if (IsFullFor(peer) && !CloseSilent(&peer)) {
    Refused(over_address_limit_, "over_address_limit");
    return false;
  }
  if (IsFull() && !CloseSilent(nullptr)) {
    const async::MonoTime now = clock_.Mono();
    if (!last_over_limit_ || async::Between(*last_over_limit_, now) >= kFullTime) full_since_ = now;
    last_over_limit_ = now;
    Refused(over_limit_, "over_limit");
    return false;
  }
  return true;
}

bool Acceptor::IsFull() const {
  return silent_count_ + handed_over_.live() >= options_.max_connections ||
         silent_count_ + handed_over_.held() >= options_.max_connections + kClosingConnections;
}

bool Acceptor::IsFullFor(const Address& peer) const {
  if (options_.max_connections_per_address == 0) return false;
  std::size_t from_peer = handed_over_.LiveFrom(peer);
  for (const Silent& one : silent_) from_peer += !one.closed && !one.self && one.peer == peer;
  return from_peer >= options_.max_connections_per_address;
}

// Closes the one that has been silent for longest, of those from `peer` if one is given.
bool Acceptor::CloseSilent(const Address* peer) {
  const auto is_silent = [peer](Silent& one) {
    return !one.closed && !one.self && (peer == nullptr || one.peer == *peer) &&
           static_cast<std::size_t>(BytesThere(one.socket.native_handle())) < one.needed;
  };
  const auto it = std::find_if(silent_.begin(), silent_.end(), is_silent);
  if (it == silent_.end()) return false;
  Refused(silent_closed_, "silent");
  Close(*it);
  return true;
}

void Acceptor::Close(Silent& silent) {
  if (silent.closed) return;
  silent.closed = true;
  if (!silent.self) --silent_count_;
  error_code ignored;
  silent.socket.close(ignored);  // its task ends, and takes it off the list
}

// Before the connection is closed, so that a peer who sees that finds it counted.
void Acceptor::Refused(std::atomic<std::int64_t>& count, const char* reason) {
  ++count;
  const async::MonoTime now = clock_.Mono();
  if (now < next_warning_) return;
  next_warning_ = async::After(now, kWarningPause);
  base::Log(base::Level::kWarn, "connection closed for want of room",
            {{"listener", "grpc"}, {"reason", reason}, {"so_far", count.load()}});
}

void Acceptor::Publish() { open_ = static_cast<std::int64_t>(silent_count_ + handed_over_.live()); }

}  // namespace hongyan::endpoints
