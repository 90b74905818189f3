// The RPCs of a service as data: what a transport needs to know of each, and the function that does
// it.
//
// Contract: a row's function runs as a task on the event loop, with a request of the row's type,
//           and its status is the call's. The transport does what all calls have in common: it
//           parses and bounds the request, gives the call its place, deadline and account, counts
//           it, logs it, and names the account in its errors.
// Threads:  tables are made once and then read from any; functions run on the event loop.
// Lifetime: the object whose functions a table has outlives the transport.
#pragma once

#include <google/protobuf/message_lite.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/api/call.h"
#include "server/api/places.h"
#include "server/api/response_writer.h"

namespace hongyan::api {

// What a caller must be allowed to. Named as in the contract.
enum class Scope { kNone, kNotify, kUsers, kEvents };

enum class Kind {
  kUnary,
  kStream,    // one request, any number of responses
  kExchange,  // request, response, request, response: one at a time
};

enum class AccountRule {
  kNone,      // the request has no account, or has one in each of its parts
  kRequired,  // may be left out where only one is configured
  kOptional,  // left out: all of them
};

struct MethodOptions {
  // How long a call may take that has no deadline, or one of more than a day.
  absl::Duration ceiling = absl::Seconds(30);
  // Whether it takes one of the grpc.max_in_flight places.
  bool counted = true;
  // Another bound, null: none.
  Places* places = nullptr;
  // Ended at once by the service's stop with SHUTTING_DOWN, because it can be taken up elsewhere.
  bool resumable = false;
  AccountRule account = AccountRule::kRequired;
};

struct Method {
  using Request = google::protobuf::MessageLite;
  using Response = std::unique_ptr<google::protobuf::MessageLite>;

  std::string name;
  Scope scope;
  Kind kind;
  MethodOptions options;
  const Request* request;  // an empty one, to make others from
  // What the request has in its field `account`; "" where it has none.
  std::function<const std::string&(const Request&)> account_of;
  // Of kUnary and kExchange; of kStream.
  std::function<async::Task<absl::StatusOr<Response>>(Call&, const Request&)> answer;
  std::function<async::Task<absl::Status>(Call&, const Request&, MessageWriter&)> write;
};

struct MethodTable {
  std::string service;  // its full name
  std::vector<Method> methods;
};

namespace internal {

template <typename Request>
Method Row(Scope scope, const char* name, Kind kind, MethodOptions options) {
  Method method{name, scope, kind, options, &Request::default_instance(), {}, {}, {}};
  if constexpr (requires(const Request& request) { request.account(); }) {
    method.account_of = [](const Method::Request& request) -> const std::string& {
      return static_cast<const Request&>(request).account();
    };
  } else {
    method.options.account = AccountRule::kNone;
  }
  return method;
}

template <typename Response>
async::Task<absl::StatusOr<Method::Response>> Erase(async::Task<absl::StatusOr<Response>> typed) {
  auto response = co_await std::move(typed);
  if (!response.ok()) co_return response.status();
  co_return std::make_unique<Response>(*std::move(response));
}

}  // namespace internal

template <typename Object, typename Request, typename Response>
Method Unary(Scope scope, const char* name, Object* object,
             async::Task<absl::StatusOr<Response>> (Object::*function)(Call&, const Request&),
             MethodOptions options = {}, Kind kind = Kind::kUnary) {
  Method method = internal::Row<Request>(scope, name, kind, options);
  method.answer = [object, function](Call& call, const Method::Request& request) {
    return internal::Erase((object->*function)(call, static_cast<const Request&>(request)));
  };
  return method;
}

template <typename Object, typename Request, typename Response>
Method Exchange(Scope scope, const char* name, Object* object,
                async::Task<absl::StatusOr<Response>> (Object::*function)(Call&, const Request&),
                MethodOptions options = {}) {
  return Unary(scope, name, object, function, options, Kind::kExchange);
}

template <typename Object, typename Request, typename Response>
Method Stream(Scope scope, const char* name, Object* object,
              async::Task<absl::Status> (Object::*function)(Call&, const Request&,
                                                            ResponseWriter<Response>),
              MethodOptions options = {}) {
  Method method = internal::Row<Request>(scope, name, Kind::kStream, options);
  method.write = [object, function](Call& call, const Method::Request& request,
                                    MessageWriter& writer) {
    return (object->*function)(call, static_cast<const Request&>(request),
                               ResponseWriter<Response>(writer));
  };
  return method;
}

}  // namespace hongyan::api
