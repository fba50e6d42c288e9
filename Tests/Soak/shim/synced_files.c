#define _GNU_SOURCE
#include "synced_files.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// The file's entry, made where it is missing; null for what is no regular file. Under the lock.
static struct synced_file *entry_of(struct synced_files *synced, int file, uint64_t *size) {
  struct statx status;
  if (statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) || !S_ISREG(status.stx_mode)) return NULL;
  *size = status.stx_size;
  uint64_t birth = (uint64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
  uint64_t device = makedev(status.stx_dev_major, status.stx_dev_minor);
  uint64_t slot = (status.stx_ino * 0x9e3779b97f4a7c15u) ^ birth ^ device;
  for (int tried = 0; tried < 1000; tried++) {
    struct synced_file *entry = &synced->files[(slot + tried) % slots];
    if (entry->inode == status.stx_ino && entry->birth == birth && entry->device == device) return entry;
    if (entry->inode) continue;
    *entry = (struct synced_file){status.stx_ino, birth, device, 0};
    return entry;
  }
  atomic_fetch_add(&synced->full, 1);
  return NULL;
}

bool size_to_sync(struct synced_files *synced, int file, uint64_t *size) {
  pthread_mutex_lock(&lock);
  bool is_known = entry_of(synced, file, size) != NULL;
  pthread_mutex_unlock(&lock);
  return is_known;
}

void synced_up_to(struct synced_files *synced, int file, uint64_t size) {
  uint64_t later;
  pthread_mutex_lock(&lock);
  struct synced_file *entry = entry_of(synced, file, &later);
  // What was cut meanwhile is not there.
  if (size > later) size = later;
  if (entry && entry->size < size) entry->size = size;
  pthread_mutex_unlock(&lock);
}

void cut_to(struct synced_files *synced, int file, uint64_t size) {
  uint64_t before;
  pthread_mutex_lock(&lock);
  struct synced_file *entry = entry_of(synced, file, &before);
  if (entry && entry->size > size) entry->size = size;
  pthread_mutex_unlock(&lock);
}

void lose_unsynced(struct synced_files *synced, int file) {
  uint64_t size;
  pthread_mutex_lock(&lock);
  struct synced_file *entry = entry_of(synced, file, &size);
  uint64_t from = entry ? entry->size : 0;
  pthread_mutex_unlock(&lock);
  if (!entry || from >= size) return;
  // Not by the C library's name, which a shim may have taken.
  if (!syscall(SYS_fallocate, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, size - from))
    atomic_fetch_add(&synced->dropped, size - from);
}
