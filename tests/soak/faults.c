// Preloaded into hongyand by scripts/soak: slow flushes, a full disk, a silent nameserver and a wall clock that leaps.
// The four numbers of the file $HONGYAN_SOAK_FAULTS switch them on and off while the process runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
  int64_t flush_ms;       // how long each flush takes
  int64_t disk_full;      // writes to the database fail with ENOSPC
  int64_t names_silent;   // look-ups take ten seconds, then fail
  int64_t clock_seconds;  // how far the wall clock is ahead
};
static const volatile struct faults* faults;

// The one name that there is; it leads to 127.0.0.1.
static const char kName[] = "wechat.soak.test";

static int (*real_clock_gettime)(clockid_t, struct timespec*);
static long (*real_syscall)(long, ...);

__attribute__((constructor)) static void begin(void) {
  real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  real_clock_gettime = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const char* path = getenv("HONGYAN_SOAK_FAULTS");
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) abort();
  void* mapped = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) abort();
  faults = mapped;
  close(file);
}

static void sleep_ms(int64_t ms) {
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

// --- the disk ---

int fdatasync(int fd) {
  if (faults != NULL && faults->flush_ms > 0) sleep_ms(faults->flush_ms);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

int fsync(int fd) {
  if (faults != NULL && faults->flush_ms > 0) sleep_ms(faults->flush_ms);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

static int is_full(int fd) {
  if (faults == NULL || faults->disk_full == 0) return 0;
  char link[64], name[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, name, sizeof(name) - 1);
  if (size <= 0) return 0;
  name[size] = '\0';
  return strstr(name, "hongyan.db") != NULL;
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  if (is_full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return ((ssize_t(*)(int, const void*, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64"))(fd, data, size, at);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

// --- names ---

int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints, struct addrinfo** found) {
  if (host != NULL && strcmp(host, kName) == 0) {
    if (faults->names_silent != 0) {
      for (int i = 0; i < 100 && faults->names_silent != 0; ++i) sleep_ms(100);
      return EAI_AGAIN;
    }
    host = "127.0.0.1";
  }
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**) =
      (int (*)(const char*, const char*, const struct addrinfo*, struct addrinfo**))dlsym(RTLD_NEXT, "getaddrinfo");
  return real(host, service, hints, found);
}

// --- the wall clock ---

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = real_clock_gettime != NULL ? real_clock_gettime(clock, now)
                                                : (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && faults != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += faults->clock_seconds;
  }
  return result;
}

int gettimeofday(struct timeval* now, void* zone) {
  (void)zone;
  struct timespec precise;
  const int result = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return result;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

// Waits that end at a point of the wall clock end at the same moment as without a leap, as they do on a machine whose clock
// has really leapt.
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  struct timespec end;
  if (number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) != 0 && a[3] != 0 && faults != NULL) {
    end = *(const struct timespec*)a[3];
    end.tv_sec -= faults->clock_seconds;
    if (end.tv_sec < 0) end.tv_sec = 0;
    a[3] = (long)&end;
  }
  if (real_syscall == NULL) real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const struct timespec* until) {
  struct timespec end = *until;
  // glibc notes in the second bit of __wrefs that the condition goes by the monotonic clock.
  if (faults != NULL && (condition->__data.__wrefs & 2) == 0) end.tv_sec -= faults->clock_seconds;
  static int (*real)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
  if (real == NULL) {
    // The version that knows __wrefs; without one dlsym gives the oldest.
    real = (int (*)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*))dlvsym(RTLD_NEXT, "pthread_cond_timedwait",
                                                                                     "GLIBC_2.3.2");
  }
  return real(condition, mutex, &end);
}
