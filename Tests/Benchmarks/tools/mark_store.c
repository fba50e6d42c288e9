// HTTP/1.1 PUT into a folder: direct writes of whole blocks, a sync of file and folder before the answer.
#define _GNU_SOURCE // O_DIRECT, memmem, strcasestr
#include "mark.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_WRITE = 256 << 10 };

static bool write_all(int file, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(file, bytes, count);
    if (written <= 0) return false;
    bytes += written;
    count -= written;
  }
  return true;
}

static bool write_blocks(struct client *c, size_t least) {
  size_t whole = c->block_size - c->block_size % BLOCK;
  if (whole < least || whole == 0) return true;
  if (!write_all(c->target, c->block, whole)) return false;
  c->block_size -= whole;
  memmove(c->block, c->block + whole, c->block_size);
  return true;
}

bool store_write(struct client *c, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    size_t part = PORTION - c->block_size;
    if (part > count) part = count;
    memcpy(c->block + c->block_size, bytes, part);
    c->block_size += part;
    c->written += part;
    bytes += part;
    count -= part;
    if (c->block_size == PORTION && !write_blocks(c, 0)) return false;
  }
  return true;
}

static bool begin(struct client *c, const char *head) {
  char name[128];
  const char *length = strcasestr(head, "\r\ncontent-length:");
  if (!length || sscanf(head, "PUT /%100[A-Za-z0-9.-] ", name) != 1) return false;
  c->body = strtoull(length + 17, NULL, 10);
  c->target = openat(directory, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_DIRECT, 0644);
  if (!c->block) c->block = aligned_alloc(BLOCK, ROOM + PORTION);
  c->block_size = 0;
  c->written = 0;
  return c->target >= 0 && (task != TASK_GZIP || compress_begin(c));
}

static bool finish(struct client *c) {
  static const char answer[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  if (task == TASK_GZIP && !compress_part(c, NULL, 0, true)) return false;
  size_t tail = c->block_size % BLOCK;
  if (tail) {
    memset(c->block + c->block_size, 0, BLOCK - tail);
    c->block_size += BLOCK - tail;
  }
  bool is_safe = write_blocks(c, 0) && (!tail || ftruncate(c->target, c->written) == 0) && fsync(c->target) == 0 &&
                 fsync(directory) == 0;
  close(c->target);
  c->target = -1;
  return is_safe && client_answer(c, RECORD_DATA, answer, sizeof answer - 1);
}

uint8_t *store_room(struct client *c) {
  return task == TASK_PUT && c->target >= 0 ? c->block + c->block_size : NULL;
}

bool store_take(struct client *c, const uint8_t *bytes, size_t count, bool in_room) {
  // A client waits for its answer before it sends the next head, so bytes behind a body are a fault.
  if (c->target < 0) {
    const uint8_t *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end) return false; // a head is one record here
    char head[1024];
    size_t size = end + 4 - bytes;
    if (size >= sizeof head) return false;
    memcpy(head, bytes, size);
    head[size] = 0;
    if (!begin(c, head)) return false;
    bytes += size;
    count -= size;
  }
  if (count > c->body) return false;
  c->body -= count;
  if (in_room) {
    c->block_size += count;
    c->written += count;
    if (!write_blocks(c, LEAST_WRITE)) return false;
  } else if (!(task == TASK_GZIP ? compress_part(c, bytes, count, false) : store_write(c, bytes, count))) {
    return false;
  }
  return c->body > 0 || finish(c);
}

void store_drop(struct client *c) {
  if (c->target >= 0) close(c->target);
  free(c->block);
}
