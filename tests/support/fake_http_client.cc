#include "tests/support/fake_http_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/support/wechat_replies.h"

namespace hongyan::support {

using http::HttpFailure;
using http::HttpResult;

void FakeHttpClient::Always(const std::string& path, Reply reply) {
  Respond(path, [reply = std::move(reply)](const Request&) { return reply; });
}

async::Task<HttpResult> FakeHttpClient::Send(http::HttpRequest request) {
  const bool cancelled = co_await async::Cancelled();
  if (cancelled) {
    co_return HttpFailure{HttpFailure::Kind::kCancelled, false, "cancelled"};
  }
  const async::MonoTime now = clock_.Mono();
  if (request.timeout < request.deadline - now) request.deadline = now + request.timeout;
  Request seen{request.method, request.url, "", "", "", request.body, now, request.deadline};
  const std::size_t path = request.url.find('/', request.url.find("//") + 2);
  const std::size_t query = std::min(request.url.find('?'), request.url.size());
  seen.host = request.url.substr(0, path);
  seen.path = request.url.substr(path, query - path);
  if (query < request.url.size()) seen.query = request.url.substr(query + 1);
  requests_.push_back(seen);
  if (clock_.Mono() >= request.deadline) {
    co_return HttpFailure{HttpFailure::Kind::kTimeout, false, "no time left"};
  }

  Path& counted = paths_[seen.path];
  counted.most_at_once = std::max(counted.most_at_once, ++counted.in_flight);
  HttpResult result = co_await Deliver(ReplyTo(seen), request.deadline);
  --counted.in_flight;
  if (auto* failure = std::get_if<HttpFailure>(&result)) failure->peer_time = clock_.Mono() - now;
  co_return result;
}

Reply FakeHttpClient::ReplyTo(const Request& request) {
  if (down_.count(request.host) > 0) return ConnectionRefused();
  Path& path = paths_[request.path];
  if (!path.queue.empty()) {
    Reply reply = std::move(path.queue.front());
    path.queue.pop_front();
    return reply;
  }
  if (path.standing) return path.standing(request);
  ADD_FAILURE() << "nobody expected a request for " << request.path;
  return HttpStatus(404);
}

async::Task<HttpResult> FakeHttpClient::Deliver(Reply reply, async::MonoTime deadline) {
  const auto* failure = std::get_if<HttpFailure>(&reply.result);
  const bool began = failure == nullptr || failure->request_began;
  const async::MonoTime ready = async::After(clock_.Mono(), reply.after);
  using Woken = async::WaitList::Woken;
  Woken woken = Woken::kNotified;
  if (reply.held) {
    woken = co_await released_.Wait(deadline);
  } else {
    const auto alarm = clock_.NewAlarm();
    const bool waited = co_await alarm->WaitUntil(std::min(ready, deadline));
    if (!waited) {
      woken = Woken::kCancelled;
    } else if (ready > deadline) {
      woken = Woken::kDeadline;
    }
  }
  if (woken == Woken::kCancelled) {
    co_return HttpFailure{HttpFailure::Kind::kCancelled, began, "cancelled"};
  }
  if (woken == Woken::kDeadline) {
    co_return HttpFailure{HttpFailure::Kind::kTimeout, began, "timed out"};
  }
  co_return std::move(reply.result);
}

std::vector<FakeHttpClient::Request> FakeHttpClient::requests(const std::string& path) const {
  std::vector<Request> found;
  std::copy_if(requests_.begin(), requests_.end(), std::back_inserter(found),
               [&](const Request& request) { return request.path == path; });
  return found;
}

int FakeHttpClient::most_at_once(const std::string& path) const {
  const auto it = paths_.find(path);
  return it == paths_.end() ? 0 : it->second.most_at_once;
}

}  // namespace hongyan::support
