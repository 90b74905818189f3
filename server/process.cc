#include "server/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>

#include "server/base/log.h"

namespace hongyan {
namespace {

using std::chrono::steady_clock;

constexpr int kFailed = 1;

// Without the C library's functions, which sanitizers stand before, and without the sanitizers' own
// instructions: neither may be ready yet.
__attribute__((no_sanitize("address,thread,undefined"))) void OpenStandardDescriptors(int, char**,
                                                                                      char**) {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (syscall(SYS_fcntl, descriptor, F_GETFD) >= 0) continue;
    // The lowest free number, which is this one. Without /dev/null the number is taken all the
    // same.
    if (syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR) < 0) {
      syscall(SYS_openat, AT_FDCWD, "/", O_PATH);
    }
  }
}

// Runs before the constructors of the libraries, for gRPC's takes a descriptor.
__attribute__((section(".preinit_array"),
               used)) void (*const kBeforeLibraries)(int, char**,
                                                     char**) = &OpenStandardDescriptors;

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

[[noreturn]] void EndAtOnce(const char* why) {
  base::Log(base::Level::kWarn, why);
  base::FlushLog(SignalThread::kLastLine);
  _exit(kFailed);
}

}  // namespace

std::uint64_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

void HardenProcess() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGPIPE, SIG_IGN);
  unsetenv("SSLKEYLOGFILE");  // libcurl would write the keys of our sessions there
}

// Outlives the object and main(), for the thread never ends.
struct SignalThread::State {
  const int signals;
  const int wake;  // an eventfd: `end` has changed

  std::mutex mutex;  // guards the rest
  std::condition_variable stopping;
  std::optional<steady_clock::time_point> first_stop;
  std::optional<steady_clock::time_point> end;

  State(int signal_descriptor, int event_descriptor)
      : signals(signal_descriptor), wake(event_descriptor) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void SetEnd(std::optional<steady_clock::time_point> when) {
    const std::lock_guard<std::mutex> hold(mutex);
    end = when;
    eventfd_write(wake, 1);
  }

  int MillisecondsLeft() {
    const std::lock_guard<std::mutex> hold(mutex);
    if (!end) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end - steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
  }

  void TakeSignals() {
    signalfd_siginfo taken{};
    while (read(signals, &taken, sizeof(taken)) == sizeof(taken)) {
      if (taken.ssi_signo == SIGHUP) {
        base::Log(base::Level::kWarn, "SIGHUP: this version reads its configuration at start only");
      } else {
        Stop();
      }
    }
  }

  void Stop() {
    const auto now = steady_clock::now();
    {
      const std::lock_guard<std::mutex> hold(mutex);
      if (!first_stop) {
        first_stop = now;
        stopping.notify_all();
        return;
      }
      if (absl::FromChrono(now - *first_stop) < kSameStop) return;
    }
    EndAtOnce("second signal: ending at once");
  }

  void Watch() {
    while (true) {
      pollfd sources[] = {{signals, POLLIN, 0}, {wake, POLLIN, 0}};
      const int ready = poll(sources, 2, MillisecondsLeft());
      if (sources[0].revents != 0) TakeSignals();
      eventfd_t ignored = 0;
      if (sources[1].revents != 0) eventfd_read(wake, &ignored);
      if (ready == 0 && MillisecondsLeft() == 0)
        EndAtOnce("stopping took too long: ending at once");
    }
  }
};

SignalThread::SignalThread()
    : state_([] {
        const sigset_t set = OurSignals();
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        return std::make_shared<State>(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
                                       eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      }()) {
  std::thread([state = state_] { state->Watch(); }).detach();
}

SignalThread::~SignalThread() { state_->SetEnd(std::nullopt); }

void SignalThread::WaitForStop() {
  std::unique_lock<std::mutex> hold(state_->mutex);
  state_->stopping.wait(hold, [this] { return state_->first_stop.has_value(); });
}

void SignalThread::EndWithin(absl::Duration limit) {
  state_->SetEnd(steady_clock::now() + absl::ToChronoNanoseconds(limit));
}

}  // namespace hongyan
