#include "server/http/curl_multi.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

namespace hongyan::http {

namespace asio = boost::asio;
using async::Executor;
using async::MonoTime;

// A descriptor as Asio watches it. Lives from libcurl's open to its close, so that a pooled
// connection costs no registration for each request.
class CurlMulti::Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(CurlMulti& multi, curl_socket_t fd, bool opened_here)
      : multi_(multi), fd_(fd), opened_here_(opened_here), descriptor_(multi.loop_.context(), fd) {}

  ~Socket() {
    if (descriptor_.is_open()) descriptor_.release();
  }

  bool opened_here() const { return opened_here_; }
  bool writing() const { return writing_; }

  // Watches for what libcurl wants now: CURL_POLL_IN, _OUT, _INOUT or _NONE.
  void Want(int what) {
    want_ = what;
    Arm();
  }

  // libcurl closes the descriptor itself after this.
  void Release() {
    want_ = CURL_POLL_NONE;
    released_ = true;
    if (descriptor_.is_open()) descriptor_.release();
  }

 private:
  void Arm() {
    if (released_) return;
    if ((want_ & CURL_POLL_IN) != 0 && !reading_) {
      reading_ = true;
      descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                             [self = shared_from_this()](boost::system::error_code error) {
                               self->reading_ = false;
                               self->OnReady(error, CURL_CSELECT_IN, CURL_POLL_IN);
                             });
    }
    if ((want_ & CURL_POLL_OUT) != 0 && !writing_) {
      writing_ = true;
      descriptor_.async_wait(asio::posix::descriptor_base::wait_write,
                             [self = shared_from_this()](boost::system::error_code error) {
                               self->writing_ = false;
                               self->OnReady(error, CURL_CSELECT_OUT, CURL_POLL_OUT);
                             });
    }
  }

  void OnReady(boost::system::error_code error, int event, int wanted) {
    if (released_ || error == asio::error::operation_aborted) return;
    // A wait that was begun for an earlier request may end when nothing is wanted any more: the
    // peer of a pooled connection closed it. libcurl finds out by itself when it looks at the
    // connection again.
    if ((want_ & wanted) == 0) return;
    const auto self = shared_from_this();  // the socket may go away inside Act
    multi_.Act(fd_, error ? CURL_CSELECT_ERR : event);
    Arm();
  }

  CurlMulti& multi_;
  curl_socket_t fd_;
  bool opened_here_;
  asio::posix::basic_stream_descriptor<Executor> descriptor_;
  int want_ = CURL_POLL_NONE;
  bool reading_ = false;
  bool writing_ = false;
  bool released_ = false;
};

// One timer for all transfers, as libcurl wants it.
struct CurlMulti::Timer {
  explicit Timer(asio::io_context& context) : timer(context) {}
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer;
  std::optional<MonoTime> due;    // when libcurl wants to be called
  std::optional<MonoTime> armed;  // when the timer goes off, never later than `due`
  bool posted = false;            // a call at the loop's next turn is on its way
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

CurlMulti::CurlMulti(async::EventLoop& loop, int max_connections, Finished finished)
    : loop_(loop),
      finished_(std::move(finished)),
      multi_(curl_multi_init()),
      timer_(std::make_unique<Timer>(loop.context())) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::OnTimerChange);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  const long limit = max_connections;  // NOLINT(google-runtime-int)
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, limit);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, limit);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));  // NOLINT
}

CurlMulti::~CurlMulti() {
  *timer_->alive = false;
  curl_multi_cleanup(multi_);
  sockets_.clear();
}

void CurlMulti::Prepare(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlMulti::OnOpen);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::OnClose);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
}

CURLMcode CurlMulti::Add(CURL* easy) { return curl_multi_add_handle(multi_, easy); }

void CurlMulti::Remove(CURL* easy) { curl_multi_remove_handle(multi_, easy); }

void CurlMulti::Act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  HandOutFinished();
}

void CurlMulti::HandOutFinished() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;  // the message is gone with the removal
    curl_multi_remove_handle(multi_, easy);
    // Whoever is told may add its next transfer; no libcurl callback is on the stack.
    finished_(easy, code);
  }
}

int CurlMulti::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& multi = *static_cast<CurlMulti*>(self);
  const auto it = multi.sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (it == multi.sockets_.end()) return 0;
    // A socket that has not connected yet is closed by libcurl without asking OnClose, so it must
    // not stay.
    if (it->second->opened_here() && !it->second->writing()) {
      it->second->Want(CURL_POLL_NONE);
    } else {
      it->second->Release();
      multi.sockets_.erase(it);
    }
    return 0;
  }
  // Not opened by OnOpen, or let go above: libcurl may close it without telling.
  const auto& socket =
      it != multi.sockets_.end()
          ? it->second
          : multi.sockets_.emplace(fd, std::make_shared<Socket>(multi, fd, false)).first->second;
  socket->Want(what);
  return 0;
}

curl_socket_t CurlMulti::OnOpen(void* self, curlsocktype, struct curl_sockaddr* address) {
  auto& multi = *static_cast<CurlMulti*>(self);
  const int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const curl_socket_t fd = ::socket(address->family, type, address->protocol);
  multi.socket_error_ = fd < 0 ? errno : 0;
  if (fd < 0) return CURL_SOCKET_BAD;
  multi.sockets_.insert_or_assign(fd, std::make_shared<Socket>(multi, fd, true));
  return fd;
}

int CurlMulti::OnClose(void* self, curl_socket_t fd) {
  auto& multi = *static_cast<CurlMulti*>(self);
  const auto it = multi.sockets_.find(fd);
  if (it != multi.sockets_.end()) {
    it->second->Release();
    multi.sockets_.erase(it);
  }
  return ::close(fd);
}

int CurlMulti::OnTimerChange(CURLM*, long millis, void* self) {  // NOLINT
  static_cast<CurlMulti*>(self)->ScheduleTimeout(millis);
  return 0;
}

// libcurl wants to be called at once after nearly every step. A post is much cheaper than a timer,
// and a timer that goes off early does no harm, so it is only ever moved forward.
void CurlMulti::ScheduleTimeout(long millis) {  // NOLINT(google-runtime-int)
  Timer& state = *timer_;
  if (millis < 0) {
    state.due.reset();
    return;
  }
  state.due = std::chrono::steady_clock::now() + std::chrono::milliseconds(millis);
  if (millis == 0) {
    if (state.posted) return;
    state.posted = true;
    loop_.Post([this, alive = state.alive] {
      if (!*alive) return;
      timer_->posted = false;
      OnTimer();
    });
    return;
  }
  if (state.armed && *state.armed <= *state.due) return;
  state.armed = state.due;
  state.timer.expires_at(*state.due);
  state.timer.async_wait([this, alive = state.alive](boost::system::error_code error) {
    if (error || !*alive) return;
    timer_->armed.reset();
    OnTimer();
  });
}

void CurlMulti::Close() {
  timer_->due.reset();
  timer_->armed.reset();
  timer_->timer.cancel();
  for (const auto& [fd, socket] : sockets_) socket->Release();
}

void CurlMulti::OnTimer() {
  Timer& state = *timer_;
  if (!state.due) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < *state.due) {
    // Went off for an earlier wish; wait for the present one.
    if (!state.armed) {
      ScheduleTimeout(static_cast<long>(  // NOLINT(google-runtime-int)
          std::chrono::ceil<std::chrono::milliseconds>(*state.due - now).count()));
    }
    return;
  }
  state.due.reset();
  Act(CURL_SOCKET_TIMEOUT, 0);
}

}  // namespace hongyan::http
