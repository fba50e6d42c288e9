// One connection's life: connect, handshake, uploads one after the other, end.
#define _GNU_SOURCE // memmem, strcasestr
#include "client.h"
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORTION = 64 << 10, TURN = 1 << 20 }; // one write; and what a connection may send before the next one's turn

static void end(struct connection *c, int events) {
  transport_close(c);
  counts.ended++;
  connection_start(c, events);
}

void connection_fail(struct connection *c, const char *what) {
  char reason[160] = "";
  unsigned long code = ERR_peek_last_error();
  if (code) ERR_error_string_n(code, reason, sizeof reason);
  if (counts.errors++ < 5)
    fprintf(stderr, "client: connection %ld: %s: %s %s; the reply was: %.*s\n", c->id, what, errno ? strerror(errno) : "",
            reason, (int)c->reply_size, c->reply);
  ERR_clear_error();
  if (c->tls) SSL_set_quiet_shutdown(c->tls, 1);
}

void connection_start(struct connection *c, int events) {
  if (counts.started == options.total) {
    c->state = STATE_FREE;
    return;
  }
  c->id = counts.started++;
  c->round = 0;
  c->sent = 0;
  c->reply_size = 0;
  c->state = STATE_CONNECT;
  if (!transport_open(c)) {
    connection_fail(c, "connecting");
    transport_close(c);
    counts.ended++;
    c->state = STATE_FREE;
    return;
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
  epoll_ctl(events, EPOLL_CTL_ADD, c->file, &event);
}

static bool send_head(struct connection *c) {
  char head[768];
  int size = 0;
  unsigned long bytes = options.bytes;
  switch (options.shape) {
  case SHAPE_RAW: break;
  case SHAPE_STREAM:
    size = snprintf(head, sizeof head, "headers:\n    route: %s\n    data-format: bytes\n    x-stream: %lu:1048576\npayload: -\n",
                    options.route, bytes);
    break;
  case SHAPE_PAYLOAD:
    size = snprintf(head, sizeof head, "headers:\n    route: %s\n    data-format: bytes\npayload: %lu\n", options.route, bytes);
    break;
  case SHAPE_PUT:
    size = snprintf(head, sizeof head, "PUT %su-%d-%ld-%ld.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: %lu\r\n\r\n",
                    options.route, getpid(), c->id, c->round, bytes); // no run writes another's files
    break;
  case SHAPE_TUS:
    if (!*c->place)
      size = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Length: %lu\r\n"
                                         "Content-Length: 0\r\n\r\n", options.route, bytes);
    else
      size = snprintf(head, sizeof head, "PATCH %s HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                                         "Content-Type: application/offset+octet-stream\r\nContent-Length: %lu\r\n\r\n",
                      c->place, bytes);
    break;
  case SHAPE_H2: return http2_send_head(c);
  }
  return transport_encrypt(c, head, size);
}

static void begin_round(struct connection *c) {
  c->sent = 0;
  c->reply_size = 0;
  c->place[0] = 0;
  c->h2_has_answer = false;
  c->began = seconds();
  c->state = STATE_HEAD;
}

// The path of a tus upload, from its creation's answer.
static bool find_place(struct connection *c) {
  char *field = strcasestr(c->reply, "\r\nlocation: ");
  if (!field) return false;
  char *start = field + 12, *host = strstr(start, "://"), *end = strpbrk(start, "\r\n");
  if (host && host < end) start = strchr(host + 3, '/');
  if (!start || !end || start > end || (size_t)(end - start) >= sizeof c->place) return false;
  memcpy(c->place, start, end - start);
  c->place[end - start] = 0;
  return true;
}

// Whether the reply has come: 1 yes, 0 not yet, -1 it is a refusal.
static int reply_stands(struct connection *c) {
  c->reply[c->reply_size] = 0;
  if (options.shape == SHAPE_H2) return !c->h2_has_answer ? 0 : c->h2_status == 2 ? 1 : -1;
  if (options.shape == SHAPE_PUT || options.shape == SHAPE_TUS) {
    if (!memmem(c->reply, c->reply_size, "\r\n\r\n", 4)) return 0;
    if (!strncmp(c->reply, "HTTP/1.1 100", 12)) return 0;
    if (strncmp(c->reply, "HTTP/1.1 2", 10)) return -1;
    return c->state == STATE_OFFER && !find_place(c) ? -1 : 1;
  }
  char *last = strstr(c->reply, "\npayload:");
  if (!last || !strchr(last + 1, '\n')) return 0;
  // Only `status: 0` says that everything is safe; an offer has no status at all.
  char *status = strstr(c->reply, "    status: ");
  if (c->state == STATE_OFFER) return status ? -1 : 1;
  return status && !strncmp(status, "    status: 0\n", 14) ? 1 : -1;
}

