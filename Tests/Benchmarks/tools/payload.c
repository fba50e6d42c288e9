// The bytes that are uploaded: 1 MiB of noise, or 4 MiB of lines as a server logs them, over and over.
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *payload;
static size_t payload_size;
static uint64_t noise = 0x9E3779B97F4A7C15ull;

static uint64_t next_noise(void) { // xorshift: the same bytes in each run
  noise ^= noise << 13;
  noise ^= noise >> 7;
  noise ^= noise << 17;
  return noise;
}

static void make_noise(void) {
  payload_size = 1 << 20;
  payload = malloc(payload_size);
  for (size_t i = 0; i < payload_size; i += 8) {
    uint64_t value = next_noise();
    memcpy(payload + i, &value, 8);
  }
}

static void make_log(void) {
  static const char *words[] = {
      "GET", "POST", "PUT", "/v1/users", "/static/app.js", "/index.html", "/upload-file", "error", "info", "warning",
      "connection", "reset", "by", "peer", "timeout", "retry", "after", "seconds", "session", "opened", "for", "user",
      "closed", "request", "completed", "in", "ms", "status", "cache", "miss", "hit", "upstream", "response", "worker",
      "queue", "length", "disk", "free", "bytes", "written", "checkpoint", "database", "query", "took", "rows",
      "returned", "handshake", "finished", "client", "gone"};
  const size_t word_count = sizeof words / sizeof *words;
  payload_size = 4 << 20;
  payload = malloc(payload_size + 4096);
  size_t n = 0;
  uint64_t time = 1700000000;
  while (n < payload_size) {
    time += next_noise() % 3;
    n += sprintf((char *)payload + n, "%lu host-%02lu service[%lu]: ", time, next_noise() % 40, 1000 + next_noise() % 9000);
    for (uint64_t left = 6 + next_noise() % 10; left > 0; left--) {
      uint64_t one = next_noise() % word_count, other = next_noise() % word_count;
      n += sprintf((char *)payload + n, "%s ", words[one < other ? one : other]); // frequent words are frequent
    }
    n += sprintf((char *)payload + n, "id=%08lx duration=%lu\n", next_noise() & 0xffffffff, next_noise() % 100000);
  }
}

void payload_prepare(bool text) {
  if (text) make_log();
  else make_noise();
}

const uint8_t *payload_at(uint64_t offset, size_t *count) {
  size_t place = offset % payload_size;
  if (*count > payload_size - place) *count = payload_size - place;
  return payload + place;
}
