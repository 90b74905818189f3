#include "hongyan_client/client.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "hongyan/v1/event.grpc.pb.h"
#include "hongyan/v1/notify.grpc.pb.h"
#include "hongyan/v1/subscriber.grpc.pb.h"
#include "hongyan_client/channel.h"
#include "hongyan_client/visible_ascii.h"

namespace hongyan::client {
namespace {

// How often a wait for the connection looks whether it was cancelled.
constexpr absl::Duration kStateCheck = absl::Milliseconds(50);
// How long a new try may take where the last one failed.
constexpr absl::Duration kSecondTry = absl::Milliseconds(300);
constexpr absl::Duration kProbeTimeout = absl::Seconds(1);

double Jitter() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

// The first value of `key`; nullopt when it is absent.
std::optional<std::string> Find(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                                const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

CallKind SendKind(const std::string& idempotency_key) {
  return idempotency_key.empty() ? CallKind::kSend : CallKind::kSendWithKey;
}

}  // namespace

struct Client::Wire {
  Options options;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::NotifyService::Stub> notify;
  std::unique_ptr<v1::SubscriberService::Stub> subscribers;
  std::unique_ptr<v1::EventService::Stub> events;
  std::unique_ptr<grpc::health::v1::Health::Stub> health;
};

// One try of a call.
struct Client::Attempt {
  grpc::ClientContext context;
  grpc::Status status;
  // Set when a repeat would hand something out twice.
  bool final = false;
};

Client::Client(std::unique_ptr<Wire> wire) : wire_(std::move(wire)) {}
Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const Options& options) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = MakeChannel(options);
  if (!channel.ok()) return channel.status();
  auto wire = std::make_unique<Wire>();
  wire->options = options;
  wire->channel = *std::move(channel);
  wire->notify = v1::NotifyService::NewStub(wire->channel);
  wire->subscribers = v1::SubscriberService::NewStub(wire->channel);
  wire->events = v1::EventService::NewStub(wire->channel);
  wire->health = grpc::health::v1::Health::NewStub(wire->channel);
  return std::unique_ptr<Client>(new Client(std::move(wire)));
}

absl::Status Client::WaitUntilConnected(absl::Time deadline, const Canceller* canceller) {
  grpc::Channel& channel = *wire_->channel;
  grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
  // A failure of before says nothing about now: try at once. The channel stays in this state
  // meanwhile.
  if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    grpc::experimental::ChannelResetConnectionBackoff(&channel);
  }
  const absl::Time second_try_ends = absl::Now() + kSecondTry;
  while (state != GRPC_CHANNEL_READY) {
    if (canceller != nullptr && canceller->cancelled()) {
      return NeverLeft(absl::CancelledError("cancelled before there was a connection"));
    }
    const absl::Time now = absl::Now();
    if (now >= deadline) return NotConnected(wire_->options.target, "no answer in time");
    const absl::Time until = std::min(deadline, now + kStateCheck);
    const bool changed = channel.WaitForStateChange(state, absl::ToChronoTime(until));
    state = channel.GetState(/*try_to_connect=*/true);
    if (state != GRPC_CHANNEL_TRANSIENT_FAILURE) continue;
    if (!changed && absl::Now() < second_try_ends) continue;
    // The channel doesn't tell why; a call that changes nothing does.
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(std::min(deadline, now + kProbeTimeout)));
    grpc::health::v1::HealthCheckResponse ignored;
    const grpc::Status probe = wire_->health->Check(&context, {}, &ignored);
    state = channel.GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) break;
    return NotConnected(wire_->options.target, probe.error_message());
  }
  return absl::OkStatus();
}

absl::Status Client::Call(CallKind kind, absl::Duration default_timeout, const CallOptions& options,
                          const std::function<void(Attempt&)>& attempt) {
  if (!IsRequestId(options.request_id)) {
    return absl::InvalidArgumentError("a request id has 1 to 128 visible ASCII characters");
  }
  if (options.timeout < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("the timeout must be above zero");
  }
  const bool own_timeout = options.timeout > absl::ZeroDuration();
  const absl::Time deadline = absl::Now() + (own_timeout ? options.timeout : default_timeout);
  Canceller never;
  Canceller* canceller = options.canceller == nullptr ? &never : options.canceller;
  for (int retries = 0;; ++retries) {
    FailedAttempt failed;
    failed.retries_done = retries;
    bool final = false;
    absl::Status status = WaitUntilConnected(deadline, options.canceller);
    if (status.ok()) {
      Attempt one;
      one.context.set_deadline(absl::ToChronoTime(deadline));
      if (!wire_->options.token.empty()) {
        one.context.AddMetadata("authorization", absl::StrCat("Bearer ", wire_->options.token));
      }
      if (!options.request_id.empty()) one.context.AddMetadata("x-request-id", options.request_id);
      canceller->Attach(&one.context);
      attempt(one);
      canceller->Detach(&one.context);
      if (one.status.ok()) return absl::OkStatus();
      final = one.final;
      failed.pushback = Find(one.context.GetServerTrailingMetadata(), "grpc-retry-pushback-ms");
      std::optional<std::string> id = Find(one.context.GetServerTrailingMetadata(), "x-request-id");
      if (!id.has_value()) id = Find(one.context.GetServerInitialMetadata(), "x-request-id");
      status = StatusFromCall(one.status, id.value_or(options.request_id));
    }
    failed.error = Describe(status);
    const std::optional<absl::Duration> delay =
        RetryDelay(kind, failed, deadline - absl::Now(), Jitter());
    if (final || !delay.has_value()) return status;
    canceller->WaitFor(*delay);
    if (canceller->cancelled()) return status;
  }
}

