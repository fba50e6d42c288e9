// What the parts of the load client share: one thread, epoll, many TLS connections.
#pragma once
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum shape {
  SHAPE_RAW,     // the bytes, then the end of the connection
  SHAPE_STREAM,  // an x-stream: open packet, offer, bytes, final packet
  SHAPE_PAYLOAD, // an x-stream packet with the bytes as its payload, final packet
  SHAPE_PUT,     // HTTP/1.1 PUT
  SHAPE_TUS,     // tus: creation by POST, the bytes by PATCH
  SHAPE_H2,      // HTTP/2 PUT
};

struct options {
  enum shape shape;
  const char *port, *route;
  int connections;  // at once
  long total;       // connections in all
  long rounds;      // uploads on each connection
  uint64_t bytes;   // of each upload
  double rate;      // most bytes a second on each connection, 0: no limit
  double timeout;   // seconds for all
  bool text, resume, hold;
};

enum state {
  STATE_FREE, STATE_CONNECT, STATE_HANDSHAKE, STATE_HEAD, STATE_OFFER, STATE_BODY, STATE_FINAL, STATE_HELD, STATE_END,
};

struct connection {
  enum state state;
  int file;
  SSL *tls;
  uint8_t *out; // ciphertext that the socket has not taken
  size_t out_size, out_begin, out_end;
  uint64_t sent;
  double began;
  long id, round;
  char reply[4096];
  size_t reply_size;
  char place[256]; // the path of a tus upload, once it is created
  int64_t h2_stream_window, h2_connection_window, h2_initial_window;
  int h2_status; // its first digit; 0: none yet
  bool h2_has_answer;
  size_t h2_size;
  uint8_t h2_in[4096], *h2_frames;
  bool queued;
  struct connection *next; // in the queue of those that go on without an event
};

struct counts {
  long started, ended, errors, handshakes, resumed, uploads, held;
  long cut; // ended by the server without close_notify
  uint64_t bytes;
};

extern struct options options;
extern struct counts counts;
extern bool released; // connections that were held may end

double seconds(void);

// transport.c
void transport_prepare(void);
bool transport_has_session(void);
bool transport_open(struct connection *c); // begins to connect
void transport_close(struct connection *c);
bool transport_encrypt(struct connection *c, const void *bytes, size_t count);
int transport_flush(struct connection *c); // 1: all is sent, 0: the socket is full, -1: broken

// payload.c
void payload_prepare(bool text);
const uint8_t *payload_at(uint64_t offset, size_t *count); // in: most that is wanted; out: what is there in one piece

// connection.c
void connection_start(struct connection *c, int events);
void connection_advance(struct connection *c, int events);
void connection_fail(struct connection *c, const char *what);

// http2.c
bool http2_begin(struct connection *c);
bool http2_send_head(struct connection *c);
ssize_t http2_send_content(struct connection *c, const uint8_t *bytes, size_t count, bool is_end);
bool http2_receive(struct connection *c, const uint8_t *bytes, size_t count);

// client.c
void enqueue(struct connection *c);       // goes on in the next turn, without an event
void enqueue_paced(struct connection *c); // goes on at the next tick: it is ahead of its rate
