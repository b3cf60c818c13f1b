/*
 * A disk that fails on demand, for tests: loaded before libc (LD_PRELOAD) into the relay under test.
 *
 * Writes and syncs of files below $DISK_FAULT_DIR do what the file $DISK_FAULT_CONTROL says at that moment:
 *
 *   ok         they work
 *   EIO        they fail with this error, and so do EROFS and ENOSPC
 *   slow MS    they sleep for so many milliseconds first
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int is_below(int fd) {
  const char *dir = getenv("DISK_FAULT_DIR");
  if (dir == NULL) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, dir, strlen(dir)) == 0;
}

/* Returns 0 to go on, or -1 with errno set. */
static int meet_fault(int fd) {
  const char *control = getenv("DISK_FAULT_CONTROL");
  if (control == NULL || !is_below(fd)) return 0;
  int in = open(control, O_RDONLY | O_CLOEXEC);
  if (in < 0) return 0;
  char word[32] = "";
  ssize_t length = read(in, word, sizeof word - 1);
  close(in);
  word[length > 0 ? length : 0] = 0;
  if (strncmp(word, "slow ", 5) == 0) {
    long ms = atol(word + 5);
    struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
    return 0;
  }
  if (strncmp(word, "EIO", 3) == 0) errno = EIO;
  else if (strncmp(word, "EROFS", 5) == 0) errno = EROFS;
  else if (strncmp(word, "ENOSPC", 6) == 0) errno = ENOSPC;
  else return 0;
  return -1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  return meet_fault(fd) ? -1 : NEXT(pwrite)(fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  return meet_fault(fd) ? -1 : NEXT(pwrite64)(fd, bytes, count, at);
}
ssize_t write(int fd, const void *bytes, size_t count) {
  return meet_fault(fd) ? -1 : NEXT(write)(fd, bytes, count);
}
int fsync(int fd) {
  return meet_fault(fd) ? -1 : NEXT(fsync)(fd);
}
int fdatasync(int fd) {
  return meet_fault(fd) ? -1 : NEXT(fdatasync)(fd);
}
int ftruncate(int fd, off_t length) {
  return meet_fault(fd) ? -1 : NEXT(ftruncate)(fd, length);
}
int ftruncate64(int fd, off64_t length) {
  return meet_fault(fd) ? -1 : NEXT(ftruncate64)(fd, length);
}
