/*
 * Records what a process writes to a folder, and when it was asked to be safe: a library for LD_PRELOAD, for the trial of
 * power loss. It runs in every thread of the recorded process; one lock makes the log's order that of the operations.
 *
 *   RECORDER_FOLDER   only files below this path are recorded
 *   RECORDER_LOG      where the log is written; its length is also kept at the start of RECORDER_LENGTH, 8 bytes
 *   RECORDER_SYNC_MS  how long each sync takes longer, so that what is said before it is safe is said visibly early
 *
 * The log is a sequence of records, little-endian: type u32 | file u32 | offset u64 | length u64 | bytes.
 *   1 file: the bytes are the path; from here on this number stands for it
 *   2 write: the bytes at the offset     3 truncate: to the offset
 *   4 sync begins     5 sync has ended: what was written before it began is safe
 *   6 unlink          7 rename: the bytes are the number of the other file, u32, which it becomes
 *   8 folder synced: files made, removed and renamed before are so for good
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 4096
#define FDS_MAX 65536
#define FOLDER_FILE 0xffffffffu

enum { REC_FILE = 1, REC_WRITE, REC_TRUNCATE, REC_SYNC_BEGIN, REC_SYNC_END, REC_UNLINK, REC_RENAME, REC_FOLDER };

struct __attribute__((packed)) record {
  uint32_t type, file;
  uint64_t offset, length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static volatile uint64_t *log_length;
static char folder[PATH_MAX];
static size_t folder_chars;
static unsigned sync_ms;
/* Of a path that is recorded: its number is its place. */
static char *paths[FILES_MAX];
static uint32_t path_count;
/* Of an open descriptor: 0, or 1 + the file's number; FOLDER_FILE for the folder itself. */
static uint32_t file_of[FDS_MAX];

static void append(uint32_t type, uint32_t file, uint64_t offset, const void *bytes, uint64_t length) {
  struct record head = {type, file, offset, length};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, length}};
  uint64_t whole = sizeof head + length;
  ssize_t done = syscall(SYS_writev, log_fd, parts, length ? 2 : 1);
  if (done != (ssize_t)whole) abort();
  __atomic_store_n(log_length, *log_length + whole, __ATOMIC_SEQ_CST);
}

__attribute__((constructor)) static void start(void) {
  const char *where = getenv("RECORDER_FOLDER"), *log = getenv("RECORDER_LOG"), *length = getenv("RECORDER_LENGTH");
  if (!where || !log || !length || strlen(where) >= PATH_MAX) return;
  strcpy(folder, where);
  folder_chars = strlen(folder);
  const char *ms = getenv("RECORDER_SYNC_MS");
  sync_ms = ms ? (unsigned)atoi(ms) : 0;
  int counter = syscall(SYS_openat, AT_FDCWD, length, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (counter < 0 || syscall(SYS_ftruncate, counter, 8) != 0) abort();
  log_length = mmap(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, counter, 0);
  log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0 || log_length == MAP_FAILED) abort();
}

static int is_recorded(const char *path) {
  return log_fd >= 0 && path && strncmp(path, folder, folder_chars) == 0 && path[folder_chars] == '/';
}

/* The number of a path, given on first sight. With the lock. */
static uint32_t number_of(const char *path) {
  for (uint32_t n = 0; n < path_count; n++)
    if (strcmp(paths[n], path) == 0) return n;
  if (path_count == FILES_MAX) abort();
  paths[path_count] = strdup(path);
  append(REC_FILE, path_count, 0, path, strlen(path));
  return path_count++;
}

