// What the driver of the faults and the gateways under it share: one file, mapped by all of them. It outlives each gateway,
// so that calls are counted over a restart. `shim.py` writes the same layout.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "../../Soak/shim/synced_files.h"

// In the order of `CALLS` in shim.py.
enum call {
  call_open, call_read, call_write, call_allocate, call_truncate, call_fsync, call_fdatasync, call_syncfs,
  call_write_back, call_rename, call_link, call_unlink, call_make_folder, call_mode, call_look, call_list, call_map,
  call_room, call_lock, calls = 32
};

// In the order of `PLACES` in shim.py.
enum place { elsewhere, place_store, place_partial, place_log, place_database, place_shared, place_state, places = 8 };

// In the order of `ACTIONS` in shim.py.
enum action {
  only_count,
  fail,         // once
  fail_on,      // and whatever else of this kind comes for `milliseconds`
  wait_before,  // for `milliseconds`
  kill_before,
  kill_after,
  write_half,   // and fail the next one
  kill_within,  // half of it is written
  fail_all,     // once, and for `milliseconds` whatever changes store or ledger
};

struct control {
  _Atomic uint32_t is_armed;
  uint32_t call, place;
  uint32_t action, code;  // an errno
  uint32_t milliseconds;
  uint64_t number;  // of the call since it was armed, from 1
  _Atomic uint64_t fired;
  _Atomic uint64_t until;  // of `fail_on` and `fail_all`, on the monotonic clock in nanoseconds
  _Atomic uint64_t seen[calls][places];  // while armed
  struct synced_files synced;
};
