// libcurl's multi handle on the event loop: its sockets, its timer, and what it says is done.
//
// Contract: Add() starts a prepared easy handle; `finished` is told its end once, after the handle
//           has left the multi handle, and never from inside Add() or Remove(). Remove() ends a
//           transfer without telling.
// Bounds:   `max_connections`, open and pooled together.
// Threads:  event loop only.
// Lifetime: outlives the handles that it prepared; none is added when it is destroyed. Needs
//           curl_global_init before.
#pragma once

#include <curl/curl.h>

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "server/async/event_loop.h"

namespace hongyan::http {

class CurlMulti {
 public:
  using Finished = absl::AnyInvocable<void(CURL* easy, CURLcode code)>;

  CurlMulti(async::EventLoop& loop, int max_connections, Finished finished);
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  // Lets the handle's connections be watched here. Once for each handle, before its first Add().
  void Prepare(CURL* easy);
  CURLMcode Add(CURL* easy);
  void Remove(CURL* easy);
  // Why the last socket could not be made; 0 when it could.
  int socket_error() const { return socket_error_; }
  // Lets go of the timer and of the pooled connections, whose waits may outlast the last transfer
  // by a minute and would keep the loop from running dry. Call when no transfer is left; none may
  // come after it.
  void Close();

 private:
  class Socket;
  struct Timer;

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
  Finished finished_;
  CURLM* multi_;
  int socket_error_ = 0;
  absl::flat_hash_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace hongyan::http