static int opened(int fd, const char *path, int flags) {
  if (fd < 0 || fd >= FDS_MAX || log_fd < 0) return fd;
  pthread_mutex_lock(&lock);
  file_of[fd] = 0;
  if (is_recorded(path)) {
    file_of[fd] = 1 + number_of(path);
    if (flags & O_TRUNC) append(REC_TRUNCATE, file_of[fd] - 1, 0, 0, 0);
  } else if (path && strcmp(path, folder) == 0) {
    file_of[fd] = FOLDER_FILE;
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

#define MODE_OF(flags)                  \
  mode_t mode = 0;                      \
  if (flags & (O_CREAT | O_TMPFILE)) {  \
    va_list rest;                       \
    va_start(rest, flags);              \
    mode = va_arg(rest, mode_t);        \
    va_end(rest);                       \
  }

int open(const char *path, int flags, ...) {
  MODE_OF(flags)
  return opened(openat(AT_FDCWD, path, flags, mode), path, 0);
}
int open64(const char *path, int flags, ...) {
  MODE_OF(flags)
  return opened(openat(AT_FDCWD, path, flags, mode), path, 0);
}
static int open_at(int at, const char *path, int flags, mode_t mode) {
  static int (*real)(int, const char *, int, ...);
  if (!real) real = dlsym(RTLD_NEXT, "openat64");
  return opened(real(at, path, flags, mode), path, flags);
}
int openat(int at, const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(at, path, flags, mode);
}

static uint32_t recorded(int fd) {
  return log_fd >= 0 && fd >= 0 && fd < FDS_MAX ? file_of[fd] : 0;
}

int close(int fd) {
  if (recorded(fd)) file_of[fd] = 0;
  return syscall(SYS_close, fd);
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off64_t offset) {
  uint32_t file = recorded(fd);
  if (!file) return syscall(SYS_pwrite64, fd, bytes, length, offset);
  pthread_mutex_lock(&lock);
  ssize_t done = syscall(SYS_pwrite64, fd, bytes, length, offset);
  if (done > 0 && file != FOLDER_FILE) append(REC_WRITE, file - 1, offset, bytes, done);
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return write_at(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return write_at(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
  uint32_t file = recorded(fd);
  if (!file) return syscall(SYS_write, fd, bytes, length);
  pthread_mutex_lock(&lock);
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t done = syscall(SYS_write, fd, bytes, length);
  if (done > 0 && at >= 0 && file != FOLDER_FILE) append(REC_WRITE, file - 1, at, bytes, done);
  pthread_mutex_unlock(&lock);
  return done;
}

static int truncate_to(int fd, off64_t length) {
  uint32_t file = recorded(fd);
  if (!file) return syscall(SYS_ftruncate, fd, length);
  pthread_mutex_lock(&lock);
  int failed = syscall(SYS_ftruncate, fd, length);
  if (!failed) append(REC_TRUNCATE, file - 1, length, 0, 0);
  pthread_mutex_unlock(&lock);
  return failed;
}
int ftruncate(int fd, off_t length) { return truncate_to(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncate_to(fd, length); }

static int synced(int fd, long call) {
  uint32_t file = recorded(fd);
  if (!file) return syscall(call, fd);
  pthread_mutex_lock(&lock);
  if (file != FOLDER_FILE) append(REC_SYNC_BEGIN, file - 1, 0, 0, 0);
  pthread_mutex_unlock(&lock);
  if (sync_ms) usleep(sync_ms * 1000);
  int failed = syscall(call, fd);
  pthread_mutex_lock(&lock);
  if (!failed) append(file == FOLDER_FILE ? REC_FOLDER : REC_SYNC_END, file == FOLDER_FILE ? 0 : file - 1, 0, 0, 0);
  pthread_mutex_unlock(&lock);
  return failed;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int removed(const char *path, int failed) {
  if (failed || !is_recorded(path)) return failed;
  pthread_mutex_lock(&lock);
  append(REC_UNLINK, number_of(path), 0, 0, 0);
  pthread_mutex_unlock(&lock);
  return failed;
}
int unlink(const char *path) { return removed(path, syscall(SYS_unlink, path)); }
int unlinkat(int at, const char *path, int flags) { return removed(path, syscall(SYS_unlinkat, at, path, flags)); }

int rename(const char *from, const char *to) {
  int failed = syscall(SYS_rename, from, to);
  if (failed || !is_recorded(from) || !is_recorded(to)) return failed;
  pthread_mutex_lock(&lock);
  uint32_t target = number_of(to);
  append(REC_RENAME, number_of(from), 0, &target, sizeof target);
  pthread_mutex_unlock(&lock);
  return failed;
}
