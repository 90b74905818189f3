#include "server/http/curl_http_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "server/base/log.h"

namespace hongyan::http {
namespace {

namespace asio = boost::asio;
using async::Executor;
using async::MonoTime;

constexpr std::size_t kMaxHeaderBytes = 64 << 10;
constexpr long kIdleLimitSeconds = 5;  // NOLINT(google-runtime-int)
constexpr std::size_t kMaxIdleTransfers = 256;

HttpFailure::Kind KindOf(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return HttpFailure::Kind::kResolve;
    case CURLE_COULDNT_CONNECT:
      return HttpFailure::Kind::kConnect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return HttpFailure::Kind::kTls;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFailure::Kind::kTimeout;
    case CURLE_SEND_ERROR:
      return HttpFailure::Kind::kSend;
    case CURLE_SEND_FAIL_REWIND:
      return HttpFailure::Kind::kRewind;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return HttpFailure::Kind::kReceive;
    case CURLE_WRITE_ERROR:
      return HttpFailure::Kind::kTooLarge;
    default:
      return HttpFailure::Kind::kOther;
  }
}

}  // namespace

// A descriptor as Asio watches it. Lives from libcurl's open to its close, so that a pooled connection costs no
// registration for each request.
class CurlHttpClient::Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(CurlHttpClient& client, curl_socket_t fd, bool opened_here)
      : client_(client),
        fd_(fd),
        opened_here_(opened_here),
        descriptor_(client.loop_.context(), fd) {}

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
    // A wait that was begun for an earlier request may end when nothing is wanted any more: the peer of a pooled
    // connection closed it. libcurl finds out by itself when it looks at the connection again.
    if ((want_ & wanted) == 0) return;
    const auto self = shared_from_this();  // the socket may go away inside Act
    client_.Act(fd_, error ? CURL_CSELECT_ERR : event);
    Arm();
  }

  CurlHttpClient& client_;
  curl_socket_t fd_;
  bool opened_here_;
  asio::posix::basic_stream_descriptor<Executor> descriptor_;
  int want_ = CURL_POLL_NONE;
  bool reading_ = false;
  bool writing_ = false;
  bool released_ = false;
};

// One timer for all transfers, as libcurl wants it.
struct CurlHttpClient::TimerState {
  explicit TimerState(asio::io_context& context) : timer(context) {}
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer;
  std::optional<MonoTime> due;    // when libcurl wants to be called
  std::optional<MonoTime> armed;  // when the timer goes off, never later than `due`
  bool posted = false;            // a call at the loop's next turn is on its way
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

// Everything a transfer points to, until its handle is out of the multi handle.
struct CurlHttpClient::Transfer {
  CurlHttpClient* client = nullptr;
  CURL* easy = nullptr;
  HttpRequest request;
  std::size_t sent = 0;     // bytes of the body that libcurl took
  bool body_began = false;  // libcurl asked for the body
  std::size_t header_bytes = 0;
  std::string answer;
  char error[CURL_ERROR_SIZE] = {};
  absl::AnyInvocable<void(HttpResult)> done;

  ~Transfer() {
    if (easy != nullptr) curl_easy_cleanup(easy);
  }

  static std::size_t OnRead(char* buffer, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    t.body_began = true;
    const std::size_t n = std::min(size * count, t.request.body.size() - t.sent);
    std::memcpy(buffer, t.request.body.data() + t.sent, n);
    t.sent += n;
    return n;
  }

  // libcurl rewinds a body in order to send it again on another connection. That must not happen to a message.
  static int OnSeek(void*, curl_off_t, int) { return CURL_SEEKFUNC_FAIL; }

  static std::size_t OnWrite(char* data, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    const std::size_t n = size * count;
    if (t.answer.size() + n > t.request.max_response_bytes) return 0;
    t.answer.append(data, n);
    return n;
  }

  static std::size_t OnHeader(char*, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    t.header_bytes += size * count;
    return t.header_bytes > kMaxHeaderBytes ? 0 : size * count;
  }

