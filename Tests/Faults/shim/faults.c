// One fault in one system call of store or ledger: for LD_PRELOAD, see ../README.md.
//
// While it is armed it counts the calls by their kind and by what they are about, and does what the driver has asked for to
// the one with the right number. SQLite's calls come this way as well: it finds them by the same names.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

static struct control *control;

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("SLUICE_FAULTS_CONTROL");
  if (!path) return;
  int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (file < 0) abort();
  void *mapped = (void *)syscall(SYS_mmap, NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L);
  syscall(SYS_close, file);
  if (mapped == MAP_FAILED) abort();
  control = mapped;
}

// What a call is about

static bool is_below(const char *path, const char *folder) {
  size_t length = folder ? strlen(folder) : 0;
  return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static enum place place_of_path(const char *path) {
  if (is_below(path, getenv("SLUICE_FAULTS_STORE"))) return strstr(path, "/.partial") ? place_partial : place_store;
  if (!is_below(path, getenv("SLUICE_FAULTS_STATE"))) return elsewhere;
  if (strstr(path, "-wal")) return place_log;
  if (strstr(path, "-shm")) return place_shared;
  return strstr(path, ".sqlite") ? place_database : place_state;
}

static ssize_t path_of(int file, char *path, size_t size) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
  path[length < 0 ? 0 : length] = 0;
  return length;
}

static enum place of_file(int file) {
  char path[4096];
  return path_of(file, path, sizeof path) < 0 ? elsewhere : place_of_path(path);
}

static enum place of_name(int folder, const char *name) {
  static const char opened[] = "/proc/self/fd/";
  char path[4096];
  if (name && !strncmp(name, opened, sizeof opened - 1)) return of_file(atoi(name + sizeof opened - 1));
  if (name && name[0] == '/') return place_of_path(name);
  ssize_t length = folder < 0 ? -1 : path_of(folder, path, sizeof path);
  if (length < 0) return elsewhere;
  if (name && *name) snprintf(path + length, sizeof path - length, "/%s", name);
  return place_of_path(path);
}

