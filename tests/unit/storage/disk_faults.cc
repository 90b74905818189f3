#include "tests/unit/storage/disk_faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace hongyan::disk_faults {
namespace {

std::mutex& Lock() {
  static std::mutex* const lock = new std::mutex;
  return *lock;
}

struct Plan {
  std::string write_name;
  int write_nth = 0;
  int write_error = 0;
  bool write_on = false;
  bool write_torn = false;
  int sync_nth = 0;
  int sync_delay_ms = 0;
  int die_at = 0;
  bool durable = false;
  std::function<void()> in_next_sync;
};
Plan& plan() {
  static Plan* const plan = new Plan;
  return *plan;
}
std::atomic<int> syncs{0};
std::atomic<bool> stop_in_sync{false};

// Blocks that a failed sync gave up, by file.
constexpr std::size_t kBlock = 512;
std::map<std::string, std::set<std::size_t>>& given_up() {
  static auto* const blocks = new std::map<std::string, std::set<std::size_t>>;
  return *blocks;
}

std::string GetName(int fd) {
  std::array<char, 4096> name{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), name.data(), name.size());
  return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : "";
}

std::string Contents(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return "";
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

std::string Durable(const std::string& name) {
  const int fd = ::open((name + ".durable").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string bytes = Contents(fd);
  ::close(fd);
  return bytes;
}

bool SameBlock(const std::string& a, const std::string& b, std::size_t at) {
  if (at >= a.size() || at >= b.size()) return false;
  return a.compare(at, kBlock, b, at, kBlock) == 0;
}

void GiveUp(int fd) {
  const std::string name = GetName(fd);
  const std::string now = Contents(fd);
  const std::string durable = Durable(name);
  for (std::size_t at = 0; at < now.size(); at += kBlock) {
    if (!SameBlock(now, durable, at)) given_up()[name].insert(at / kBlock);
  }
}

void WrittenAgain(const std::string& name, std::size_t at, std::size_t size) {
  const auto blocks = given_up().find(name);
  if (blocks == given_up().end()) return;
  for (std::size_t block = at / kBlock; block * kBlock < at + size; ++block) {
    blocks->second.erase(block);
  }
}

void CopyAside(int fd) {
  const std::string name = GetName(fd);
  std::string bytes = Contents(fd);
  if (const auto blocks = given_up().find(name); blocks != given_up().end()) {
    const std::string old = Durable(name);
    for (const std::size_t block : blocks->second) {
      const std::size_t at = block * kBlock;
      for (std::size_t i = at; i < at + kBlock && i < bytes.size(); ++i) {
        bytes[i] = i < old.size() ? old[i] : '\0';
      }
    }
  }
  const std::string fresh = name + ".durable-new";
  const int out = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) return;  // a folder
  if (::write(out, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) ::abort();
  ::close(out);
  if (::rename(fresh.c_str(), (name + ".durable").c_str()) != 0) ::abort();
}

void MaybeDie() {
  if (plan().die_at > 0 && --plan().die_at == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

void Clear() {
  const std::lock_guard<std::mutex> hold(Lock());
  plan() = Plan();
  given_up().clear();
}
void FailWrites(const std::string& name, int nth, int error, bool on) {
  const std::lock_guard<std::mutex> hold(Lock());
  plan().write_name = name;
  plan().write_nth = nth;
  plan().write_error = error;
  plan().write_on = on;
}
void TearWrite(const std::string& name, int nth) {
  FailWrites(name, nth, EIO, false);
  const std::lock_guard<std::mutex> hold(Lock());
  plan().write_torn = true;
}
void FailSync(int nth) {
  const std::lock_guard<std::mutex> hold(Lock());
  plan().sync_nth = nth;
}
void DelaySyncs(int milliseconds) {
  const std::lock_guard<std::mutex> hold(Lock());
  plan().sync_delay_ms = milliseconds;
}
void RunInNextSync(std::function<void()> action) {
  const std::lock_guard<std::mutex> hold(Lock());
  plan().in_next_sync = std::move(action);
}
void StopInNextSync() { stop_in_sync = true; }
void DieAt(int nth) {
  const std::lock_guard<std::mutex> hold(Lock());
  plan().die_at = nth;
}
void KeepDurable() {
  const std::lock_guard<std::mutex> hold(Lock());
  plan().durable = true;
}
int Syncs() { return syncs.load(); }

ssize_t Write(int fd, const void* data, size_t size, off_t at) {
  {
    const std::lock_guard<std::mutex> hold(Lock());
    MaybeDie();
    Plan& now = plan();
    if (now.write_nth > 0 && GetName(fd).find(now.write_name) != std::string::npos &&
        --now.write_nth == 0) {
      if (now.write_on) now.write_nth = 1;
      if (now.write_torn) ::syscall(SYS_pwrite64, fd, data, size / 2, at);
      errno = now.write_error;
      return -1;
    }
    if (!given_up().empty()) WrittenAgain(GetName(fd), static_cast<std::size_t>(at), size);
  }
  return ::syscall(SYS_pwrite64, fd, data, size, at);
}

int Sync(int fd) {
  if (stop_in_sync.exchange(false)) ::kill(::getpid(), SIGSTOP);
  int delay_ms = 0;
  std::function<void()> action;
  {
    const std::lock_guard<std::mutex> hold(Lock());
    MaybeDie();
    ++syncs;
    delay_ms = plan().sync_delay_ms;
    action.swap(plan().in_next_sync);
    if (plan().sync_nth > 0 && --plan().sync_nth == 0) {
      if (plan().durable) GiveUp(fd);
      errno = EIO;
      return -1;
    }
  }
  if (action) action();
  if (delay_ms > 0) ::usleep(static_cast<useconds_t>(delay_ms) * 1000);
  const long result = ::syscall(SYS_fdatasync, fd);
  const std::lock_guard<std::mutex> hold(Lock());
  if (result == 0 && plan().durable) CopyAside(fd);
  return static_cast<int>(result);
}

}  // namespace hongyan::disk_faults

extern "C" {
ssize_t pwrite64(int fd, const void* data, size_t size, off_t at) {
  return hongyan::disk_faults::Write(fd, data, size, at);
}
int fdatasync(int fd) { return hongyan::disk_faults::Sync(fd); }
}
