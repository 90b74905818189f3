// Accepts the connections of the gRPC port, within limits, and hands them over.
//
// gRPC 1.51's own accept loop ends for good once a descriptor is missing (CVE-2023-4785), and it
// has no limit.
//
// Contract: Listen() binds; Start() accepts until Stop(). A connection is handed over once all has
//           come that a client sends unasked: HTTP/2's preface with its SETTINGS, or a TLS
//           ClientHello. One whose opening isn't there after `silent_time` is closed, and counts as
//           silent. When a limit is reached, the connection that has been silent for longest goes;
//           where none is silent, the new one is closed at once. Whoever has hung up doesn't count,
//           even before gRPC has noticed. Without a free descriptor connections are closed, not
//           left waiting, and accepting goes on.
// Errors:   Listen: kInvalidArgument for an address that is none, kUnavailable with the system's
//           reason. When connections were refused for ten seconds because the limit was reached,
//           the listener is full.
// Bounds:   max_connections, and kClosingConnections whose peer has hung up;
//           max_connections_per_address, by http::MaskToNetwork(); kMaxOpeningBytes.
// Threads:  accepts and hands over on a thread of its own, so that a flood delays nobody else;
//           counts() and ExpectSelf() may be called on any, the rest on one.
// Lifetime: Stop() or the destructor joins its thread.
#pragma once

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/async/task_group.h"
#include "server/endpoints/grpc/open_connections.h"

namespace hongyan::endpoints {

// The HTTP/2 preface; no TLS ClientHello is shorter.
inline constexpr std::size_t kFirstBytes = 24;
inline constexpr std::size_t kMaxOpeningBytes = 16 << 10;
inline constexpr std::size_t kClosingConnections = 64;

// The length of a connection's opening, which begins with `begun`. More than begun.size(): read
// more to know it. 0: this is no opening, or one longer than kMaxOpeningBytes; gRPC refuses it.
std::size_t OpeningBytes(absl::string_view begun, bool tls);

struct AcceptorOptions {
  std::string listen;  // IP:PORT, [IPV6]:PORT or localhost:PORT; port 0 takes a free one
  std::size_t max_connections = 1024;
  std::size_t max_connections_per_address = 0;  // 0: no such limit
  absl::Duration silent_time = absl::Seconds(5);
  bool tls = false;
};

struct AcceptorCounts {
  std::int64_t open = 0;
  // Connections that were closed here, since the start.
  std::int64_t over_limit = 0;
  std::int64_t over_address_limit = 0;
  std::int64_t silent = 0;
  std::int64_t no_descriptor = 0;
  bool full = false;
};

class Acceptor {
 public:
  // Takes the descriptor over: non-blocking, closed on exec, without Nagle's delay.
  using HandOver = std::function<void(int fd)>;

  explicit Acceptor(AcceptorOptions options);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  // Returns the address with the port that was bound.
  absl::StatusOr<std::string> Listen();
  void Start(HandOver hand_over);
  void Stop();

  AcceptorCounts counts() const;
  // The next connection from this host's own `port` is our own probe's and counts towards no limit.
  void ExpectSelf(std::uint16_t port) { self_port_ = port; }

 private:
  using Socket = async::asio::basic_stream_socket<async::asio::ip::tcp, async::Executor>;
  using Listener = async::asio::basic_socket_acceptor<async::asio::ip::tcp, async::Executor>;
  using Address = OpenConnections::Address;

  // A connection that has not said all yet.
  struct Silent {
    Socket socket;
    Address peer;
    async::MonoTime since;
    std::size_t needed = kFirstBytes;  // bytes, as far as is known
    bool self = false;
    bool closed = false;
  };
  using SilentList = std::list<Silent>;

  async::Task<void> AcceptLoop();
  async::Task<void> AwaitFirstBytes(SilentList::iterator it);
  async::Task<void> Sweep();
  async::Task<void> RefreshCounts();
  void Admit(Socket socket, const Address& peer, bool self);
  std::optional<Socket> AcceptOnSpare();
  bool MakeRoom(const Address& peer);
  bool IsFull() const;
  bool IsFullFor(const Address& peer) const;
  bool CloseSilent(const Address* peer);
  void Close(Silent& silent);
  void Pass(Silent& silent);
  void Refused(std::atomic<std::int64_t>& count, const char* reason);
  void Publish();

  const AcceptorOptions options_;
  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  async::TaskGroup tasks_;
  Listener listener_;
  std::unique_ptr<async::Alarm> pause_;
  std::unique_ptr<async::Alarm> tick_;
  HandOver hand_over_;
  std::thread thread_;
  std::atomic<std::uint16_t> self_port_ = 0;

  // Of its own thread.
  bool stopping_ = false;
  int spare_descriptor_ = -1;
  SilentList silent_;             // the oldest first
  std::size_t silent_count_ = 0;  // without those that are closed, and without our own
  OpenConnections handed_over_;
  async::MonoTime next_refresh_ = async::MonoTime::min();
  int older_than_refresh_ = 0;  // of those that wait to be accepted
  async::MonoTime next_warning_ = async::MonoTime::min();
  async::MonoTime full_since_;
  std::optional<async::MonoTime> last_over_limit_;

  std::atomic<std::int64_t> open_ = 0;
  std::atomic<std::int64_t> over_limit_ = 0;
  std::atomic<std::int64_t> over_address_limit_ = 0;
  std::atomic<std::int64_t> silent_closed_ = 0;
  std::atomic<std::int64_t> no_descriptor_ = 0;
  std::atomic<bool> full_ = false;
};

}  // namespace hongyan::endpoints
