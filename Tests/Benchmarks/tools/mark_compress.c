// One gzip stream, by zlib or by ISA-L.
#include "mark.h"
#include <stdlib.h>
#include <string.h>
#ifdef HAS_ISAL
#include <isa-l/igzip_lib.h>
#endif

struct compressor {
  z_stream zlib;
#ifdef HAS_ISAL
  struct isal_zstream isal;
  uint8_t level_buffer[ISAL_DEF_LVL1_DEFAULT];
#endif
};

static uint8_t output[PORTION];

bool compress_begin(struct client *c) {
  if (!c->compressor) c->compressor = aligned_alloc(64, (sizeof *c->compressor + 63) / 64 * 64);
  memset(c->compressor, 0, sizeof *c->compressor);
#ifdef HAS_ISAL
  if (!strcmp(codec, "isal")) {
    struct isal_zstream *stream = &c->compressor->isal;
    isal_deflate_init(stream);
    stream->level = 1;
    stream->gzip_flag = IGZIP_GZIP;
    stream->level_buf = c->compressor->level_buffer;
    stream->level_buf_size = sizeof c->compressor->level_buffer;
    return true;
  }
#endif
  return deflateInit2(&c->compressor->zlib, atoi(codec), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

bool compress_part(struct client *c, const uint8_t *bytes, size_t count, bool is_last) {
#ifdef HAS_ISAL
  if (!strcmp(codec, "isal")) {
    struct isal_zstream *stream = &c->compressor->isal;
    stream->next_in = (uint8_t *)bytes;
    stream->avail_in = count;
    stream->end_of_stream = is_last;
    do {
      stream->next_out = output;
      stream->avail_out = sizeof output;
      if (isal_deflate(stream) != COMP_OK || !store_write(c, output, sizeof output - stream->avail_out)) return false;
    } while (stream->avail_out == 0);
    return true;
  }
#endif
  z_stream *stream = &c->compressor->zlib;
  stream->next_in = (uint8_t *)bytes;
  stream->avail_in = count;
  do {
    stream->next_out = output;
    stream->avail_out = sizeof output;
    if (deflate(stream, is_last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) return false;
    if (!store_write(c, output, sizeof output - stream->avail_out)) return false;
  } while (stream->avail_out == 0);
  return !is_last || deflateEnd(stream) == Z_OK;
}

void compress_drop(struct client *c) { free(c->compressor); }
