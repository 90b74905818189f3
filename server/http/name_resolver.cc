#include "server/http/name_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/log.h"

namespace hongyan::http {
namespace {

using async::MonoTime;
using namespace std::chrono_literals;

constexpr auto kFresh = 30s;
constexpr auto kOld = 5min;
constexpr auto kPatienceForNews = 100ms;
constexpr auto kKeptThoughAbsent = 1h;
constexpr int kAbsentReadings = 3;
constexpr auto kPauseAfterFailure = 1s;
constexpr auto kDoubtPause = 5s;
constexpr auto kLost = 2min;
constexpr int kMaxLookUps = 16;
constexpr std::size_t kMaxAddresses = 16;

absl::StatusOr<NameResolver::Addresses> LookUpBySystem(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code == EAI_NONAME || code == EAI_NODATA) return absl::NotFoundError(::gai_strerror(code));
  if (code == EAI_SYSTEM) return absl::ErrnoToStatus(errno, "getaddrinfo");
  if (code != 0) return absl::UnavailableError(::gai_strerror(code));
  NameResolver::Addresses found;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const void* bytes = nullptr;
    if (item->ai_family == AF_INET) {
      bytes = &reinterpret_cast<const sockaddr_in*>(item->ai_addr)->sin_addr;
    } else if (item->ai_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(item->ai_addr);
      // A link's own address is none without its link, which libcurl takes from nobody.
      if (v6->sin6_scope_id == 0) bytes = &v6->sin6_addr;
    }
    if (bytes == nullptr || found.size() == kMaxAddresses) continue;
    if (::inet_ntop(item->ai_family, bytes, text, sizeof(text)) == nullptr) continue;
    if (std::find(found.begin(), found.end(), text) == found.end()) found.emplace_back(text);
  }
  ::freeaddrinfo(list);
  if (found.empty()) return absl::NotFoundError("no address");
  return found;
}

}  // namespace

// Where a look-up leaves its result. Lives as long as the last of them.
struct NameResolver::Mailbox {
  std::mutex mutex;
  NameResolver* resolver;  // null once it is gone
  int look_ups = 0;        // threads that have not ended
};

NameResolver::NameResolver(async::EventLoop& loop, async::Clock& clock)
    : NameResolver(loop, clock, &LookUpBySystem) {}

NameResolver::NameResolver(async::EventLoop& loop, async::Clock& clock, LookUp look_up)
    : loop_(loop),
      clock_(clock),
      look_up_(std::move(look_up)),
      mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->resolver = this;
}

NameResolver::~NameResolver() {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->resolver = nullptr;
}

async::Task<NameResolver::Answer> NameResolver::Resolve(std::string host, MonoTime deadline,
                                                        std::chrono::nanoseconds patience) {
  using Kind = Answer::Kind;
  using Woken = async::WaitList::Woken;
  Host& h = FindHost(host);
  BeginIfDue(host, h);
  while (true) {
    const MonoTime now = clock_.Mono();
    const MonoTime impatient_at = h.begun + patience;
    if (h.looking && now >= impatient_at) LogTrouble(host, h, "no answer of the nameserver");
    MonoTime until = impatient_at;
    if (Usable(h, now)) {
      const bool wants_news = h.looking && h.error.ok() && now - h.found_at >= kOld;
      until = std::min(impatient_at, h.begun + kPatienceForNews);
      if (!wants_news || now >= std::min(until, deadline)) {
        co_return Answer{Kind::kFound, h.addresses, ""};
      }
    } else if (!h.looking) {
      co_return Answer{Kind::kFailed, nullptr, std::string(h.error.message())};
    } else if (now >= until) {
      co_return Answer{Kind::kSlow, nullptr, ""};
    } else if (now >= deadline) {
      co_return Answer{Kind::kDeadline, nullptr, ""};
    }
    const Woken woken = co_await h.ended.Wait(std::min(until, deadline));
    if (woken == Woken::kCancelled) co_return Answer{Kind::kCancelled, nullptr, ""};
  }
}

void NameResolver::Doubt(const std::string& host) {
  Host& h = FindHost(host);
  const MonoTime now = clock_.Mono();
  if (now - h.begun >= kDoubtPause) h.fresh_until = std::min(h.fresh_until, now);
}

