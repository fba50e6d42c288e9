#ifndef SLUICE_CISAL_SHIM_H
#define SLUICE_CISAL_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <isa-l.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

// A stream's struct holds arrays of more than 60,000 elements, which Swift would import as tuples. So Swift has it as raw
// memory of this size, aligned to a line of the processor's cache, and everything in it is done here.
enum { SLUICE_IGZIP_ALIGNMENT = 64 };

// The library leaves the upper halves of the vector registers in use. With them, instructions of the SSE kind depend on
// what was in the registers before: zlib's deflate, after one checksum on its thread, takes 40 % longer.
static inline void sluice_isal_clean_registers(void) {
#if defined(__x86_64__)
  // The library's own choice of instructions asks for the same.
  if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroupper" ::: "memory");
#endif
}

static inline uint32_t sluice_isal_crc32(uint32_t before, const void *bytes, size_t count) {
  uint32_t value = crc32_gzip_refl(before, (const unsigned char *)bytes, count);
  sluice_isal_clean_registers();
  return value;
}

static inline size_t sluice_igzip_stream_size(void) { return sizeof(struct isal_zstream); }

static inline size_t sluice_igzip_work_size(void) { return ISAL_DEF_LVL1_MEDIUM; }

// A bare deflate stream (RFC 1951) at level 1. `work` stays the caller's, and lives as long as the stream.
static inline void sluice_igzip_init(void *memory, void *work) {
  struct isal_zstream *stream = (struct isal_zstream *)memory;
  isal_deflate_init(stream);
  stream->level = 1;
  stream->level_buf = (uint8_t *)work;
  stream->level_buf_size = (uint32_t)sluice_igzip_work_size();
  stream->gzip_flag = IGZIP_DEFLATE;
}

static inline void sluice_igzip_reset(void *memory) { isal_deflate_reset((struct isal_zstream *)memory); }

static inline void sluice_igzip_set_input(void *memory, const void *bytes, uint32_t count) {
  struct isal_zstream *stream = (struct isal_zstream *)memory;
  // The library does not write to its input, its type only says that it may.
  stream->next_in = (uint8_t *)bytes;
  stream->avail_in = count;
}

// Compresses the input into `space`, with `flush` up to a byte's border, with `last` up to the stream's end. Gives back 0,
// or the library's code. What is in `*left` says how much space is left; where that is 0, there may be more to come.
static inline int sluice_igzip_run(void *memory, void *space, uint32_t count, int flush, int last, uint32_t *left) {
  struct isal_zstream *stream = (struct isal_zstream *)memory;
  stream->next_out = (uint8_t *)space;
  stream->avail_out = count;
  stream->flush = flush ? FULL_FLUSH : NO_FLUSH;
  stream->end_of_stream = last ? 1 : 0;
  int code = isal_deflate(stream);
  sluice_isal_clean_registers();
  *left = stream->avail_out;
  return code;
}

static inline const char *sluice_isal_version(void) {
#define SLUICE_TEXT(x) #x
#define SLUICE_DOTTED(a, b, c) SLUICE_TEXT(a) "." SLUICE_TEXT(b) "." SLUICE_TEXT(c)
  return SLUICE_DOTTED(ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION);
#undef SLUICE_DOTTED
#undef SLUICE_TEXT
}

#endif
