// What the driver of the soak and the gateways under it share: one file, mapped by all of them.
//
// It outlives each gateway, so what was synced is known over restarts. `control.py` writes the same layout.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { calls = 8, slots = 1 << 17 };

// A file and how much of it has been synced.
struct synced_file {
  uint64_t inode;
  uint64_t birth;  // nanoseconds since 1970; a file system gives the inode of a removed file to a new one
  uint64_t device;
  uint64_t size;
};

struct control {
  _Atomic int64_t clock_offset;     // added to the wall clock, in nanoseconds
  _Atomic uint64_t store_odds;      // of a sync below the stores to fail, in a million
  _Atomic uint64_t ledger_odds;     // of a sync of the ledger to fail, in a million
  _Atomic uint64_t draws;           // begins at the run's seed
  _Atomic uint64_t failed[calls];   // by the order of `enum call`
  _Atomic uint64_t dropped;         // bytes that a failed sync lost
  _Atomic uint64_t full;            // files that the table had no room for
  struct synced_file files[slots];
};

// Null where the process was not started by the soak.
struct control *shared_control(void);
