// A blocking socket that speaks bytes, for what no HTTP library would send. Every wait ends after
// ten seconds.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hongyan::testing {

struct RawReply {
  int status = 0;
  std::string head;
  std::string body;
};

class RawClient {
 public:
  RawClient() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit RawClient(const std::string& address) : RawClient() { Connect(address); }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { Close(); }

  bool Connect(const std::string& address) {
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(
        static_cast<std::uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str())));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0;
  }

  // Calls from that address of this machine.
  void BindTo(const char* address) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    inet_pton(AF_INET, address, &own.sin_addr);
    bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof(own));
  }

  // False when the peer closed meanwhile.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  void ShutdownSend() { shutdown(fd_, SHUT_WR); }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  // The next answer, by its Content-Length. Nothing when the connection ends first.
  std::optional<RawReply> ReadReply(bool has_body = true) {
    std::size_t end;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive()) return std::nullopt;
    }
    RawReply reply;
    reply.head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    reply.status = std::atoi(reply.head.substr(9, 3).c_str());
    const std::size_t at = reply.head.find("Content-Length: ");
    const std::size_t length =
        has_body && at != std::string::npos ? std::strtoul(&reply.head[at + 16], nullptr, 10) : 0;
    while (in_.size() < length) {
      if (!Receive()) return std::nullopt;
    }
    reply.body = in_.substr(0, length);
    in_.erase(0, length);
    return reply;
  }

  // Whether the peer closes, without a further byte and before ten seconds have passed.
  bool IsClosed() { return in_.empty() && !Receive() && !timed_out_; }

  int fd() const { return fd_; }
  bool timed_out() const { return timed_out_; }

 private:
  bool Receive() {
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, 10000) <= 0) {
      timed_out_ = true;
      return false;
    }
    char buffer[16384];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    in_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  std::string in_;
  bool timed_out_ = false;
};

}  // namespace hongyan::testing