// Reads what is there. False: the connection is over and was dealt with.
static bool receive(struct connection *c, int events) {
  for (;;) {
    char scratch[4096];
    bool into_reply = c->reply_size < sizeof c->reply - 1;
    errno = 0;
    ERR_clear_error();
    int got = SSL_read(c->tls, into_reply ? c->reply + c->reply_size : scratch,
                       into_reply ? (int)(sizeof c->reply - 1 - c->reply_size) : (int)sizeof scratch);
    if (got > 0 && options.shape == SHAPE_H2) {
      if (!http2_receive(c, (uint8_t *)(into_reply ? c->reply : scratch), got)) {
        connection_fail(c, "frames that are none");
        end(c, events);
        return false;
      }
      continue;
    }
    if (got > 0) {
      if (into_reply) c->reply_size += got;
      continue;
    }
    int error = SSL_get_error(c->tls, got);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
    bool in_order = error == SSL_ERROR_ZERO_RETURN;
    // A relay may end without close_notify when its backend has closed.
    bool cut = error == SSL_ERROR_SYSCALL && errno == 0;
    cut |= ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (c->state == STATE_END && cut) counts.cut++;
    if (c->state != STATE_END || !(in_order || cut)) connection_fail(c, "the server ended the connection");
    ERR_clear_error();
    end(c, events);
    return false;
  }
}

static bool handshake(struct connection *c, int events) {
  ERR_clear_error();
  int result = SSL_do_handshake(c->tls);
  int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(c->tls, result);
  if (transport_flush(c) < 0 || (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)) {
    connection_fail(c, "handshake");
    end(c, events);
    return false;
  }
  if (result != 1) return false;
  counts.handshakes++;
  if (SSL_session_reused(c->tls)) counts.resumed++;
  begin_round(c);
  if (options.shape != SHAPE_H2) return true;
  if (!c->h2_frames) c->h2_frames = malloc(PORTION + PORTION / 1024 + 16);
  return http2_begin(c);
}

static void finish_round(struct connection *c) {
  counts.uploads++;
  if (++c->round < options.rounds) {
    begin_round(c);
    return;
  }
  c->state = STATE_HELD;
  counts.held++;
}

// Sends what the state asks for. False: nothing more to do until an event.
static bool step(struct connection *c, size_t *burst, int events) {
  switch (c->state) {
  case STATE_HEAD:
    if (!send_head(c)) goto broken;
    // tus asks for a place first.
    c->state = options.shape == SHAPE_STREAM || (options.shape == SHAPE_TUS && !*c->place) ? STATE_OFFER : STATE_BODY;
    return true;
  case STATE_BODY: {
    if (c->sent == options.bytes) {
      if (options.shape == SHAPE_RAW) finish_round(c);
      else c->state = STATE_FINAL;
      return true;
    }
    if (*burst >= TURN) return enqueue(c), false;
    size_t count = PORTION;
    if (options.rate > 0) {
      double may = (seconds() - c->began) * options.rate - (double)c->sent;
      if (may < PORTION / 4 && may < (double)(options.bytes - c->sent)) return enqueue_paced(c), false;
    }
    if (count > options.bytes - c->sent) count = options.bytes - c->sent;
    const uint8_t *bytes = payload_at(c->sent, &count);
    if (options.shape == SHAPE_H2) {
      ssize_t sent = http2_send_content(c, bytes, count, c->sent + count == options.bytes);
      if (sent < 0) goto broken;
      if (sent == 0) return false; // until a window is opened
      count = sent;
    } else if (!transport_encrypt(c, bytes, count)) goto broken;
    c->sent += count;
    counts.bytes += count;
    *burst += count;
    return true;
  }
  case STATE_OFFER:
  case STATE_FINAL: {
    int stands = reply_stands(c);
    if (stands == 0) return false;
    if (stands < 0) {
      errno = 0;
      connection_fail(c, c->state == STATE_OFFER ? "no offer" : "not everything was taken");
      end(c, events);
      return false;
    }
    c->reply_size = 0;
    if (c->state == STATE_OFFER) c->state = options.shape == SHAPE_TUS ? STATE_HEAD : STATE_BODY;
    else finish_round(c);
    return true;
  }
  case STATE_HELD:
    if (options.hold && !released) return false;
    c->state = STATE_END;
    SSL_shutdown(c->tls);
    if (transport_flush(c) < 0) goto broken;
    shutdown(c->file, SHUT_WR);
    enqueue(c); // edge-triggered: the end may have been there before
    return false;
  default: return false;
  }
broken:
  connection_fail(c, "sending");
  end(c, events);
  return false;
}

void connection_advance(struct connection *c, int events) {
  if (c->state == STATE_FREE) return;
  if (c->state == STATE_CONNECT) {
    struct pollfd writable = {.fd = c->file, .events = POLLOUT};
    if (poll(&writable, 1, 0) <= 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->file, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
      errno = error;
      connection_fail(c, "connecting");
      end(c, events);
      return;
    }
    c->state = STATE_HANDSHAKE;
  }
  if (c->state == STATE_HANDSHAKE && !handshake(c, events)) return;
  if (!receive(c, events)) return;
  size_t burst = 0;
  do {
    int flushed = transport_flush(c);
    if (flushed < 0) {
      connection_fail(c, "sending");
      end(c, events);
      return;
    }
    if (flushed == 0) return;
  } while (step(c, &burst, events));
}
