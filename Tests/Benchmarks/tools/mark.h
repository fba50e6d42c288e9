// The mark: the least that a gateway can do. One thread, epoll, OpenSSL for the handshake and its EVP for the records,
// as few copies and calls as one can manage, and nothing that a service needs.
#pragma once
#include "records.h"
#include <openssl/ssl.h>
#include <stdbool.h>
#include <zlib.h>

enum { PORTION = 1 << 20, ROOM = PORTION + 64 * 1024, BLOCK = 4096 };

enum task { TASK_RELAY, TASK_PUT, TASK_GZIP };

struct client;
// What an event is about: a client's socket, or its backend's.
struct watched {
  struct client *client;
  bool is_backend;
};

struct client {
  struct watched socket, backend_socket;
  int file, backend, target;
  SSL *tls;
  uint8_t secrets[2][32]; // what the client's and the server's traffic keys are made from
  struct record_keys reading, writing;
  const uint8_t *input; // what OpenSSL reads its handshake from
  size_t input_size;
  uint8_t *kept; // the beginning of a record
  size_t kept_size;
  uint8_t *waiting; // plaintext that the backend has not taken
  size_t waiting_begin, waiting_end;
  bool has_ended, is_waiting;
  uint64_t body;    // bytes that the file still lacks
  uint64_t written; // bytes of the file that were written or stand in `block`
  uint8_t *block;   // aligned, for direct writes
  size_t block_size;
  struct compressor *compressor;
};

extern enum task task;
extern int backend_port, directory, events;
extern const char *codec;

// mark.c
void client_drop(struct client *c, const char *why); // a fault ends the connection, with a line on standard error
bool client_answer(struct client *c, uint8_t type, const void *bytes, size_t count);

// mark_relay.c
bool relay_begin(struct client *c);
bool relay_take(struct client *c, const uint8_t *bytes, size_t count);
bool relay_go_on(struct client *c); // the backend takes bytes again

// mark_store.c
uint8_t *store_room(struct client *c); // where plaintext may be put so that it needs no copy, or NULL
bool store_take(struct client *c, const uint8_t *bytes, size_t count, bool in_room);
void store_drop(struct client *c);

// mark_compress.c
bool compress_begin(struct client *c);
bool compress_part(struct client *c, const uint8_t *bytes, size_t count, bool is_last);
void compress_drop(struct client *c);
bool store_write(struct client *c, const uint8_t *bytes, size_t count);