  HttpResult Result(CURLcode code) {
    if (code == CURLE_OK) {
      long status = 0;  // NOLINT(google-runtime-int)
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      return HttpResponse{static_cast<int>(status), std::move(answer)};
    }
    long request_bytes = 0;  // NOLINT(google-runtime-int)
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    HttpFailure failure;
    failure.kind = KindOf(code);
    failure.request_began = body_began || request_bytes > 0;
    failure.detail = curl_easy_strerror(code);
    return failure;
  }
};

CurlHttpClient::CurlHttpClient(async::EventLoop& loop, async::Clock& clock, CurlOptions options)
    : loop_(loop),
      options_(std::move(options)),
      multi_(curl_multi_init()),
      places_(clock),
      timer_(std::make_unique<TimerState>(loop.context())) {
  get_headers_ = curl_slist_append(get_headers_, "Accept:");
  for (const char* line : {"Content-Type: application/json", "Expect:", "Accept:"}) {
    post_headers_ = curl_slist_append(post_headers_, line);
  }
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlHttpClient::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlHttpClient::OnTimerChange);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  const long limit = options_.max_connections;  // NOLINT(google-runtime-int)
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, limit);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, limit);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));  // NOLINT
}

CurlHttpClient::~CurlHttpClient() {
  *timer_->alive = false;
  idle_.clear();
  curl_multi_cleanup(multi_);
  sockets_.clear();
  curl_slist_free_all(get_headers_);
  curl_slist_free_all(post_headers_);
}

std::unique_ptr<CurlHttpClient::Transfer> CurlHttpClient::NewTransfer() {
  if (!idle_.empty()) {
    auto transfer = std::move(idle_.back());
    idle_.pop_back();
    return transfer;
  }
  auto transfer = std::make_unique<Transfer>();
  transfer->client = this;
  CURL* easy = transfer->easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));            // NOLINT
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // NOLINT
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));  // NOLINT
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.count()));  // NOLINT
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, kIdleLimitSeconds);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 8192L);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Transfer::OnRead);
  curl_easy_setopt(easy, CURLOPT_READDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Transfer::OnSeek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnWrite);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlHttpClient::OnOpen);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlHttpClient::OnClose);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  return transfer;
}

async::Task<HttpResult> CurlHttpClient::Send(HttpRequest request) {
  const bool has_place = co_await TakePlace(request.deadline);
  const bool cancelled = co_await async::Cancelled();
  if (cancelled) {
    if (has_place) GivePlaceBack();
    co_return HttpFailure{HttpFailure::Kind::kCancelled, false, "cancelled"};
  }
  if (!has_place || request.deadline <= std::chrono::steady_clock::now()) {
    if (has_place) GivePlaceBack();
    co_return HttpFailure{HttpFailure::Kind::kTimeout, false, "no connection came free in time"};
  }
  std::unique_ptr<Transfer> transfer = NewTransfer();
  Transfer& t = *transfer;
  t.request = std::move(request);
  HttpResult result =
      co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(HttpResult)>(
          [this, &t](auto handler) {
            auto slot = asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) {
              slot.assign([this, &t](asio::cancellation_type) { Cancel(t); });
            }
            t.done = [handler = std::move(handler), slot](HttpResult r) mutable {
              slot.clear();
              std::move(handler)(std::move(r));
            };
            Begin(t);
          },
          async::use_task);
  GivePlaceBack();
  // What the request held must not outlive it in the pool: the URL has a token in it.
  t.request = HttpRequest{};
  t.answer = std::string();
  t.sent = 0;
  t.body_began = false;
  t.header_bytes = 0;
  if (idle_.size() < kMaxIdleTransfers) idle_.push_back(std::move(transfer));
  co_return result;
}

// libcurl would queue what is over its connection limit, but looks at the deadlines of what it queued too late.
async::Task<bool> CurlHttpClient::TakePlace(MonoTime deadline) {
  if (places_taken_ < options_.max_connections) {
    ++places_taken_;
    co_return true;
  }
  co_return co_await places_.Wait(deadline) == async::WaitList::Woken::kNotified;
}

void CurlHttpClient::GivePlaceBack() {
  // Handed to the one who waited longest, so that nobody overtakes.
  if (!places_.NotifyOne()) --places_taken_;
}

