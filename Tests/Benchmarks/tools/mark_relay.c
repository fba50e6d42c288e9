// To a backend, over one TCP connection for each client.
#include "mark.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

bool relay_begin(struct client *c) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(backend_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  c->backend = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(c->backend, (void *)&address, sizeof address)) return false; // at once, on the same machine
  setsockopt(c->backend, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fcntl(c->backend, F_SETFL, O_NONBLOCK) == 0;
}

// Reads the client, or waits for the backend: never both.
static void choose(struct client *c, bool backend) {
  struct epoll_event client = {.events = backend ? 0 : EPOLLIN, .data.ptr = &c->socket};
  struct epoll_event other = {.events = EPOLLOUT, .data.ptr = &c->backend_socket};
  epoll_ctl(events, EPOLL_CTL_MOD, c->file, &client);
  epoll_ctl(events, backend ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->backend, &other);
  c->is_waiting = backend;
}

bool relay_take(struct client *c, const uint8_t *bytes, size_t count) {
  ssize_t sent = send(c->backend, bytes, count, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return false;
  size_t taken = sent < 0 ? 0 : sent;
  if (taken == count) return true;
  c->waiting = malloc(count - taken);
  c->waiting_begin = 0;
  c->waiting_end = count - taken;
  memcpy(c->waiting, bytes + taken, c->waiting_end);
  choose(c, true);
  return true;
}

bool relay_go_on(struct client *c) {
  while (c->waiting_begin < c->waiting_end) {
    ssize_t sent = send(c->backend, c->waiting + c->waiting_begin, c->waiting_end - c->waiting_begin, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    c->waiting_begin += sent;
  }
  free(c->waiting);
  c->waiting = NULL;
  choose(c, false);
  return true;
}
