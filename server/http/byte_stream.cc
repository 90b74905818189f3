#include "server/http/byte_stream.h"

#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace hongyan::http {
namespace {

namespace asio = async::asio;
using async::Task;
using boost::system::error_code;

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(TcpSocket socket) : socket_(std::move(socket)) {}

  Task<bool> Handshake() override { co_return true; }

  Task<std::size_t> ReadSome(char* data, std::size_t size) override {
    const auto [error, count] =
        co_await socket_.async_read_some(asio::buffer(data, size), asio::as_tuple(async::use_task));
    co_return error ? 0 : count;
  }

  Task<bool> Write(const std::string& bytes) override {
    const auto [error, count] =
        co_await asio::async_write(socket_, asio::buffer(bytes), asio::as_tuple(async::use_task));
    co_return !error && count == bytes.size();
  }

  Task<void> ShutdownSend() override {
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    co_return;
  }

  void Cancel() override {
    error_code ignored;
    socket_.cancel(ignored);
  }

  void Close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  TcpSocket socket_;
};

class TlsStream final : public ByteStream {
 public:
  TlsStream(TcpSocket socket, std::shared_ptr<TlsContext> context)
      : context_(std::move(context)), stream_(std::move(socket), *context_) {}

  Task<bool> Handshake() override {
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                                          asio::as_tuple(async::use_task));
    co_return !error;
  }

  Task<std::size_t> ReadSome(char* data, std::size_t size) override {
    const auto [error, count] =
        co_await stream_.async_read_some(asio::buffer(data, size), asio::as_tuple(async::use_task));
    co_return error ? 0 : count;
  }

  Task<bool> Write(const std::string& bytes) override {
    const auto [error, count] =
        co_await asio::async_write(stream_, asio::buffer(bytes), asio::as_tuple(async::use_task));
    co_return !error && count == bytes.size();
  }

  Task<void> ShutdownSend() override {
    co_await stream_.async_shutdown(asio::as_tuple(async::use_task));
  }

  void Cancel() override {
    error_code ignored;
    stream_.next_layer().cancel(ignored);
  }

  void Close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  std::shared_ptr<TlsContext> context_;
  asio::ssl::stream<TcpSocket> stream_;
};

}  // namespace

std::unique_ptr<ByteStream> NewPlainStream(TcpSocket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

std::unique_ptr<ByteStream> NewTlsStream(TcpSocket socket, std::shared_ptr<TlsContext> context) {
  return std::make_unique<TlsStream>(std::move(socket), std::move(context));
}

absl::StatusOr<std::shared_ptr<TlsContext>> NewTlsContext(const std::string& cert_file,
                                                          const std::string& key_file) {
  auto context = std::make_shared<TlsContext>(TlsContext::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  error_code error;
  context->use_certificate_chain_file(cert_file, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", cert_file, ": ", error.message()));
  }
  context->use_private_key_file(key_file, TlsContext::pem, error);
  if (error) {
    return absl::InvalidArgumentError(absl::StrCat("key ", key_file, ": ", error.message()));
  }
  return context;
}

}  // namespace hongyan::http
