// A TCP server that takes everything and keeps nothing: what the relays pass bytes on to.
//
// usage: sink PORT [http]
//
// As a backend of proxies it reads HTTP/1.1 requests that have a length, and answers each with 201.
//
// The kernel throws the bytes away (MSG_TRUNC), so that the sink costs its core little. It closes a connection whose
// other end has closed. A line on standard input makes it print how many bytes have come.
#define _GNU_SOURCE // accept4, strcasestr
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER = -1, INPUT = -2, PORTION = 1 << 20 };

static void watch(int events, int file, int64_t mark) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)mark};
  epoll_ctl(events, EPOLL_CTL_ADD, file, &event);
}

// Connections of proxies, by their descriptor: what has come of a head, and what is missing of a body.
static struct request {
  size_t size;
  char head[8192];
  int64_t missing;
} *requests[65536];

// What came is read away. Returns the bytes; 0 or less: the connection is over.
static ssize_t serve(int file, char *scratch) {
  struct request *request = requests[file];
  if (!request) request = requests[file] = calloc(1, sizeof *request);
  ssize_t got;
  if (request->missing > 0) {
    got = recv(file, scratch, request->missing < PORTION ? request->missing : PORTION, MSG_TRUNC);
    if (got > 0) request->missing -= got;
    if (got <= 0 || request->missing > 0) return got;
  } else {
    // No more than the head, so that the body can be thrown away.
    ssize_t seen = recv(file, request->head + request->size, sizeof request->head - 1 - request->size, MSG_PEEK);
    if (seen <= 0) return seen;
    request->head[request->size + seen] = 0;
    char *end = strstr(request->head, "\r\n\r\n");
    got = recv(file, request->head + request->size, end ? (size_t)(end + 4 - request->head) - request->size : (size_t)seen, 0);
    if (got <= 0) return got;
    request->size += got;
    if (!end) return request->size < sizeof request->head - 1 ? got : -1;
    char *length = strcasestr(request->head, "\r\ncontent-length:");
    if (!length || length > end) return -1;
    request->missing = atoll(length + 17);
    request->size = 0;
    if (request->missing > 0) return got;
  }
  static const char answer[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  return send(file, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0 ? got : -1;
}

int main(int count, char **arguments) {
  bool speaks_http = count == 3 && !strcmp(arguments[2], "http");
  if (count != 2 && !speaks_http) {
    fprintf(stderr, "usage: sink PORT [http]\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
    perror("sink");
    return 1;
  }
  int events = epoll_create1(EPOLL_CLOEXEC);
  watch(events, listener, LISTENER);
  watch(events, 0, INPUT);
  uint64_t total = 0;
  static char scratch[PORTION];
  for (;;) {
    struct epoll_event happened[256];
    int ready = epoll_wait(events, happened, 256, -1);
    for (int i = 0; i < ready; i++) {
      int file = (int)(int64_t)happened[i].data.u64;
      if (file == LISTENER) {
        while ((file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) watch(events, file, file);
      } else if (file == INPUT) {
        if (read(0, scratch, sizeof scratch) <= 0) return 0;
        printf("%lu\n", (unsigned long)total);
        fflush(stdout);
      } else {
        ssize_t got = speaks_http ? serve(file, scratch) : recv(file, scratch, PORTION, MSG_TRUNC);
        if (got > 0) {
          total += got;
          continue;
        }
        free(requests[file]);
        requests[file] = NULL;
        close(file);
      }
    }
  }
}
