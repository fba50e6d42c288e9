// Uploads over many TLS connections at once, and prints what became of them as one line of JSON.
//
// usage: client --port N [--shape raw|stream|payload|put|tus|h2] [--route PATH] [--connections N] [--total N] [--rounds N]
//               [--bytes N] [--rate BYTES-A-SECOND] [--text] [--resume] [--hold] [--timeout SECONDS]
//
// --resume takes up the newest session instead of a full handshake. --hold prints "held N" when all connections have
// done their uploads, and ends them when standard input says so. An upload counts when its server said that it is safe
// (`status: 0`, or 2xx), with --shape raw when its bytes were sent. The route of HTTP ends in a slash.
#include "client.h"
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct options options = {.connections = 1, .rounds = 1, .timeout = 60, .route = "/"};
struct counts counts;
bool released;
static struct connection *ready, **ready_end = &ready, *paced, **paced_end = &paced;

double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void append(struct connection *c, struct connection ***tail) {
  if (c->queued) return;
  c->queued = true;
  c->next = NULL;
  **tail = c;
  *tail = &c->next;
}

void enqueue(struct connection *c) { append(c, &ready_end); }
void enqueue_paced(struct connection *c) { append(c, &paced_end); }

static void go_on(struct connection **queue, struct connection ***tail, int events) {
  struct connection *c = *queue;
  *queue = NULL;
  *tail = queue;
  while (c) {
    struct connection *next = c->next;
    c->queued = false;
    connection_advance(c, events);
    c = next;
  }
}

static void parse(int count, char **arguments) {
  static const struct option names[] = {
      {"port", 1, 0, 'p'}, {"shape", 1, 0, 's'}, {"route", 1, 0, 'u'}, {"connections", 1, 0, 'c'}, {"total", 1, 0, 'n'},
      {"rounds", 1, 0, 'r'}, {"bytes", 1, 0, 'b'}, {"rate", 1, 0, 'v'}, {"text", 0, 0, 't'}, {"resume", 0, 0, 'e'},
      {"hold", 0, 0, 'h'}, {"timeout", 1, 0, 'o'}, {0}};
  static const char *shapes[] = {"raw", "stream", "payload", "put", "tus", "h2"};
  int option;
  while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
    switch (option) {
    case 'p': options.port = optarg; break;
    case 's':
      for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++)
        if (!strcmp(optarg, shapes[i])) options.shape = i;
      break;
    case 'u': options.route = optarg; break;
    case 'c': options.connections = atoi(optarg); break;
    case 'n': options.total = atol(optarg); break;
    case 'r': options.rounds = atol(optarg); break;
    case 'b': options.bytes = strtoull(optarg, NULL, 10); break;
    case 'v': options.rate = atof(optarg); break;
    case 't': options.text = true; break;
    case 'e': options.resume = true; break;
    case 'h': options.hold = true; break;
    case 'o': options.timeout = atof(optarg); break;
    default: exit(2);
    }
  }
  if (!options.port || options.connections < 1) {
    fprintf(stderr, "client: --port is required; the head of client.c has the options\n");
    exit(2);
  }
  if (!options.total) options.total = options.connections;
}

static void turn(struct connection *all, int events) {
  static double tick;
  static bool has_told;
  struct epoll_event happened[512];
  int wait = ready ? 0 : paced ? 5 : 100;
  int count = epoll_wait(events, happened, 512, wait);
  for (int i = 0; i < count; i++) connection_advance(happened[i].data.ptr, events);
  go_on(&ready, &ready_end, events);
  if (paced && seconds() - tick >= 0.005) {
    tick = seconds();
    go_on(&paced, &paced_end, events);
  }
  if (!options.hold || released) return;
  if (!has_told && counts.held + counts.ended == options.total) {
    has_told = true;
    printf("held %ld\n", counts.held);
    fflush(stdout);
  }
  struct pollfd input = {.fd = 0, .events = POLLIN};
  if (has_told && poll(&input, 1, 0) > 0) {
    released = true;
    for (int i = 0; i < options.connections; i++) connection_advance(&all[i], events);
  }
}

int main(int count, char **arguments) {
  parse(count, arguments);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  transport_prepare();
  payload_prepare(options.text);
  int events = epoll_create1(EPOLL_CLOEXEC);
  struct connection *all = calloc(options.connections, sizeof *all);
  double began = seconds();
  for (int i = 0; i < options.connections; i++) {
    all[i].file = -1;
    connection_start(&all[i], events);
    // The first makes the session that all others take up.
    while (options.resume && !transport_has_session() && counts.ended == 0 && seconds() - began < 1) turn(all, events);
    if (i % 128 == 127) turn(all, events); // so that the server's queue of new connections does not overflow
  }
  while (counts.ended < options.total && seconds() - began < options.timeout) turn(all, events);
  double lasted = seconds() - began;
  long unfinished = options.total - counts.ended;
  printf("{\"bytes\": %lu, \"seconds\": %.6f, \"uploads\": %ld, \"handshakes\": %ld, \"resumed\": %ld, \"cut\": %ld, \"errors\": %ld}\n",
         (unsigned long)counts.bytes, lasted, counts.uploads, counts.handshakes, counts.resumed,
         counts.cut, counts.errors + unfinished);
  return counts.errors + unfinished ? 1 : 0;
}