void CurlHttpClient::Begin(Transfer& t) {
  curl_easy_setopt(t.easy, CURLOPT_URL, t.request.url.c_str());
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(t.request.deadline -
                                                                 std::chrono::steady_clock::now());
  curl_easy_setopt(t.easy, CURLOPT_TIMEOUT_MS,
                   std::max<long>(1, static_cast<long>(left.count())));  // NOLINT
  if (t.request.method == HttpRequest::Method::kPost) {
    curl_easy_setopt(t.easy, CURLOPT_POST, 1L);
    curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, post_headers_);
    curl_easy_setopt(t.easy, CURLOPT_POSTFIELDS, nullptr);
    curl_easy_setopt(t.easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(t.request.body.size()));
  } else {
    curl_easy_setopt(t.easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, get_headers_);
  }
  const CURLMcode code = curl_multi_add_handle(multi_, t.easy);
  if (code != CURLM_OK) {
    loop_.Post([&t, code] {
      t.done(HttpFailure{HttpFailure::Kind::kOther, false, curl_multi_strerror(code)});
    });
  }
}

void CurlHttpClient::Cancel(Transfer& t) {
  if (t.done == nullptr) return;
  // Not from inside a libcurl callback, and not from inside the emitter.
  loop_.Post([this, &t, done = std::move(t.done)]() mutable {
    long request_bytes = 0;  // NOLINT(google-runtime-int)
    curl_easy_getinfo(t.easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    const bool began = t.body_began || request_bytes > 0;
    curl_multi_remove_handle(multi_, t.easy);
    done(HttpFailure{HttpFailure::Kind::kCancelled, began, "cancelled"});
  });
  t.done = nullptr;
}

void CurlHttpClient::Act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  HandOutFinished();
}

void CurlHttpClient::HandOutFinished() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    Transfer* t = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    if (t->done == nullptr) continue;  // cancelled; the posted end is on its way
    HttpResult result = t->Result(code);
    curl_multi_remove_handle(multi_, easy);
    auto done = std::move(t->done);
    t->done = nullptr;
    // The task goes on here and may begin its next transfer; no libcurl callback is on the stack.
    done(std::move(result));
  }
}

int CurlHttpClient::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& client = *static_cast<CurlHttpClient*>(self);
  const auto it = client.sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (it == client.sockets_.end()) return 0;
    // A socket that has not connected yet is closed by libcurl without asking OnClose, so it must not stay.
    if (it->second->opened_here() && !it->second->writing()) {
      it->second->Want(CURL_POLL_NONE);
    } else {
      it->second->Release();
      client.sockets_.erase(it);
    }
    return 0;
  }
  // Not opened by OnOpen: a descriptor of libcurl's resolver, which it closes without telling.
  const auto& socket =
      it != client.sockets_.end()
          ? it->second
          : client.sockets_.emplace(fd, std::make_shared<Socket>(client, fd, false)).first->second;
  socket->Want(what);
  return 0;
}

curl_socket_t CurlHttpClient::OnOpen(void* self, curlsocktype, struct curl_sockaddr* address) {
  auto& client = *static_cast<CurlHttpClient*>(self);
  const int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const curl_socket_t fd = ::socket(address->family, type, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  client.sockets_.insert_or_assign(fd, std::make_shared<Socket>(client, fd, true));
  return fd;
}

int CurlHttpClient::OnClose(void* self, curl_socket_t fd) {
  auto& client = *static_cast<CurlHttpClient*>(self);
  const auto it = client.sockets_.find(fd);
  if (it != client.sockets_.end()) {
    it->second->Release();
    client.sockets_.erase(it);
  }
  return ::close(fd);
}

int CurlHttpClient::OnTimerChange(CURLM*, long millis, void* self) {  // NOLINT
  static_cast<CurlHttpClient*>(self)->ScheduleTimeout(millis);
  return 0;
}

// libcurl wants to be called at once after nearly every step. A post is much cheaper than a timer, and a timer that
// goes off early does no harm, so it is only ever moved forward.
void CurlHttpClient::ScheduleTimeout(long millis) {  // NOLINT(google-runtime-int)
  TimerState& state = *timer_;
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

void CurlHttpClient::Close() {
  timer_->due.reset();
  timer_->armed.reset();
  timer_->timer.cancel();
  for (const auto& [fd, socket] : sockets_) socket->Release();
}

void CurlHttpClient::OnTimer() {
  TimerState& state = *timer_;
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
