#include "server/http/curl_http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/http/curl_failure.h"

namespace hongyan::http {
namespace {

namespace asio = boost::asio;
using async::Executor;
using async::MonoTime;

constexpr std::size_t kMaxHeaderBytes = 64 << 10;
constexpr std::size_t kMaxIdleTransfers = 256;

MonoTime Later(std::chrono::nanoseconds span) {
  const MonoTime now = std::chrono::steady_clock::now();
  return span >= MonoTime::max() - now ? MonoTime::max() : now + span;
}

// False: the time passed or the addresses were tried in vain before anything was sent.
bool Connected(const HttpResult& result) {
  const auto* failure = std::get_if<HttpFailure>(&result);
  if (failure == nullptr || failure->request_began) return true;
  return failure->kind != HttpFailure::Kind::kConnect && failure->kind != HttpFailure::Kind::kTls &&
         failure->kind != HttpFailure::Kind::kTimeout;
}

// Whether each connection that was tried broke before the first byte, so that another try is safe.
bool BrokeUnwritten(const HttpResult& result) {
  const auto* failure = std::get_if<HttpFailure>(&result);
  return failure != nullptr && failure->kind == HttpFailure::Kind::kSend && !failure->request_began;
}

// A part of an URL as libcurl reads it; empty where there is none.
std::string UrlPart(CURLU* url, CURLUPart part, unsigned int flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool IsName(const std::string& host) {
  in_addr v4{};
  if (host.empty() || host.front() == '[' || ::inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return false;
  return host != "localhost" && !absl::EndsWith(host, ".localhost");
}

// Of an error of socket(): no address is to blame.
bool IsOurOwnLack(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

HttpFailure WithoutAddress(const NameResolver::Answer& answer, const std::string& host) {
  using Kind = NameResolver::Answer::Kind;
  switch (answer.kind) {
    case Kind::kCancelled:
      return {HttpFailure::Kind::kCancelled, false, "cancelled"};
    case Kind::kDeadline:
      return {HttpFailure::Kind::kTimeout, false,
              absl::StrCat("no address for ", host, " in time")};
    case Kind::kSlow:
      return {HttpFailure::Kind::kResolve, false,
              absl::StrCat("no address for ", host, ": no answer of the nameserver")};
    default:
      return {HttpFailure::Kind::kResolve, false,
              absl::StrCat("no address for ", host, ": ", answer.problem)};
  }
}

}  // namespace

// Everything a transfer points to, until its handle is out of the multi handle.
struct CurlHttpClient::Transfer {
  CURL* easy = nullptr;
  const CurlMulti* multi = nullptr;
  HttpRequest request;
  const Peer* peer = nullptr;
  std::shared_ptr<const NameResolver::Addresses> addresses;  // null where the peer has no name
  curl_slist* resolved = nullptr;                            // the same in libcurl's words
  bool allowed = false;                                      // a POST has had its one leave
  bool too_late = false;                                     // begin_by had passed when it asked
  MonoTime begun;
  std::size_t header_bytes = 0;
  std::string answer;
  absl::AnyInvocable<void(HttpResult)> done;

  ~Transfer() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    curl_slist_free_all(resolved);
  }

  // Hands libcurl the peer's addresses, in place of those that it was given before. They don't age
  // there: each transfer brings its own.
  void SetAddresses() {
    curl_slist_free_all(std::exchange(resolved, nullptr));
    if (addresses != nullptr) {
      const auto in_brackets = [](std::string* out, const std::string& address) {
        const bool v6 = absl::StrContains(address, ':');
        absl::StrAppend(out, v6 ? "[" : "", address, v6 ? "]" : "");
      };
      const std::string entry = absl::StrCat(peer->host, ":", peer->port, ":",
                                             absl::StrJoin(*addresses, ",", in_brackets));
      resolved = curl_slist_append(nullptr, entry.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_RESOLVE, resolved);
  }

  // libcurl would begin a look-up of its own, which has no bound. For what is an address it is
  // none.
  static int OnLookUp(void*, void*, void* self) {
    return static_cast<Transfer*>(self)->addresses != nullptr ? 1 : 0;
  }

  // Asked for leave before each request on a connection. libcurl sends a request again, on a new
  // connection and without a word, when a pooled one dies under it before the answer. That must not
  // happen to a message, unless nothing of it was written: a connection that was reset while idle
  // is noticed by the first write only.
  static int OnAboutToSend(void* self, char*, char*, int, int) {
    auto& t = *static_cast<Transfer*>(self);
    if (t.request.begin_by <= std::chrono::steady_clock::now()) {
      t.too_late = true;
      return CURL_PREREQFUNC_ABORT;
    }
    if (t.request.method == HttpRequest::Method::kGet) return CURL_PREREQFUNC_OK;
    if (t.allowed && t.Began()) return CURL_PREREQFUNC_ABORT;
    t.allowed = true;
    return CURL_PREREQFUNC_OK;
  }

  static std::size_t OnWrite(char* data, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    const std::size_t n = size * count;
    if (t.answer.size() + n > kMaxResponseBytes) return 0;
    t.answer.append(data, n);
    return n;
  }

  static std::size_t OnHeader(char*, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    t.header_bytes += size * count;
    return t.header_bytes > kMaxHeaderBytes ? 0 : size * count;
  }

  // False: no byte of the request was written. libcurl's counts alone don't say so, for what its
  //        first write had to leave
  // to later ones is counted in part, and forgotten when the request begins again. But once that
  // first write has not failed, "pre-transfer" is over, and its time stays.
  bool Began() const {
    long first_write = 0;  // NOLINT(google-runtime-int)
    curl_off_t body = 0;
    curl_off_t pretransfer = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &first_write);
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &body);
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
    return first_write > 0 || body > 0 || pretransfer > 0;
  }

  std::chrono::nanoseconds PeerTime() const { return std::chrono::steady_clock::now() - begun; }

  HttpResult Result(CURLcode code) {
    if (code == CURLE_OK) {
      long status = 0;  // NOLINT(google-runtime-int)
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      curl_off_t retry_after = 0;
      curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
      return HttpResponse{static_cast<int>(status), std::move(answer),
                          std::chrono::seconds(retry_after)};
    }
    HttpFailure failure{ClassifyCode(code), Began(), "", PeerTime()};
    if (too_late && !failure.request_began) {
      failure.kind = HttpFailure::Kind::kTimeout;
      failure.detail = "too late to begin";
    } else if (code == CURLE_COULDNT_CONNECT && IsOurOwnLack(multi->socket_error())) {
      failure.kind = HttpFailure::Kind::kOther;
      failure.detail = absl::StrCat("no socket: ", std::strerror(multi->socket_error()));
    } else if (failure.kind == HttpFailure::Kind::kNotResent) {
      failure.detail = "the pooled connection died before an answer";
    } else if (failure.kind == HttpFailure::Kind::kSend && !failure.request_began) {
      failure.detail = "each connection broke before the request was written";
    } else {
      failure.detail = curl_easy_strerror(code);
    }
    return failure;
  }
};

CurlHttpClient::CurlHttpClient(async::EventLoop& loop, async::Clock& clock, NameResolver& names,
                               CurlOptions options)
    : loop_(loop),
      names_(names),
      options_(std::move(options)),
      places_(clock),
      multi_(loop, options_.max_connections, &CurlHttpClient::OnFinished) {
  get_headers_ = curl_slist_append(get_headers_, "Accept:");
  for (const char* line : {"Content-Type: application/json", "Expect:", "Accept:"}) {
    post_headers_ = curl_slist_append(post_headers_, line);
  }
}

CurlHttpClient::~CurlHttpClient() {
  idle_.clear();
  curl_slist_free_all(get_headers_);
  curl_slist_free_all(post_headers_);
}

void CurlHttpClient::Close() { multi_.Close(); }

std::unique_ptr<CurlHttpClient::Transfer> CurlHttpClient::NewTransfer() {
  if (!idle_.empty()) {
    auto transfer = std::move(idle_.back());
    idle_.pop_back();
    return transfer;
  }
  auto transfer = std::make_unique<Transfer>();
  transfer->multi = &multi_;
  CURL* easy = transfer->easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
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
  curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, &Transfer::OnLookUp);
  curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN,
                   static_cast<long>(options_.idle_limit.count()));  // NOLINT
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 8192L);
  // One write is one TLS record at most: of a write that failed the peer can't read a byte.
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Transfer::OnAboutToSend);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnWrite);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
  multi_.Prepare(easy);
  return transfer;
}

