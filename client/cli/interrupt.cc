#include "client/cli/interrupt.h"

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

namespace hongyan::cli {
namespace {

constexpr Wording kStopping = {
    "\nhongyan: finishing the notifications on their way; once more gives up waiting for them\n",
    "\nhongyan: 正在等待已发出的通知完成；再按一次则不再等待\n"};
constexpr Wording kGivingUp = {"\nhongyan: giving up; once more ends at once\n",
                               "\nhongyan: 不再等待；再按一次立即退出\n"};
// How soon the watcher notices that it is over.
constexpr timespec kCheck = {0, 100'000'000};

void Say(const char* text) {
  // Past the streams: the other thread may be writing to them.
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

// Whether `descriptor` is a pipe that nobody reads any more.
bool IsAbandoned(int descriptor) {
  if (descriptor < 0) return false;
  pollfd one = {descriptor, 0, 0};
  return poll(&one, 1, 0) == 1 && (one.revents & POLLERR) != 0;
}

}  // namespace

InterruptWatcher::InterruptWatcher(StopSignal& signal, Language language, OnSignal on_signal,
                                   int output)
    : signal_(signal), language_(language), on_signal_(on_signal), output_(output) {
  sigemptyset(&watched_);
  sigaddset(&watched_, SIGINT);
  sigaddset(&watched_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  thread_ = std::thread([this] { Watch(); });
}

InterruptWatcher::~InterruptWatcher() {
  over_ = true;
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void InterruptWatcher::Watch() {
  int count = 0;
  while (!over_) {
    if (IsAbandoned(output_)) {
      output_ = -1;
      signal_.reader_left = true;
      signal_.canceller.Cancel();
    }
    if (sigtimedwait(&watched_, nullptr, &kCheck) < 0) continue;
    ++count;
    if (on_signal_ == OnSignal::kCancel) {
      if (count > 1) _exit(1);
      signal_.stop = true;
      signal_.canceller.Cancel();
    } else if (count == 1) {
      signal_.stop = true;
      Say(kStopping.In(language_));
    } else if (count == 2) {
      Say(kGivingUp.In(language_));
      signal_.canceller.Cancel();
    } else {
      _exit(1);
    }
  }
}

}  // namespace hongyan::cli
