// HttpClient over libcurl's multi interface, driven by the event loop.
//
// Contract: HTTP/1.1 with a keep-alive pool; a connection idle for `idle_limit` is not used again.
//           Lengths are always sent, `Expect` never; TLS is verified against the system's
//           authorities or `ca_file`; no redirect, no proxy, no .netrc, whatever the environment
//           says. Names are looked up by the resolver alone, for `connect_timeout` at most, and
//           before a request takes a connection's place. Cancelling the calling task ends the
//           transfer. libcurl never resends a POST on a second connection by itself: it must ask,
//           and is refused as soon as a byte of it may have left. As long as none was written the
//           same call goes on to a new connection.
// Bounds:   `max_connections` connections; further requests wait inside their deadlines.
// Threads:  event loop only.
// Lifetime: every Send has ended before the client is destroyed. `loop`, `clock` and `names`
//           outlive it. Needs curl_global_init before.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/async/wait_list.h"
#include "server/http/curl_multi.h"
#include "server/http/http_client.h"
#include "server/http/name_resolver.h"

namespace hongyan::http {

struct CurlOptions {
  int max_connections = 128;
  std::string ca_file;  // PEM bundle; empty: the system's
  std::chrono::milliseconds connect_timeout{
      2000};  // TCP and TLS together; as long again for the name
  // A connection idle for longer is not used again. libcurl counts whole seconds, so it may be
  // almost one more.
  std::chrono::seconds idle_limit{4};
};

class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(async::EventLoop& loop, async::Clock& clock, NameResolver& names,
                 CurlOptions options);
  ~CurlHttpClient() override;
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  async::Task<HttpResult> Send(HttpRequest request) override;
  // As CurlMulti::Close().
  void Close();

 private:
  struct Transfer;
  // Who an URL leads to.
  struct Peer {
    std::string host;  // in lower case
    std::string port;
    bool has_name = false;  // else an address, or localhost, which libcurl knows by itself
  };

  const Peer& FindPeer(const std::string& url);
  // A connection's place, waited for until `deadline`. False: none came free.
  async::Task<bool> TakePlace(async::MonoTime deadline);
  void GivePlaceBack();
  std::unique_ptr<Transfer> NewTransfer();
  void Begin(Transfer& transfer);
  void Cancel(Transfer& transfer);
  static void OnFinished(CURL* easy, CURLcode code);

  async::EventLoop& loop_;
  NameResolver& names_;
  CurlOptions options_;
  absl::flat_hash_map<std::string, std::unique_ptr<const Peer>> peers_;  // by scheme and authority
  curl_slist* get_headers_ = nullptr;
  curl_slist* post_headers_ = nullptr;
  int places_taken_ = 0;
  async::WaitList places_;
  CurlMulti multi_;
  std::vector<std::unique_ptr<Transfer>> idle_;
};

}  // namespace hongyan::http