template <typename Response, typename Stub, typename Method, typename Request>
absl::StatusOr<Response> Client::CallUnary(CallKind kind, Stub& stub, Method method,
                                           const Request& request, const CallOptions& options) {
  Response response;
  const absl::Status status = Call(kind, wire_->options.timeout, options, [&](Attempt& one) {
    one.status = (stub.*method)(&one.context, request, &response);
  });
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::SendTextResponse> Client::SendText(const v1::SendTextRequest& request,
                                                      const CallOptions& options) {
  return CallUnary<v1::SendTextResponse>(SendKind(request.idempotency_key()), *wire_->notify,
                                         &v1::NotifyService::Stub::SendText, request, options);
}

absl::StatusOr<v1::SendTemplateResponse> Client::SendTemplate(
    const v1::SendTemplateRequest& request, const CallOptions& options) {
  return CallUnary<v1::SendTemplateResponse>(SendKind(request.idempotency_key()), *wire_->notify,
                                             &v1::NotifyService::Stub::SendTemplate, request,
                                             options);
}

absl::StatusOr<v1::GetUserInfoResponse> Client::GetUserInfo(const v1::GetUserInfoRequest& request,
                                                            const CallOptions& options) {
  return CallUnary<v1::GetUserInfoResponse>(
      CallKind::kRead, *wire_->notify, &v1::NotifyService::Stub::GetUserInfo, request, options);
}

absl::StatusOr<v1::BatchGetUserInfoResponse> Client::BatchGetUserInfo(
    const v1::BatchGetUserInfoRequest& request, const CallOptions& options) {
  return CallUnary<v1::BatchGetUserInfoResponse>(CallKind::kRead, *wire_->notify,
                                                 &v1::NotifyService::Stub::BatchGetUserInfo,
                                                 request, options);
}

absl::Status Client::SendBatch(const v1::SendBatchRequest& request,
                               const std::function<void(const v1::SendBatchResponse&)>& on_result,
                               const CallOptions& options) {
  return Call(CallKind::kSend, wire_->options.batch_timeout, options, [&](Attempt& one) {
    auto reader = wire_->notify->SendBatch(&one.context, request);
    v1::SendBatchResponse result;
    while (reader->Read(&result)) {
      one.final = true;
      on_result(result);
    }
    one.status = reader->Finish();
  });
}

absl::StatusOr<v1::GetSubscriberResponse> Client::GetSubscriber(
    const v1::GetSubscriberRequest& request, const CallOptions& options) {
  return CallUnary<v1::GetSubscriberResponse>(CallKind::kRead, *wire_->subscribers,
                                              &v1::SubscriberService::Stub::GetSubscriber, request,
                                              options);
}

absl::StatusOr<v1::ListSubscribersResponse> Client::ListSubscribers(
    const v1::ListSubscribersRequest& request, const CallOptions& options) {
  return CallUnary<v1::ListSubscribersResponse>(CallKind::kRead, *wire_->subscribers,
                                                &v1::SubscriberService::Stub::ListSubscribers,
                                                request, options);
}

absl::Status Client::SyncSubscribers(
    const v1::SyncSubscribersRequest& request,
    const std::function<void(const v1::SyncSubscribersResponse&)>& on_progress,
    const CallOptions& options) {
  return Call(CallKind::kRead, kSyncTimeout, options, [&](Attempt& one) {
    one.final = true;
    auto reader = wire_->subscribers->SyncSubscribers(&one.context, request);
    v1::SyncSubscribersResponse progress;
    while (reader->Read(&progress)) on_progress(progress);
    one.status = reader->Finish();
  });
}

absl::StatusOr<v1::ListEventsResponse> Client::ListEvents(const v1::ListEventsRequest& request,
                                                          const CallOptions& options) {
  return CallUnary<v1::ListEventsResponse>(CallKind::kRead, *wire_->events,
                                           &v1::EventService::Stub::ListEvents, request, options);
}

absl::Status Client::WatchEvents(const v1::WatchEventsRequest& request,
                                 const std::function<void()>& on_open,
                                 const std::function<bool(const v1::Event&)>& on_event,
                                 const CallOptions& options) {
  return Call(CallKind::kRead, wire_->options.timeout, options, [&](Attempt& one) {
    one.context.set_deadline(absl::ToChronoTime(absl::InfiniteFuture()));
    auto reader = wire_->events->WatchEvents(&one.context, request);
    reader->WaitForInitialMetadata();
    v1::WatchEventsResponse response;
    bool wanted = true;
    // Hongyan's are never empty. A call that gets no answer has none.
    if (!one.context.GetServerInitialMetadata().empty()) {
      one.final = true;
      on_open();
    }
    while (wanted && reader->Read(&response)) {
      one.final = true;
      wanted = on_event(response.event());
    }
    if (!wanted) one.context.TryCancel();
    one.status = reader->Finish();
    if (one.status.ok()) one.status = {grpc::StatusCode::UNAVAILABLE, "the stream ended"};
    if (!wanted) one.status = grpc::Status::OK;
  });
}

}  // namespace hongyan::client
