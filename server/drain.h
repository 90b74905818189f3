// Ends the service in order, each step within its own limit.
//
// Contract: Run() goes through the steps below and returns once the loop has ended. False:
//           background tasks didn't end and were given up. What was acknowledged is recorded before
//           any step.
//             1. The streams that can be taken up elsewhere end, the callback port takes no new
//             connections.
//             2. Calls may end by themselves for `grace`; then all are cancelled and have
//             kLastAnswers to say what became
//                of them. Connections without calls are closed.
//             3. Pushes that are being taken are answered, and late answers of handlers go out.
//             4. The admin port closes, background tasks end, and so does the loop.
// Threads:  Run() on main, never on the loop. The loop runs meanwhile.
// Lifetime: all of its parts outlive it.
#pragma once

#include <future>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/async/task_group.h"
#include "server/core/accounts.h"
#include "server/endpoints/grpc/grpc_server.h"
#include "server/endpoints/grpc/router.h"
#include "server/http/curl_http_client.h"
#include "server/http/http_server.h"

namespace hongyan {

class Drain {
 public:
  struct Parts {
    async::EventLoop& loop;
    std::thread& thread;  // the loop's; joined
    async::Clock& clock;
    async::TaskGroup& background;
    core::Accounts& accounts;
    endpoints::Router& router;
    endpoints::GrpcServer& grpc;
    http::HttpServer& callback;
    http::HttpServer& admin;
    http::CurlHttpClient& http;
  };

  Drain(Parts parts, absl::Duration grace) : parts_(parts), grace_(grace) {}
  bool Run();

 private:
  async::Task<void> EndCalls();
  // True once no call is open. Polled, because a call ends on the router's thread.
  async::Task<bool> AwaitNoCall(async::MonoTime until);
  async::Task<void> EndPushes(std::shared_ptr<std::promise<void>> done);
  async::Task<void> EndBackground();

  const Parts parts_;
  const absl::Duration grace_;
  bool gave_up_ = false;  // the loop's while it runs
};

}  // namespace hongyan
