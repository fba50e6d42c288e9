// How much of each file has been synced, in memory that outlives the gateway: what a failed sync loses is known by it.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { slots = 1 << 17 };

// A file and how much of it has been synced.
struct synced_file {
  uint64_t inode;
  uint64_t birth;  // nanoseconds since 1970; a file system gives the inode of a removed file to a new one
  uint64_t device;
  uint64_t size;
};

struct synced_files {
  _Atomic uint64_t dropped;  // bytes that a failed sync lost
  _Atomic uint64_t full;     // files that the table had no room for
  struct synced_file files[slots];
};

// To be asked before a sync: the file's size. False for what is no regular file, and where there is no room for it.
bool size_to_sync(struct synced_files *synced, int file, uint64_t *size);
// The sync has succeeded.
void synced_up_to(struct synced_files *synced, int file, uint64_t size);
// The file is made so short.
void cut_to(struct synced_files *synced, int file, uint64_t size);
// What the disk does with bytes that it could not take: they are gone.
void lose_unsynced(struct synced_files *synced, int file);
