// A TCP server that takes everything and keeps nothing: what the relays pass bytes on to.
//
// usage: sink PORT
//
// The kernel throws the bytes away (MSG_TRUNC), so that the sink costs its core little. It closes a connection whose
// other end has closed. A line on standard input makes it print how many bytes have come.
#define _GNU_SOURCE // accept4
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER = -1, INPUT = -2, PORTION = 1 << 20 };

static void watch(int events, int file, int64_t mark) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)mark};
  epoll_ctl(events, EPOLL_CTL_ADD, file, &event);
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: sink PORT\n");
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
        ssize_t got = recv(file, scratch, PORTION, MSG_TRUNC);
        if (got > 0) total += got;
        else close(file);
      }
    }
  }
}
