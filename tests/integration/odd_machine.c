// Preloaded into a process, gives it a machine of our own making, as the two numbers of the file HONGYAN_TEST_MACHINE say,
// which may change at any time: how many milliseconds each flush of a file takes, and by how many seconds the time of
// day is off. The monotonic clock stays right.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct machine {
  volatile long flush_ms;
  volatile long clock_offset;
};

static const struct machine* machine(void) {
  static const struct machine* mapped;
  if (mapped == NULL) {
    const int file = open(getenv("HONGYAN_TEST_MACHINE"), O_RDONLY | O_CLOEXEC);
    mapped = mmap(NULL, sizeof(*mapped), PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) abort();
    close(file);
  }
  return mapped;
}

static void take_time(void) {
  const struct timespec step = {0, 1000000};
  for (long passed = 0; passed < machine()->flush_ms; ++passed) nanosleep(&step, NULL);
}

int fdatasync(int file) {
  take_time();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}

int fsync(int file) {
  take_time();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int (*real)(clockid_t, struct timespec*);
  if (real == NULL) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += machine()->clock_offset;
  return result;
}
