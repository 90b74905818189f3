// HttpClient over libcurl's multi interface, driven by the event loop.
//
// Contract: HTTP/1.1 with a keep-alive pool; a connection idle for 5 s is not used again. Lengths are always sent,
//           `Expect` never; TLS is verified against the system's authorities or `ca_file`; no redirect, no proxy, no
//           .netrc, whatever the environment says. Cancelling the calling task ends the transfer.
//           A POST body can't be rewound, so libcurl never resends it on a second connection by itself.
// Bounds:   `max_connections` connections; further requests wait inside their deadlines.
// Threads:  event loop only.
// Lifetime: every Send has ended before the client is destroyed. `loop` and `clock` outlive it. Needs
//           curl_global_init before.
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
#include "server/http/http_client.h"

namespace hongyan::http {

struct CurlOptions {
  int max_connections = 128;
  std::string ca_file;                              // PEM bundle; empty: the system's
  std::chrono::milliseconds connect_timeout{2000};  // TCP and TLS together
};

class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(async::EventLoop& loop, async::Clock& clock, CurlOptions options);
  ~CurlHttpClient() override;
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  async::Task<HttpResult> Send(HttpRequest request) override;
  // Lets go of the timer and of the pooled connections, whose waits may outlast the last transfer by a minute and would
  // keep the loop from running dry. Call when no transfer is left; none may come after it.
  void Close();

 private:
  struct Transfer;
  class Socket;

  // A connection's place, waited for until `deadline`. False: none came free.
  async::Task<bool> TakePlace(async::MonoTime deadline);
  void GivePlaceBack();
  std::unique_ptr<Transfer> NewTransfer();
  void Begin(Transfer& transfer);
  void Cancel(Transfer& transfer);
  // Tells libcurl that a socket is ready or that its time came, then hands out what is done.
  void Act(curl_socket_t fd, int events);
  void HandOutFinished();
  void ScheduleTimeout(long millis);  // NOLINT(google-runtime-int): libcurl's type
  void OnTimer();

  static int OnSocket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int OnTimerChange(CURLM* multi, long millis, void* self);  // NOLINT(google-runtime-int)
  static curl_socket_t OnOpen(void* self, curlsocktype purpose, struct curl_sockaddr* address);
  static int OnClose(void* self, curl_socket_t fd);

  async::EventLoop& loop_;
  CurlOptions options_;
  CURLM* multi_ = nullptr;
  curl_slist* get_headers_ = nullptr;
  curl_slist* post_headers_ = nullptr;
  int places_taken_ = 0;
  async::WaitList places_;
  absl::flat_hash_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<Transfer>> idle_;

  struct TimerState;
  std::unique_ptr<TimerState> timer_;
};

}  // namespace hongyan::http
