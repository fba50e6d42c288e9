#ifndef SLUICE_CZLIB_SHIM_H
#define SLUICE_CZLIB_SHIM_H

#include <zlib.h>

// Macros in zlib.h, which Swift does not see. Window bits below zero: a bare deflate stream (RFC 1951) without a wrapper.
static inline int sluice_deflate_init_bare(z_streamp stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}

static inline int sluice_inflate_init_bare(z_streamp stream) {
  return inflateInit2(stream, -15);
}

#endif
