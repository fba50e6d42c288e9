// As much of HTTP/2 (RFC 9113) as a client needs that sends one PUT after the other: no Huffman code, no dynamic table,
// frames of the default size, windows held.
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_RESET = 3, FRAME_SETTINGS = 4, FRAME_GOAWAY = 7, FRAME_WINDOW = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };
enum { FRAME_SIZE = 16 << 10, DEFAULT_WINDOW = 65535 };

static void head_of(uint8_t *head, size_t count, int type, int flags, uint32_t stream) {
  uint8_t made[9] = {count >> 16, count >> 8, count, type, flags, stream >> 24, stream >> 16, stream >> 8, stream};
  memcpy(head, made, 9);
}

static uint32_t number_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static uint32_t stream_of(struct connection *c) { return 2 * c->round + 1; }

bool http2_begin(struct connection *c) {
  c->h2_connection_window = c->h2_initial_window = DEFAULT_WINDOW;
  c->h2_size = 0;
  // No dynamic table for answers, which nothing here could read.
  static const uint8_t settings[] = {0, 0, 6, FRAME_SETTINGS, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  return transport_encrypt(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24) && transport_encrypt(c, settings, sizeof settings);
}

// A field that no table keeps; `name` is its place in the static table (RFC 7541, section 6.2.2).
static uint8_t *field(uint8_t *to, int name, const char *value) {
  size_t count = strlen(value);
  if (name < 15) *to++ = name;
  else *to++ = 15, *to++ = name - 15;
  *to++ = count; // the callers' are shorter than 127
  memcpy(to, value, count);
  return to + count;
}

bool http2_send_head(struct connection *c) {
  enum { AUTHORITY = 1, METHOD = 2, PATH = 4, SCHEME_HTTPS = 7, CONTENT_LENGTH = 28 };
  char path[120], length[24];
  snprintf(path, sizeof path, "%su-%d-%ld-%ld.bin", options.route, getpid(), c->id, c->round);
  snprintf(length, sizeof length, "%lu", (unsigned long)options.bytes);
  uint8_t block[400], *end = block;
  *end++ = 0x80 | SCHEME_HTTPS;
  end = field(end, METHOD, "PUT");
  end = field(end, AUTHORITY, "localhost");
  end = field(end, PATH, path);
  end = field(end, CONTENT_LENGTH, length);
  uint8_t head[9];
  head_of(head, end - block, FRAME_HEADERS, END_HEADERS, stream_of(c));
  c->h2_stream_window = c->h2_initial_window;
  c->h2_status = 0;
  return transport_encrypt(c, head, 9) && transport_encrypt(c, block, end - block);
}

// Frames that the windows have room for, in one record's worth of bytes. Returns the bytes of content; -1: broken.
ssize_t http2_send_content(struct connection *c, const uint8_t *bytes, size_t count, bool is_end) {
  uint8_t *frames = c->h2_frames;
  size_t sent = 0, size = 0;
  while (sent < count) {
    int64_t most = count - sent;
    if (most > FRAME_SIZE) most = FRAME_SIZE;
    if (most > c->h2_stream_window) most = c->h2_stream_window;
    if (most > c->h2_connection_window) most = c->h2_connection_window;
    if (most <= 0) break;
    bool is_last = is_end && sent + most == count;
    head_of(frames + size, most, FRAME_DATA, is_last ? END_STREAM : 0, stream_of(c));
    memcpy(frames + size + 9, bytes + sent, most);
    size += 9 + most;
    sent += most;
    c->h2_stream_window -= most;
    c->h2_connection_window -= most;
  }
  return transport_encrypt(c, frames, size) ? (ssize_t)sent : -1;
}

// The first digit of `:status`: as it is, or by the Huffman code, where `2` is 00010.
static int status_of(const uint8_t *block, size_t count) {
  while (count && (block[0] & 0xe0) == 0x20) block++, count--; // the size of the dynamic table, which is 0
  if (count && (block[0] == 0x88 || block[0] == 0x89 || block[0] == 0x8a)) return 2;
  if (count < 3 || (block[0] & 0x0f) != 8) return 5;
  uint8_t first = block[2];
  return block[1] & 0x80 ? (first >> 3 == 2 ? 2 : 5) : first - '0';
}

static bool take_frame(struct connection *c, const uint8_t *frame, size_t count) {
  const uint8_t *payload = frame + 9;
  uint32_t stream = number_at(frame + 5);
  switch (frame[3]) {
  case FRAME_SETTINGS: {
    if (frame[4] & ACK) return true;
    for (size_t at = 0; at + 6 <= count; at += 6) {
      if (payload[at] || payload[at + 1] != 4) continue; // SETTINGS_INITIAL_WINDOW_SIZE
      int64_t window = number_at(payload + at + 2);
      c->h2_stream_window += window - c->h2_initial_window;
      c->h2_initial_window = window;
    }
    uint8_t answer[9];
    head_of(answer, 0, FRAME_SETTINGS, ACK, 0);
    return transport_encrypt(c, answer, 9);
  }
  case FRAME_WINDOW:
    if (stream == 0) c->h2_connection_window += number_at(payload);
    else if (stream == stream_of(c)) c->h2_stream_window += number_at(payload);
    return true;
  case FRAME_HEADERS:
    if (stream == stream_of(c)) {
      int status = status_of(payload, count);
      if (status > 1) c->h2_status = status;
    }
    break;
  case FRAME_RESET: c->h2_status = 5; return true;
  case FRAME_GOAWAY: return c->state == STATE_HELD || c->state == STATE_END;
  }
  if ((frame[3] == FRAME_HEADERS || frame[3] == FRAME_DATA) && frame[4] & END_STREAM && stream == stream_of(c))
    c->h2_has_answer = true;
  return true;
}

bool http2_receive(struct connection *c, const uint8_t *bytes, size_t count) {
  while (count) {
    size_t room = sizeof c->h2_in - c->h2_size, part = count < room ? count : room;
    memcpy(c->h2_in + c->h2_size, bytes, part);
    c->h2_size += part, bytes += part, count -= part;
    size_t at = 0;
    while (c->h2_size - at >= 9) {
      size_t length = c->h2_in[at] << 16 | c->h2_in[at + 1] << 8 | c->h2_in[at + 2];
      if (9 + length > sizeof c->h2_in) return false;
      if (c->h2_size - at < 9 + length) break;
      if (!take_frame(c, c->h2_in + at, length)) return false;
      at += 9 + length;
    }
    memmove(c->h2_in, c->h2_in + at, c->h2_size - at);
    c->h2_size -= at;
  }
  return true;
}
