// Which of the connections that were handed to gRPC are still open.
//
// gRPC owns their descriptors and tells nobody when it closes one, and the kernel gives its number
// out again. So each is remembered with its socket's cookie, which no two sockets have in common.
//
// Contract: the figures are those of the last Refresh(), plus what was added since. A connection
//           whose peer has hung up holds a descriptor until gRPC has noticed, but doesn't count as
//           live.
// Threads:  one at a time.
// Source:   SO_COOKIE of socket(7), POLLRDHUP of poll(2).
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace hongyan::endpoints {

class OpenConnections {
 public:
  using Address = boost::asio::ip::address;

  // Before `fd` is handed over.
  void Add(int fd, const Address& peer);
  void Refresh();

  std::size_t held() const { return held_.size(); }
  std::size_t live() const { return live_; }
  std::size_t LiveFrom(const Address& peer) const;

 private:
  struct Held {
    int fd;
    std::uint64_t cookie;
    Address peer;
  };

  void CountLive(const Address& peer);

  std::vector<Held> held_;
  std::size_t live_ = 0;
  std::map<Address, std::size_t> live_from_;
};

}  // namespace hongyan::endpoints
