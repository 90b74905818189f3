// A platform of scripted answers behind the HttpClient interface.
//
// Contract: a request gets the next reply of its path's queue (Next), else the path's standing one
//           (Always, Respond); a request that nobody scripted fails the test. As with the real
//           client an answer never comes at once, a request ends at its deadline, and a cancelled
//           task's request ends with kCancelled.
// Threads:  event loop only.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/async/event_loop.h"
#include "server/async/wait_list.h"
#include "server/http/http_client.h"

namespace hongyan::support {

struct Reply {
  http::HttpResult result;
  absl::Duration after = absl::ZeroDuration();  // how long it takes
  bool held = false;                            // until Release()
};

class FakeHttpClient final : public http::HttpClient {
 public:
  struct Request {
    http::HttpRequest::Method method = http::HttpRequest::Method::kGet;
    std::string url;
    std::string host;   // "https://api.example"
    std::string path;   // "/cgi-bin/token"
    std::string query;  // without '?'
    std::string body;
    async::MonoTime at;
    async::MonoTime deadline;
  };
  using Responder = std::function<Reply(const Request&)>;

  FakeHttpClient(async::EventLoop& loop, async::Clock& clock)
      : loop_(loop), clock_(clock), released_(clock) {}

  void Next(const std::string& path, Reply reply) {
    paths_[path].queue.push_back(std::move(reply));
  }
  void Always(const std::string& path, Reply reply);
  void Respond(const std::string& path, Responder responder) {
    paths_[path].standing = std::move(responder);
  }
  // Connections to this host are refused from now on; Up() ends it.
  void Down(const std::string& host) { down_.insert(host); }
  void Up(const std::string& host) { down_.erase(host); }
  // Held replies go out.
  void Release() { released_.NotifyAll(); }

  async::Task<http::HttpResult> Send(http::HttpRequest request) override;

  // What was asked, in order; tries that were refused a connection too.
  const std::vector<Request>& requests() const { return requests_; }
  std::vector<Request> requests(const std::string& path) const;
  std::size_t count(const std::string& path) const { return requests(path).size(); }
  // The most requests of this path that were under way together.
  int most_at_once(const std::string& path) const;

 private:
  struct Path {
    std::deque<Reply> queue;
    Responder standing;
    int in_flight = 0;
    int most_at_once = 0;
  };
  Reply ReplyTo(const Request& request);
  async::Task<http::HttpResult> Deliver(Reply reply, async::MonoTime deadline);

  async::EventLoop& loop_;
  async::Clock& clock_;
  std::map<std::string, Path> paths_;
  std::set<std::string> down_;
  std::vector<Request> requests_;
  async::WaitList released_;
};

}  // namespace hongyan::support
