// What the driver of the soak and the gateways under it share: one file, mapped by all of them.
//
// It outlives each gateway, so what was synced is known over restarts. `control.py` writes the same layout.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "synced_files.h"

enum { calls = 8 };

struct control {
  _Atomic int64_t clock_offset;     // added to the wall clock, in nanoseconds
  _Atomic uint64_t store_odds;      // of a sync below the stores to fail, in a million
  _Atomic uint64_t ledger_odds;     // of a sync of the ledger to fail, in a million
  _Atomic uint64_t draws;           // begins at the run's seed
  _Atomic uint64_t failed[calls];   // by the order of `enum call`
  struct synced_files synced;
};

// Null where the process was not started by the soak.
struct control *shared_control(void);
