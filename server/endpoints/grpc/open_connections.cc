#include "server/endpoints/grpc/open_connections.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace hongyan::endpoints {
namespace {

// Zero, which is no socket's, when `fd` is none.
std::uint64_t ReadCookie(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

}  // namespace

void OpenConnections::Add(int fd, const Address& peer) {
  held_.push_back({fd, ReadCookie(fd), peer});
  CountLive(peer);
}

void OpenConnections::Refresh() {
  const auto closed = [](const Held& one) {
    return one.cookie == 0 || ReadCookie(one.fd) != one.cookie;
  };
  held_.erase(std::remove_if(held_.begin(), held_.end(), closed), held_.end());
  std::vector<pollfd> asked(held_.size());
  for (std::size_t i = 0; i < held_.size(); ++i) asked[i] = {held_[i].fd, POLLRDHUP, 0};
  // When it fails, no answer is there and all count as live.
  poll(asked.data(), asked.size(), 0);
  live_ = 0;
  live_from_.clear();
  for (std::size_t i = 0; i < held_.size(); ++i) {
    if ((asked[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) CountLive(held_[i].peer);
  }
}

std::size_t OpenConnections::LiveFrom(const Address& peer) const {
  const auto it = live_from_.find(peer);
  return it == live_from_.end() ? 0 : it->second;
}

void OpenConnections::CountLive(const Address& peer) {
  ++live_;
  ++live_from_[peer];
}

}  // namespace hongyan::endpoints
