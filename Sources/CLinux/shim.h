#ifndef SLUICE_CLINUX_SHIM_H
#define SLUICE_CLINUX_SHIM_H

#include <stdint.h>

// glibc declares these under _GNU_SOURCE alone, which Swift's Glibc module is built without.
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned int flags);
int sync_file_range(int file, int64_t offset, int64_t count, unsigned int flags);
int fallocate64(int file, int mode, int64_t offset, int64_t count);

// linux/fs.h: RENAME_NOREPLACE and SYNC_FILE_RANGE_WRITE.
static inline int sluice_rename_new(int from_directory, const char *from, int to_directory, const char *to) {
  return renameat2(from_directory, from, to_directory, to, 1);
}

static inline int sluice_begin_write_back(int file, int64_t offset, int64_t count) {
  return sync_file_range(file, offset, count, 2);
}

// linux/falloc.h: FALLOC_FL_KEEP_SIZE.
static inline int sluice_set_aside(int file, int64_t offset, int64_t count) {
  return fallocate64(file, 1, offset, count);
}

#endif
