// Syncs that fail with EIO now and then, and lose what they were to write: for LD_PRELOAD, see ../README.md.
//
// After a failed fsync Linux calls the pages clean that it could not write, reports the error once, and lets the next
// fsync succeed. A gateway that tries again, and so believes in bytes that are nowhere, has to be found out: so each
// failure of a regular file cuts a hole into it, from the end of what was synced before to the end of the file.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control.h"

enum call { store_fsync, store_fdatasync, store_syncfs, store_sync_file_range, ledger_fsync, ledger_fdatasync };
enum place { elsewhere, store, ledger };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct control *shared_control(void) {
  static struct control *_Atomic shared;
  static _Atomic bool is_looked_for;
  if (atomic_load(&is_looked_for)) return atomic_load(&shared);
  pthread_mutex_lock(&lock);
  const char *path = getenv("SLUICE_SOAK_CONTROL");
  if (!atomic_load(&is_looked_for) && path) {
    int file = open(path, O_RDWR | O_CLOEXEC);
    void *mapped = file < 0 ? MAP_FAILED
                            : mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    if (mapped == MAP_FAILED) abort();
    atomic_store(&shared, mapped);
  }
  atomic_store(&is_looked_for, true);
  pthread_mutex_unlock(&lock);
  return atomic_load(&shared);
}

static bool is_below(const char *path, const char *folder) {
  size_t length = folder ? strlen(folder) : 0;
  return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static enum place place_of(int file) {
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return elsewhere;
  path[length] = 0;
  if (is_below(path, getenv("SLUICE_SOAK_STORE")) || is_below(path, getenv("SLUICE_SOAK_DISK"))) return store;
  return is_below(path, getenv("SLUICE_SOAK_LEDGER")) ? ledger : elsewhere;
}

// Whether this one is to fail. A number from splitmix64 over a counter: the same seed draws the same ones.
static bool is_drawn(struct control *control, uint64_t odds) {
  if (!odds) return false;
  uint64_t x = atomic_fetch_add(&control->draws, 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return (x ^ (x >> 31)) % 1000000 < odds;
}

static int sync_with(int file, enum call in_store, enum call in_ledger, bool loses, long (*real)(int)) {
  struct control *control = shared_control();
  enum place place = control ? place_of(file) : elsewhere;
  if (place == elsewhere) return real(file);
  if (is_drawn(control, atomic_load(place == store ? &control->store_odds : &control->ledger_odds))) {
    atomic_fetch_add(&control->failed[place == store ? in_store : in_ledger], 1);
    if (place == store && loses) lose_unsynced(&control->synced, file);
    errno = EIO;
    return -1;
  }
  uint64_t size = 0;
  bool is_noted = place == store && loses && size_to_sync(&control->synced, file, &size);
  int result = real(file);
  if (is_noted && !result) synced_up_to(&control->synced, file, size);
  return result;
}

static long real_fsync(int file) { return syscall(SYS_fsync, file); }
static long real_fdatasync(int file) { return syscall(SYS_fdatasync, file); }
static long real_syncfs(int file) { return syscall(SYS_syncfs, file); }
// What was written back of a file, once `syncfs` has written everything.
static long real_await(int file) { return syscall(SYS_sync_file_range, file, 0L, 0L, 1); }

int fsync(int file) { return sync_with(file, store_fsync, ledger_fsync, true, real_fsync); }
int fdatasync(int file) { return sync_with(file, store_fdatasync, ledger_fdatasync, true, real_fdatasync); }

// Whether this thread's last `syncfs` failed. That says not which file it was, so nothing is lost by it yet: each file says
// for itself, by an fsync. Waiting for its pages alone writes neither its size nor the disk's cache, and succeeds: whoever
// takes that for an answer is left without the bytes.
static _Thread_local bool has_syncfs_failed;

int syncfs(int file) {
  int result = sync_with(file, store_syncfs, store_syncfs, false, real_syncfs);
  has_syncfs_failed = result != 0;
  return result;
}

int sync_file_range(int file, off64_t offset, off64_t count, unsigned int flags) {
  if (flags == 1 && !offset && !count) {
    struct control *control = shared_control();
    if (has_syncfs_failed && control && place_of(file) == store) {
      lose_unsynced(&control->synced, file);
      return 0;
    }
    return sync_with(file, store_sync_file_range, store_sync_file_range, true, real_await);
  }
  return syscall(SYS_sync_file_range, file, offset, count, flags);
}

int ftruncate64(int file, off64_t size) {
  struct control *control = shared_control();
  if (control && place_of(file) == store) cut_to(&control->synced, file, size);
  return syscall(SYS_ftruncate, file, size);
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }
