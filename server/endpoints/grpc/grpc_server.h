// The gRPC listener: limits, TLS, and its end. Connections come from an Acceptor of ours.
//
// Contract: Start() listens and serves. Shutdown() refuses new calls, lets those in flight finish
//           until `limit` is over, cancels the rest, and returns when all have ended and all
//           connections are closed. gRPC leaves closing to its peers, so with one that doesn't
//           react to GOAWAY that takes until `limit`, or until HangUp(), which closes them here and
//           now.
// Threads:  main thread; HangUp(), counts() and ExpectSelf() on any. Never Shutdown() from the
//           event loop: calls in flight need it.
// Source:   limits as measured for gRPC 1.51.1: no compression (a small message inflates to
//           hundreds of megabytes before its size is checked), bounded metadata, handshake and idle
//           time-outs, one process a port.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/endpoints/grpc/acceptor.h"
#include "server/endpoints/grpc/router.h"

namespace hongyan::endpoints {

struct GrpcServerOptions {
  std::string listen;     // HOST:PORT; port 0 takes a free one
  std::string cert_file;  // PEM; empty: no TLS
  std::string key_file;
  std::string client_ca_file;  // a client certificate is required and verified
  std::size_t max_request_bytes = 4u << 20;
  std::size_t max_connections = 1024;
  std::size_t max_connections_per_address = 0;  // 0: no such limit
};

class GrpcServer {
 public:
  absl::Status Start(const GrpcServerOptions& options, Router& router);
  // "127.0.0.1:41234"
  const std::string& address() const { return address_; }
  void Shutdown(absl::Duration limit);
  void HangUp();
  // Of the acceptor; zeros before Start().
  AcceptorCounts counts() const;
  void ExpectSelf(std::uint16_t port);

 private:
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Acceptor> acceptor_;
  Router* router_ = nullptr;
  std::string address_;
};

// Sends what gRPC's core says through our log: escaped, bounded, at most ten lines a second. Also
// turns off its mutexes' deadlock detection. Call once, from main, before any server.
void PrepareGrpc();

}  // namespace hongyan::endpoints
