// Preloaded into hongyand: each flush takes as many milliseconds as the file $HONGYAN_TEST_FLUSH_MS says just then.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void dawdle(void) {
  const char* path = getenv("HONGYAN_TEST_FLUSH_MS");
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char text[16] = {0};
  const ssize_t got = read(file, text, sizeof(text) - 1);
  close(file);
  const long ms = got > 0 ? strtol(text, NULL, 10) : 0;
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

int fdatasync(int fd) {
  dawdle();
  return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
  dawdle();
  return (int)syscall(SYS_fsync, fd);
}