async::Task<HttpResult> CurlHttpClient::Send(HttpRequest request) {
  const MonoTime last_begin = std::min(request.deadline, request.begin_by);
  const Peer& peer = FindPeer(request.url);
  std::shared_ptr<const NameResolver::Addresses> addresses;
  if (peer.has_name) {
    const MonoTime until = std::min(last_begin, Later(request.timeout));
    NameResolver::Answer answer =
        co_await names_.Resolve(peer.host, until, options_.connect_timeout);
    if (answer.addresses == nullptr) co_return WithoutAddress(answer, peer.host);
    addresses = std::move(answer.addresses);
  }
  const bool has_place = co_await TakePlace(std::min(last_begin, Later(request.timeout)));
  const bool cancelled = co_await async::Cancelled();
  if (cancelled) {
    if (has_place) GivePlaceBack();
    co_return HttpFailure{HttpFailure::Kind::kCancelled, false, "cancelled"};
  }
  if (!has_place) {
    co_return HttpFailure{HttpFailure::Kind::kBusy, false, "no connection came free in time"};
  }
  if (last_begin <= std::chrono::steady_clock::now()) {
    GivePlaceBack();
    co_return HttpFailure{HttpFailure::Kind::kTimeout, false, "too late to begin"};
  }
  std::unique_ptr<Transfer> transfer = NewTransfer();
  Transfer& t = *transfer;
  t.request = std::move(request);
  t.peer = &peer;
  t.addresses = std::move(addresses);
  t.request.deadline = std::min(t.request.deadline, Later(t.request.timeout));
  t.begun = std::chrono::steady_clock::now();
  HttpResult result;
  for (const bool fresh : {false, true}) {
    curl_easy_setopt(t.easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    result = co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(HttpResult)>(
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
    // libcurl tries five pooled connections. When a front restarts all of them are dead, and there
    // may be more.
    if (!BrokeUnwritten(result)) break;
    t.allowed = false;
  }
  GivePlaceBack();
  if (peer.has_name && !Connected(result)) names_.Doubt(peer.host);
  // What the request held must not outlive it in the pool: the URL has a token in it, and libcurl a
  // copy of the URL.
  curl_easy_setopt(t.easy, CURLOPT_URL, nullptr);
  t.request = HttpRequest{};
  t.answer = std::string();
  t.allowed = false;
  t.too_late = false;
  t.header_bytes = 0;
  if (idle_.size() < kMaxIdleTransfers) idle_.push_back(std::move(transfer));
  co_return result;
}

// libcurl would queue what is over its connection limit, but looks at the deadlines of what it
// queued too late.
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

const CurlHttpClient::Peer& CurlHttpClient::FindPeer(const std::string& url) {
  const std::size_t authority = url.find("://");
  const std::size_t end =
      authority == std::string::npos ? url.size() : url.find_first_of("/?#", authority + 3);
  const absl::string_view base = absl::string_view(url).substr(0, end);
  const auto known = peers_.find(base);
  if (known != peers_.end()) return *known->second;
  auto peer = std::make_unique<Peer>();
  CURLU* const parsed = curl_url();
  if (curl_url_set(parsed, CURLUPART_URL, std::string(base).c_str(), 0) == CURLUE_OK) {
    peer->host = absl::AsciiStrToLower(UrlPart(parsed, CURLUPART_HOST, 0));
    peer->port = UrlPart(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    peer->has_name = IsName(peer->host);
  }
  curl_url_cleanup(parsed);
  return *peers_.emplace(base, std::move(peer)).first->second;
}

void CurlHttpClient::Begin(Transfer& t) {
  curl_easy_setopt(t.easy, CURLOPT_URL, t.request.url.c_str());
  t.SetAddresses();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(t.request.deadline -
                                                                 std::chrono::steady_clock::now());
  curl_easy_setopt(t.easy, CURLOPT_TIMEOUT_MS,
                   std::max<long>(1, static_cast<long>(left.count())));  // NOLINT
  if (t.request.method == HttpRequest::Method::kPost) {
    curl_easy_setopt(t.easy, CURLOPT_POST, 1L);
    curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, post_headers_);
    curl_easy_setopt(t.easy, CURLOPT_POSTFIELDS, t.request.body.data());
    curl_easy_setopt(t.easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(t.request.body.size()));
  } else {
    curl_easy_setopt(t.easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, get_headers_);
  }
  const CURLMcode code = multi_.Add(t.easy);
  if (code != CURLM_OK) {
    loop_.Post([done = std::exchange(t.done, nullptr), code]() mutable {
      done(HttpFailure{HttpFailure::Kind::kOther, false, curl_multi_strerror(code)});
    });
  }
}

void CurlHttpClient::Cancel(Transfer& t) {
  if (t.done == nullptr) return;
  // Not from inside a libcurl callback, and not from inside the emitter.
  loop_.Post([this, &t, done = std::move(t.done)]() mutable {
    const bool began = t.Began();
    multi_.Remove(t.easy);
    done(HttpFailure{HttpFailure::Kind::kCancelled, began, "cancelled", t.PeerTime()});
  });
  t.done = nullptr;
}

void CurlHttpClient::OnFinished(CURL* easy, CURLcode code) {
  Transfer* t = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
  if (t->done == nullptr) return;  // cancelled; the posted end is on its way
  auto done = std::move(t->done);
  t->done = nullptr;
  done(t->Result(code));
}

}  // namespace hongyan::http
