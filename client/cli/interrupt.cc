#include "client/cli/interrupt.h"

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

}  // namespace

InterruptWatcher::InterruptWatcher(StopSignal& signal, Language language)
    : signal_(signal), language_(language) {
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
    if (sigtimedwait(&watched_, nullptr, &kCheck) < 0) continue;
    ++count;
    if (count == 1) {
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
