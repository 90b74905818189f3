// Descriptors that somebody else closes.
#include "server/endpoints/grpc/open_connections.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

namespace hongyan::endpoints {
namespace {

class OpenConnectionsTest : public ::testing::Test {
 protected:
  OpenConnectionsTest() {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    EXPECT_EQ(bind(listener_, Any(), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, Any(), &size), 0);
  }
  ~OpenConnectionsTest() override {
    for (const int fd : fds_) close(fd);
    close(listener_);
  }

  sockaddr* Any() { return reinterpret_cast<sockaddr*>(&address_); }
  struct Pair {
    int ours;
    int peers;
  };
  Pair Connect() {
    const int peers = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(peers, Any(), sizeof(address_)), 0);
    const int ours = accept(listener_, nullptr, nullptr);
    EXPECT_GE(ours, 0);
    return {ours, peers};
  }

  sockaddr_in address_{};
  int listener_ = -1;
  std::vector<int> fds_;
  const OpenConnections::Address peer_ = boost::asio::ip::make_address("192.0.2.1");
  OpenConnections open_;
};

TEST_F(OpenConnectionsTest, A03_ClosedDescriptorsAreNoticedThoughTheirNumberIsUsedAgain) {
  const Pair one = Connect();
  open_.Add(one.ours, peer_);
  EXPECT_EQ(open_.live(), 1u);
  EXPECT_EQ(open_.LiveFrom(peer_), 1u);
  open_.Refresh();
  EXPECT_EQ(open_.live(), 1u);

  close(one.ours);
  close(one.peers);
  const int again = socket(AF_INET, SOCK_STREAM, 0);
  const int number = dup2(again, one.ours);
  ASSERT_EQ(number, one.ours);
  open_.Refresh();
  EXPECT_EQ(open_.live(), 0u);
  EXPECT_EQ(open_.held(), 0u);
  EXPECT_EQ(open_.LiveFrom(peer_), 0u);
  fds_ = {number};
  if (again != number) fds_.push_back(again);
}

TEST_F(OpenConnectionsTest, A03_WhoHasHungUpIsNoLongerLiveButStillHeld) {
  const Pair left = Connect();
  const Pair stays = Connect();
  open_.Add(left.ours, peer_);
  open_.Add(stays.ours, peer_);
  shutdown(left.peers, SHUT_WR);
  open_.Refresh();
  EXPECT_EQ(open_.live(), 1u);
  EXPECT_EQ(open_.LiveFrom(peer_), 1u);
  EXPECT_EQ(open_.held(), 2u);
  fds_ = {left.ours, left.peers, stays.ours, stays.peers};
}

}  // namespace
}  // namespace hongyan::endpoints