// What becomes of it

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void end_here(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static bool changes(enum call call) {
  switch (call) {
    case call_open: case call_read: case call_look: case call_list: case call_map: case call_room: case call_lock:
      return false;
    default: return true;
  }
}

// The fault that this call is to have; most have none. Where it is `fail`, errno is set.
static enum action begin(enum call call, enum place place) {
  if (!control || place == elsewhere || !atomic_load(&control->is_armed)) return only_count;
  uint64_t number = atomic_fetch_add(&control->seen[call][place], 1) + 1;
  bool is_next = number == control->number + 1, lasts = now() < atomic_load(&control->until);
  if (control->action == fail_all && lasts && changes(call)) {
    errno = control->code;
    return fail;
  }
  if (control->action == only_count || control->call != call || control->place != place) return only_count;
  if (control->action == write_half && is_next) lasts = true;
  if (number != control->number && !lasts) return only_count;
  if (number == control->number) atomic_fetch_add(&control->fired, 1);
  switch ((enum action)control->action) {
    case wait_before: usleep(control->milliseconds * 1000); return only_count;
    case kill_before: end_here(); break;
    case fail_on:
    case fail_all:
      if (!lasts) atomic_store(&control->until, now() + control->milliseconds * 1000000ul);
      break;
    case fail: break;
    case write_half:
      if (number == control->number) return write_half;
      break;
    case only_count:
    case kill_after:
    case kill_within: return control->action;
  }
  errno = control->code;
  return fail;
}

static void finish(enum action action) {
  if (action == kill_after || action == kill_within) end_here();
}

#define REAL(name)                                                     \
  static __typeof__(&name) real;                                       \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// `name` with the fault that is drawn for it; `failure` is what it returns then.
#define WITH_FAULT(result, name, call, place, failure, declared, passed) \
  result name declared {                                                 \
    REAL(name);                                                          \
    enum action action = begin(call, place);                             \
    if (action == fail) return failure;                                  \
    result value = real passed;                                          \
    int code = errno;                                                    \
    finish(action);                                                      \
    errno = code;                                                        \
    return value;                                                        \
  }

// The same with both names that the C library has for it.
#define WITH_FAULT_TWICE(result, name, call, place, failure, declared, passed) \
  WITH_FAULT(result, name, call, place, failure, declared, passed)             \
  WITH_FAULT(result, name##64, call, place, failure, declared, passed)

// Opening, and writing

#define MODE(flags)                                  \
  mode_t mode = 0;                                   \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {           \
    va_list more;                                    \
    va_start(more, flags);                           \
    mode = va_arg(more, mode_t);                     \
    va_end(more);                                    \
  }

static int open_with(int folder, const char *name, int flags, mode_t mode) {
  enum action action = begin(call_open, of_name(folder, name));
  if (action == fail) return -1;
  int file = syscall(SYS_openat, folder, name, flags | O_LARGEFILE, mode);
  finish(action);
  return file;
}

int open(const char *name, int flags, ...) {
  MODE(flags)
  return open_with(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...) {
  MODE(flags)
  return open_with(AT_FDCWD, name, flags, mode);
}

int openat(int folder, const char *name, int flags, ...) {
  MODE(flags)
  return open_with(folder, name, flags, mode);
}

int openat64(int folder, const char *name, int flags, ...) {
  MODE(flags)
  return open_with(folder, name, flags, mode);
}

// openat2(2) has no name in the C library. Everything else passes, also this file's own calls.
long syscall(long number, ...) {
  static long (*next)(long, ...);
  if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  long passed[6];
  va_list more;
  va_start(more, number);
  for (int index = 0; index < 6; index++) passed[index] = va_arg(more, long);
  va_end(more);
  bool opens = number == SYS_openat2;
  enum action action = opens ? begin(call_open, of_name(passed[0], (const char *)passed[1])) : only_count;
  if (action == fail) return -1;
  long result = next(number, passed[0], passed[1], passed[2], passed[3], passed[4], passed[5]);
  if (opens) finish(action);
  return result;
}

// Half of it, in whole blocks of what is written past the page cache.
static size_t half_of(size_t count) { return count >= 8192 ? count / 2 / 4096 * 4096 : count / 2; }

static ssize_t write_with(int file, const void *bytes, size_t count, off64_t offset) {
  enum action action = begin(call_write, of_file(file));
  if (action == fail) return -1;
  if (action == write_half || action == kill_within) count = half_of(count);
  ssize_t written = offset < 0 ? syscall(SYS_write, file, bytes, count) : syscall(SYS_pwrite64, file, bytes, count, offset);
  finish(action);
  return written;
}

ssize_t write(int file, const void *bytes, size_t count) { return write_with(file, bytes, count, -1); }
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) { return write_with(file, bytes, count, offset); }
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  return write_with(file, bytes, count, offset);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
  enum action action = begin(call_write, of_file(file));
  if (action == fail) return -1;
  ssize_t written;
  if (action == write_half || action == kill_within) {
    // Of one part, half of it; of several, the first ones.
    struct iovec first = parts[0];
    if (count == 1) first.iov_len = half_of(first.iov_len);
    written = count == 1 ? syscall(SYS_pwritev, file, &first, 1, offset, 0L)
                         : syscall(SYS_pwritev, file, parts, count / 2, offset, 0L);
  } else {
    written = syscall(SYS_pwritev, file, parts, count, offset, 0L);
  }
  finish(action);
  return written;
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
  return pwritev(file, parts, count, offset);
}

WITH_FAULT_TWICE(ssize_t, pread, call_read, of_file(file), -1, (int file, void *bytes, size_t count, __off64_t offset),
                 (file, bytes, count, offset))

// Room and size

WITH_FAULT_TWICE(int, fallocate, call_allocate, of_file(file), -1, (int file, int mode, __off64_t offset, __off64_t count),
                 (file, mode, offset, count))
WITH_FAULT_TWICE(int, posix_fallocate, call_allocate, of_file(file), errno, (int file, __off64_t offset, __off64_t count),
                 (file, offset, count))

static int truncate_with(int file, off64_t size) {
  enum place place = of_file(file);
  enum action action = begin(call_truncate, place);
  if (action == fail) return -1;
  if (control && (place == place_store || place == place_partial)) cut_to(&control->synced, file, size);
  int result = syscall(SYS_ftruncate, file, size);
  finish(action);
  return result;
}

int ftruncate(int file, off_t size) { return truncate_with(file, size); }
int ftruncate64(int file, off64_t size) { return truncate_with(file, size); }

WITH_FAULT(int, fstatvfs, call_room, of_file(file), -1, (int file, struct statvfs *room), (file, room))
WITH_FAULT(int, fstatvfs64, call_room, of_file(file), -1, (int file, struct statvfs64 *room), (file, room))
WITH_FAULT(int, statvfs, call_room, of_name(AT_FDCWD, path), -1, (const char *path, struct statvfs *room), (path, room))
WITH_FAULT(int, statvfs64, call_room, of_name(AT_FDCWD, path), -1,
           (const char *path, struct statvfs64 *room), (path, room))
WITH_FAULT(int, fstatfs, call_room, of_file(file), -1, (int file, struct statfs *room), (file, room))
WITH_FAULT(int, fstatfs64, call_room, of_file(file), -1, (int file, struct statfs64 *room), (file, room))
WITH_FAULT(int, statfs, call_room, of_name(AT_FDCWD, path), -1, (const char *path, struct statfs *room), (path, room))
WITH_FAULT(int, statfs64, call_room, of_name(AT_FDCWD, path), -1,
           (const char *path, struct statfs64 *room), (path, room))

// Syncs: one of a store that fails loses what was not synced before, as on Linux

static int sync_with(int file, enum call call, long number) {
  enum place place = of_file(file);
  bool may_lose = control && (place == place_store || place == place_partial);
  enum action action = begin(call, place);
  if (action == fail) {
    int code = errno;
    if (may_lose) lose_unsynced(&control->synced, file);
    errno = code;
    return -1;
  }
  uint64_t size = 0;
  bool is_noted = may_lose && size_to_sync(&control->synced, file, &size);
  int result = syscall(number, file);
  if (is_noted && !result) synced_up_to(&control->synced, file, size);
  finish(action);
  return result;
}

int fsync(int file) { return sync_with(file, call_fsync, SYS_fsync); }
int fdatasync(int file) { return sync_with(file, call_fdatasync, SYS_fdatasync); }

// It says not which file failed, so each file loses its bytes when it is asked about: see ../../Soak/shim/failing_sync.c.
static _Thread_local bool has_syncfs_failed;

int syncfs(int file) {
  enum action action = begin(call_syncfs, of_file(file));
  has_syncfs_failed = action == fail;
  if (action == fail) return -1;
  int result = syscall(SYS_syncfs, file);
  finish(action);
  return result;
}

int sync_file_range(int file, off64_t offset, off64_t count, unsigned int flags) {
  enum place place = of_file(file);
  enum action action = begin(call_write_back, place);
  if (action == fail) return -1;
  bool may_lose = control && flags == 1 && (place == place_store || place == place_partial);
  if (may_lose && has_syncfs_failed) {
    lose_unsynced(&control->synced, file);
    return 0;
  }
  uint64_t size = 0;
  bool is_noted = may_lose && size_to_sync(&control->synced, file, &size);
  int result = syscall(SYS_sync_file_range, file, offset, count, flags);
  if (is_noted && !result) synced_up_to(&control->synced, file, size);
  finish(action);
  return result;
}

// Names

WITH_FAULT(int, rename, call_rename, of_name(AT_FDCWD, to), -1, (const char *from, const char *to), (from, to))
WITH_FAULT(int, renameat, call_rename, of_name(there, to), -1, (int here, const char *from, int there, const char *to),
           (here, from, there, to))
WITH_FAULT(int, renameat2, call_rename, of_name(there, to), -1,
           (int here, const char *from, int there, const char *to, unsigned int flags), (here, from, there, to, flags))
WITH_FAULT(int, link, call_link, of_name(AT_FDCWD, to), -1, (const char *from, const char *to), (from, to))
WITH_FAULT(int, linkat, call_link, of_name(there, to), -1,
           (int here, const char *from, int there, const char *to, int flags), (here, from, there, to, flags))
WITH_FAULT(int, unlink, call_unlink, of_name(AT_FDCWD, name), -1, (const char *name), (name))
WITH_FAULT(int, unlinkat, call_unlink, of_name(folder, name), -1, (int folder, const char *name, int flags),
           (folder, name, flags))
WITH_FAULT(int, rmdir, call_unlink, of_name(AT_FDCWD, name), -1, (const char *name), (name))
WITH_FAULT(int, mkdir, call_make_folder, of_name(AT_FDCWD, name), -1, (const char *name, mode_t mode), (name, mode))
WITH_FAULT(int, mkdirat, call_make_folder, of_name(folder, name), -1, (int folder, const char *name, mode_t mode),
           (folder, name, mode))
WITH_FAULT(int, fchmod, call_mode, of_file(file), -1, (int file, mode_t mode), (file, mode))
WITH_FAULT(int, chmod, call_mode, of_name(AT_FDCWD, name), -1, (const char *name, mode_t mode), (name, mode))
WITH_FAULT(int, fchmodat, call_mode, of_name(folder, name), -1, (int folder, const char *name, mode_t mode, int flags),
           (folder, name, mode, flags))
WITH_FAULT(int, flock, call_lock, of_file(file), -1, (int file, int operation), (file, operation))

// Looking

WITH_FAULT(int, fstat, call_look, of_file(file), -1, (int file, struct stat *status), (file, status))
WITH_FAULT(int, fstat64, call_look, of_file(file), -1, (int file, struct stat64 *status), (file, status))
WITH_FAULT(int, stat, call_look, of_name(AT_FDCWD, name), -1, (const char *name, struct stat *status), (name, status))
WITH_FAULT(int, stat64, call_look, of_name(AT_FDCWD, name), -1,
           (const char *name, struct stat64 *status), (name, status))
WITH_FAULT(int, lstat, call_look, of_name(AT_FDCWD, name), -1, (const char *name, struct stat *status), (name, status))
WITH_FAULT(int, lstat64, call_look, of_name(AT_FDCWD, name), -1,
           (const char *name, struct stat64 *status), (name, status))
WITH_FAULT(int, fstatat, call_look, of_name(folder, name), -1,
           (int folder, const char *name, struct stat *status, int flags), (folder, name, status, flags))
WITH_FAULT(int, fstatat64, call_look, of_name(folder, name), -1,
           (int folder, const char *name, struct stat64 *status, int flags), (folder, name, status, flags))
WITH_FAULT(int, access, call_look, of_name(AT_FDCWD, name), -1, (const char *name, int mode), (name, mode))
WITH_FAULT(int, faccessat, call_look, of_name(folder, name), -1, (int folder, const char *name, int mode, int flags),
           (folder, name, mode, flags))
WITH_FAULT(DIR *, opendir, call_list, of_name(AT_FDCWD, name), NULL, (const char *name), (name))
WITH_FAULT(DIR *, fdopendir, call_list, of_file(file), NULL, (int file), (file))
WITH_FAULT(struct dirent *, readdir, call_list, of_file(dirfd(folder)), NULL, (DIR *folder), (folder))
WITH_FAULT(struct dirent64 *, readdir64, call_list, of_file(dirfd(folder)), NULL, (DIR *folder), (folder))

static enum place of_mapping(int flags, int file) { return flags & MAP_ANONYMOUS ? elsewhere : of_file(file); }

WITH_FAULT_TWICE(void *, mmap, call_map, of_mapping(flags, file), MAP_FAILED,
                 (void *wanted, size_t size, int protection, int flags, int file, __off64_t offset),
                 (wanted, size, protection, flags, file, offset))
