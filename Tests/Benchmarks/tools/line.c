// A long line: passes TCP connections on to another port of this machine, and keeps all bytes for a while.
//
// usage: line PORT TARGET-PORT MILLISECONDS-EACH-WAY
//
// It takes what comes as fast as it comes, so that the ends' windows are the only ones; a packet is never lost.
#define _GNU_SOURCE // accept4
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORTION = 256 << 10 };

struct portion {
  double due;
  size_t begin, end; // an empty one is the end of the stream
  struct portion *next;
  uint8_t bytes[];
};

// One direction of a connection.
struct way {
  int from, to;
  struct portion *first, **last;
  bool is_over, is_full;
  struct way *next; // in the list of all
};

static double delay;
static struct way *all;

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static struct sockaddr_in place(const char *port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void take(struct way *way) {
  static uint8_t scratch[PORTION];
  while (!way->is_over) {
    ssize_t got = recv(way->from, scratch, PORTION, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) got = 0;
    struct portion *portion = malloc(sizeof *portion + got);
    *portion = (struct portion){.due = seconds() + delay, .end = got};
    memcpy(portion->bytes, scratch, got);
    *way->last = portion;
    way->last = &portion->next;
    way->is_over = got == 0;
  }
}

static void give(struct way *way, double now) {
  while (way->first && way->first->due <= now) {
    struct portion *portion = way->first;
    if (portion->begin == portion->end) shutdown(way->to, SHUT_WR);
    while (portion->begin < portion->end) {
      ssize_t sent = send(way->to, portion->bytes + portion->begin, portion->end - portion->begin, MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return; // the next look tries again
      portion->begin = sent < 0 ? portion->end : portion->begin + sent;
    }
    way->first = portion->next;
    if (!way->first) way->last = &way->first;
    free(portion);
  }
}

static void add(int events, int from, int to) {
  struct way *way = calloc(1, sizeof *way);
  *way = (struct way){.from = from, .to = to, .next = all};
  way->last = &way->first;
  all = way;
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = way};
  epoll_ctl(events, EPOLL_CTL_ADD, from, &event);
  take(way);
}

int main(int count, char **arguments) {
  if (count != 4) return fprintf(stderr, "usage: line PORT TARGET-PORT MILLISECONDS-EACH-WAY\n"), 2;
  delay = atof(arguments[3]) / 1000;
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in here = place(arguments[1]), there = place(arguments[2]);
  if (bind(listener, (void *)&here, sizeof here) || listen(listener, 1024)) return perror("line"), 1;
  int events = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event happened[64];
    bool is_waiting = false;
    for (struct way *way = all; way; way = way->next) is_waiting |= way->first != NULL;
    int ready = epoll_wait(events, happened, 64, is_waiting ? 1 : -1);
    for (int i = 0; i < ready; i++) {
      if (happened[i].data.ptr) {
        take(happened[i].data.ptr);
        continue;
      }
      int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) continue;
      int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(server, (void *)&there, sizeof there)) return perror("line: the target"), 1;
      fcntl(server, F_SETFL, O_NONBLOCK);
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      add(events, client, server);
      add(events, server, client);
    }
    double now = seconds();
    for (struct way *way = all; way; way = way->next) give(way, now);
  }
}
