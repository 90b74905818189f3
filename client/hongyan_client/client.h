// A client of Hongyan's services: deadlines, credentials and careful repeats around the generated
// stubs.
//
//   auto client = hongyan::client::Client::Connect({.target = "127.0.0.1:9090"});
//   hongyan::v1::SendTextRequest request;
//   request.set_openid("oABC…");
//   request.set_content("您的订单已发货");
//   absl::StatusOr<hongyan::v1::SendTextResponse> sent = (*client)->SendText(request);
//   if (!sent.ok()) {
//     const hongyan::client::Error error = hongyan::client::Describe(sent.status());
//     …
//   }
//
// Contract: every call but WatchEvents has a deadline. Calls wait until they are answered. retry.h
//           says what is repeated; gRPC's own repeats are off, since gRPC can't know whether a
//           message went out. A call first waits for a connection, so that "never left"
//           (Error::not_connected) and "lost underway" can be told apart.
// Errors:   the service's status with its details, see error.h. INVALID_ARGUMENT without details:
//           options or call options that can't be used; nothing was called.
// Threads:  all methods may be called from several threads at once; calls share one HTTP/2
//           connection.
// Lifetime: responses are values. Nothing of a request or of CallOptions is kept after its call.
// Source:   protos/hongyan/v1/notify.proto, subscriber.proto and event.proto.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hongyan/v1/event.pb.h"
#include "hongyan/v1/notify.pb.h"
#include "hongyan/v1/subscriber.pb.h"
#include "hongyan_client/canceller.h"
#include "hongyan_client/error.h"
#include "hongyan_client/retry.h"

namespace hongyan::client {

inline constexpr char kDefaultTarget[] = "127.0.0.1:9090";
inline constexpr absl::Duration kDefaultTimeout = absl::Seconds(10);
// A batch of thousands takes its time; this is the service's own limit.
inline constexpr absl::Duration kDefaultBatchTimeout = absl::Minutes(10);
// So does a list of followers that WeChat hands out by the hundred; the service's own limit too.
inline constexpr absl::Duration kSyncTimeout = absl::Hours(24);

struct Options {
  // HOST:PORT, or another gRPC target.
  std::string target = kDefaultTarget;
  // Bearer token; empty: none. Without TLS it leaves only for loopback targets, unless
  // allow_plaintext_token.
  std::string token = {};
  bool allow_plaintext_token = false;
  bool tls = false;
  // PEM files. Without ca_file the system's roots are used; cert_file and key_file go together.
  // Read by Connect().
  std::string ca_file = {};
  std::string cert_file = {};
  std::string key_file = {};
  // Of calls whose CallOptions name none.
  absl::Duration timeout = kDefaultTimeout;
  absl::Duration batch_timeout = kDefaultBatchTimeout;
  // For calls that last: how often a silent connection is asked whether it still lives. Zero:
  // never. Hongyan suffers one in 30 seconds at most.
  absl::Duration keepalive = absl::ZeroDuration();
};

struct CallOptions {
  // Of the whole call with its repeats. Zero: the client's.
  absl::Duration timeout = absl::ZeroDuration();
  // x-request-id: 1 to 128 visible ASCII characters. Empty: the service makes one.
  std::string request_id = {};
  Canceller* canceller = nullptr;
};

class Client {
 public:
  // Reads the PEM files. Doesn't wait for the network: the first call connects.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const Options& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  absl::StatusOr<v1::SendTextResponse> SendText(const v1::SendTextRequest& request,
                                                const CallOptions& options = {});
  absl::StatusOr<v1::SendTemplateResponse> SendTemplate(const v1::SendTemplateRequest& request,
                                                        const CallOptions& options = {});
  absl::StatusOr<v1::GetUserInfoResponse> GetUserInfo(const v1::GetUserInfoRequest& request,
                                                      const CallOptions& options = {});
  absl::StatusOr<v1::BatchGetUserInfoResponse> BatchGetUserInfo(
      const v1::BatchGetUserInfoRequest& request, const CallOptions& options = {});

  // `on_result` sees each result as it comes, on the calling thread. Repeated only while no result
  // has come.
  absl::Status SendBatch(const v1::SendBatchRequest& request,
                         const std::function<void(const v1::SendBatchResponse&)>& on_result,
                         const CallOptions& options = {});

  absl::StatusOr<v1::GetSubscriberResponse> GetSubscriber(const v1::GetSubscriberRequest& request,
                                                          const CallOptions& options = {});
  absl::StatusOr<v1::ListSubscribersResponse> ListSubscribers(
      const v1::ListSubscribersRequest& request, const CallOptions& options = {});

  // `on_progress` sees each report as it comes, on the calling thread. Never repeated: what was
  // imported stays, and the next call goes on. Without a timeout of its own it may take
  // kSyncTimeout. ImportSubscribers() of subscriber_import.h goes on over broken connections.
  absl::Status SyncSubscribers(
      const v1::SyncSubscribersRequest& request,
      const std::function<void(const v1::SyncSubscribersResponse&)>& on_progress,
      const CallOptions& options = {});

  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request,
                                                    const CallOptions& options = {});

  // One stream, which has no deadline: the timeout is that of the connection. `on_open`: the
  // service has answered; unless it refuses the request after all, what comes from now on is told.
  // `on_event` sees each event as it comes and ends the call, with OK, by `false`. Both run on the
  // calling thread. Repeated only before `on_open`. A stream that the service ends without an error
  // is UNAVAILABLE. FollowEvents() of event_follower.h resumes broken streams.
  absl::Status WatchEvents(const v1::WatchEventsRequest& request,
                           const std::function<void()>& on_open,
                           const std::function<bool(const v1::Event&)>& on_event,
                           const CallOptions& options = {});

  // OK as soon as there is a connection; else what NotConnected() says.
  absl::Status WaitUntilConnected(absl::Time deadline, const Canceller* canceller = nullptr);

 private:
  struct Wire;
  struct Attempt;
  explicit Client(std::unique_ptr<Wire> wire);

  // Runs `attempt` until it succeeds or RetryDelay() ends it.
  absl::Status Call(CallKind kind, absl::Duration default_timeout, const CallOptions& options,
                    const std::function<void(Attempt&)>& attempt);

  // Calls `method` of `stub`, which has one response.
  template <typename Response, typename Stub, typename Method, typename Request>
  absl::StatusOr<Response> CallUnary(CallKind kind, Stub& stub, Method method,
                                     const Request& request, const CallOptions& options);

  std::unique_ptr<Wire> wire_;
};

}  // namespace hongyan::client
