// Preloaded into a process, makes every look-up of a host under "slow.example" take HONGYAN_TEST_LOOKUP_MS, and then fail
// as with a nameserver that never answers. Where HONGYAN_TEST_SILENCE names a file that does not exist they find
// 127.0.0.1 at once. Each begin and end of one is a line of the file HONGYAN_TEST_LOOKUPS.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void note(const char* what) {
  const int file = open(getenv("HONGYAN_TEST_LOOKUPS"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || write(file, what, strlen(what)) < 0) abort();
  close(file);
}

int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints, struct addrinfo** found) {
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**) =
      (int (*)(const char*, const char*, const struct addrinfo*, struct addrinfo**))dlsym(RTLD_NEXT, "getaddrinfo");
  static const char slow[] = "slow.example";
  const size_t length = host == NULL ? 0 : strlen(host);
  if (length < sizeof(slow) - 1 || strcmp(host + length - (sizeof(slow) - 1), slow) != 0) {
    return real(host, service, hints, found);
  }
  note("begin\n");
  const char* silence = getenv("HONGYAN_TEST_SILENCE");
  const long step = 10;
  int silent = 1;
  for (long left = atol(getenv("HONGYAN_TEST_LOOKUP_MS")); silent && left > 0; left -= step) {
    silent = silence == NULL || access(silence, F_OK) == 0;
    struct timespec pause = {0, step * 1000000};
    while (silent && nanosleep(&pause, &pause) != 0) {
    }
  }
  note("end\n");
  if (silent) return EAI_AGAIN;
  return real("127.0.0.1", service, hints, found);
}
