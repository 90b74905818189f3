// One accepted connection as bytes, plain or TLS, so that HTTP above it is written once.
//
// Contract: one operation at a time. A read of 0 bytes means: the peer closed, the connection
//           broke, or Cancel() was called.
// Errors:   by value; nothing throws.
// Threads:  event loop only.
// Lifetime: a TLS stream keeps its context alive.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/async/task.h"

namespace boost::asio::ssl {
class context;
}

namespace hongyan::http {

using TcpSocket = async::asio::basic_stream_socket<async::asio::ip::tcp, async::Executor>;
using TlsContext = async::asio::ssl::context;

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual async::Task<bool> Handshake() = 0;
  virtual async::Task<std::size_t> ReadSome(char* data, std::size_t size) = 0;
  virtual async::Task<bool> Write(const std::string& bytes) = 0;
  // Tells the peer that nothing more will be written.
  virtual async::Task<void> ShutdownSend() = 0;
  // Ends the operation that goes on, if any.
  virtual void Cancel() = 0;
  virtual void Close() = 0;
};

std::unique_ptr<ByteStream> NewPlainStream(TcpSocket socket);
std::unique_ptr<ByteStream> NewTlsStream(TcpSocket socket, std::shared_ptr<TlsContext> context);

// A server's context: TLS 1.2 and 1.3, no renegotiation. Reads both files; kInvalidArgument names
// the wrong one.
absl::StatusOr<std::shared_ptr<TlsContext>> NewTlsContext(const std::string& cert_file,
                                                          const std::string& key_file);

}  // namespace hongyan::http