NameResolver::Host& NameResolver::FindHost(const std::string& name) {
  std::unique_ptr<Host>& host = hosts_[name];
  if (host == nullptr) host = std::make_unique<Host>(clock_);
  return *host;
}

bool NameResolver::Usable(const Host& host, MonoTime now) {
  if (host.addresses == nullptr) return false;
  return host.absent < kAbsentReadings || now - host.absent_since < kKeptThoughAbsent;
}

void NameResolver::BeginIfDue(const std::string& name, Host& host) {
  const MonoTime now = clock_.Mono();
  if (host.addresses != nullptr && now < host.fresh_until) return;
  if (host.looking && now - host.begun < kLost) return;
  if (!host.error.ok() && now - host.failed_at < kPauseAfterFailure) return;
  host.looking = false;
  const auto fail = [&](absl::string_view problem) {
    host.error = absl::UnavailableError(problem);
    host.failed_at = now;
    LogTrouble(name, host, problem);
  };
  {
    const std::lock_guard lock(mailbox_->mutex);
    if (mailbox_->look_ups >= kMaxLookUps) return fail("too many look-ups hang");
    ++mailbox_->look_ups;
  }
  host.begun = now;
  const std::uint64_t number = ++host.look_up;
  try {
    std::thread([mailbox = mailbox_, look_up = look_up_, name, number] {
      ::pthread_setname_np(::pthread_self(), "name look-up");
      absl::StatusOr<Addresses> found = look_up(name);
      const std::lock_guard lock(mailbox->mutex);
      --mailbox->look_ups;
      if (mailbox->resolver == nullptr) return;
      mailbox->resolver->loop_.Post([mailbox, name, number, found = std::move(found)]() mutable {
        // Only the loop's thread and what ends after it take the resolver away.
        if (mailbox->resolver == nullptr) return;
        mailbox->resolver->OnEnded(name, number, std::move(found));
      });
    }).detach();
    host.looking = true;
  } catch (const std::system_error& error) {
    const std::lock_guard lock(mailbox_->mutex);
    --mailbox_->look_ups;
    fail(absl::StrCat("no thread for the look-up: ", error.what()));
  }
}

void NameResolver::OnEnded(const std::string& name, std::uint64_t look_up,
                           absl::StatusOr<Addresses> found) {
  Host& host = FindHost(name);
  const bool is_last = look_up == host.look_up;
  // One that was lost: another is under way, or has brought newer addresses.
  if (!is_last && (!found.ok() || look_up < host.found_by)) return;
  const MonoTime now = clock_.Mono();
  if (is_last) host.looking = false;
  if (found.ok()) {
    if (host.addresses == nullptr || *host.addresses != *found) {
      host.addresses = std::make_shared<const Addresses>(*std::move(found));
    }
    host.found_at = now;
    host.found_by = look_up;
    host.fresh_until = now + kFresh;
    host.error = absl::OkStatus();
    host.absent = 0;
    if (std::exchange(host.in_trouble, false)) {
      base::Log(base::Level::kInfo, "name can be looked up again", {{"host", name}});
    }
  } else {
    host.error = found.status();
    host.failed_at = now;
    if (!absl::IsNotFound(host.error)) {
      host.absent = 0;
    } else if (host.absent++ == 0) {
      host.absent_since = now;
    }
    LogTrouble(name, host, host.error.message());
  }
  host.ended.NotifyAll();
}

void NameResolver::LogTrouble(const std::string& name, Host& host, absl::string_view problem) {
  if (std::exchange(host.in_trouble, true)) return;
  const MonoTime now = clock_.Mono();
  if (!Usable(host, now)) {
    base::Log(base::Level::kWarn, "name can't be looked up",
              {{"host", name}, {"problem", problem}});
    return;
  }
  base::Log(base::Level::kWarn, "name can't be looked up, its last addresses are used",
            {{"host", name},
             {"problem", problem},
             {"age_seconds", absl::ToInt64Seconds(async::Between(host.found_at, now))}});
}

}  // namespace hongyan::http
