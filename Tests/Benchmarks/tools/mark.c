// usage: mark PORT CERTIFICATE KEY relay BACKEND-PORT
//        mark PORT CERTIFICATE KEY put DIRECTORY
//        mark PORT CERTIFICATE KEY gzip DIRECTORY 1..9|isal
#define _GNU_SOURCE // accept4
#include "mark.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum task task;
int backend_port, directory = -1, events;
const char *codec = "";
static uint8_t *ciphertext, *plaintext;
static SSL_CTX *context;
static BIO_METHOD *method;

static int take(BIO *bio, char *bytes, int count) {
  struct client *c = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (c->input_size == 0) return BIO_set_retry_read(bio), -1;
  if ((size_t)count > c->input_size) count = c->input_size;
  memcpy(bytes, c->input, count);
  c->input += count;
  c->input_size -= count;
  return count;
}

static int give(BIO *bio, const char *bytes, int count) {
  struct client *c = BIO_get_data(bio);
  return send(c->file, bytes, count, MSG_NOSIGNAL);
}

static long control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static int digit(char letter) { return letter <= '9' ? letter - '0' : (letter | 32) - 'a' + 10; }

// The only way to the traffic secrets that the library has: a line as in a key log.
static void learn_secret(const SSL *tls, const char *line) {
  struct client *c = SSL_get_app_data((SSL *)tls);
  int which = !strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) ? 0 : !strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) ? 1 : -1;
  if (which < 0) return;
  const char *digits = strrchr(line, ' ') + 1;
  for (int i = 0; i < 32; i++) c->secrets[which][i] = digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1]);
}

bool client_answer(struct client *c, uint8_t type, const void *bytes, size_t count) {
  uint8_t record[1100];
  size_t size = record_seal(&c->writing, record, type, bytes, count);
  return send(c->file, record, size, MSG_NOSIGNAL) == (ssize_t)size;
}

void client_drop(struct client *c, const char *why) {
  if (why) fprintf(stderr, "mark: %s: %s\n", why, strerror(errno));
  if (c->tls) SSL_free(c->tls);
  EVP_CIPHER_CTX_free(c->reading.cipher);
  EVP_CIPHER_CTX_free(c->writing.cipher);
  close(c->file);
  if (c->backend >= 0) close(c->backend);
  store_drop(c);
  compress_drop(c);
  free(c->kept);
  free(c->waiting);
  free(c);
}

static void client_end(struct client *c) {
  client_answer(c, RECORD_ALERT, "\x01\x00", 2); // close_notify
  client_drop(c, NULL);
}

// 1: complete, 0: more is needed, -1: failed.
static int handshake(struct client *c) {
  ERR_clear_error();
  int result = SSL_do_handshake(c->tls);
  if (result != 1) return SSL_get_error(c->tls, result) == SSL_ERROR_WANT_READ ? 0 : -1;
  record_keys_make(&c->reading, c->secrets[0], 0);
  record_keys_make(&c->writing, c->secrets[1], 1);
  c->writing.number = 1; // the ticket was the first record
  SSL_set_quiet_shutdown(c->tls, 1);
  SSL_free(c->tls);
  c->tls = NULL;
  return task != TASK_RELAY || relay_begin(c) ? 1 : -1;
}

// Opens all whole records into one piece of plaintext, and passes that on. Returns how many bytes were records, or -1.
static ssize_t open_records(struct client *c, const uint8_t *bytes, size_t count) {
  uint8_t *room = task == TASK_RELAY ? NULL : store_room(c), *target = room ? room : plaintext;
  size_t used = 0, size = 0;
  while (count - used >= RECORD_HEADER && !c->has_ended) {
    const uint8_t *record = bytes + used;
    size_t body = (size_t)record[3] << 8 | record[4];
    if (body > RECORD_LIMIT) return -1;
    if (count - used < RECORD_HEADER + body) break;
    used += RECORD_HEADER + body;
    if (record[0] == 20) continue; // change_cipher_spec, for middleboxes
    uint8_t type;
    int got = record_open(&c->reading, target + size, record, body, &type);
    if (got < 0 || (type != RECORD_DATA && type != RECORD_ALERT)) return -1;
    if (type == RECORD_ALERT) c->has_ended = true;
    else size += got;
  }
  if (size == 0) return used;
  bool is_taken = task == TASK_RELAY ? relay_take(c, target, size) : store_take(c, target, size, room != NULL);
  return is_taken ? (ssize_t)used : -1;
}

static void client_readable(struct client *c) {
  size_t have = c->kept_size;
  memcpy(ciphertext, c->kept, have);
  ssize_t got = recv(c->file, ciphertext + have, PORTION, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return client_drop(c, c->tls || got < 0 ? "a client is gone" : NULL);
  have += got;
  size_t used = 0;
  if (c->tls) {
    c->input = ciphertext;
    c->input_size = have;
    int result = handshake(c);
    if (result < 0) return client_drop(c, "handshake");
    used = have - c->input_size;
  }
  if (!c->tls) {
    ssize_t opened = open_records(c, ciphertext + used, have - used);
    if (opened < 0) return client_drop(c, "a record could not be taken");
    used += opened;
    if (c->has_ended && !c->is_waiting) return client_end(c);
  }
  c->kept_size = have - used;
  if (c->kept_size == 0) {
    free(c->kept);
    c->kept = NULL;
    return;
  }
  c->kept = realloc(c->kept, c->kept_size);
  memcpy(c->kept, ciphertext + used, c->kept_size);
}

static void accept_clients(int listener) {
  int file, one = 1;
  while ((file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct client *c = calloc(1, sizeof *c);
    c->socket.client = c->backend_socket.client = c;
    c->backend_socket.is_backend = true;
    c->file = file;
    c->backend = c->target = -1;
    c->tls = SSL_new(context);
    SSL_set_app_data(c->tls, c);
    BIO *bio = BIO_new(method);
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->tls, bio, bio);
    SSL_set_accept_state(c->tls);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &c->socket};
    epoll_ctl(events, EPOLL_CTL_ADD, file, &event);
  }
}

static void prepare(char **arguments) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  mallopt(M_MMAP_THRESHOLD, 32 << 20); // no page faults for each portion that waits for the backend
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  ciphertext = aligned_alloc(BLOCK, ROOM);
  plaintext = aligned_alloc(BLOCK, ROOM);
  context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, arguments[2]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, arguments[3], SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    exit(1);
  }
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_keylog_callback(context, learn_secret);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "borrowed bytes");
  BIO_meth_set_read(method, take);
  BIO_meth_set_write(method, give);
  BIO_meth_set_ctrl(method, control);
}

int main(int count, char **arguments) {
  if (count < 6) {
    fprintf(stderr, "mark: see the head of mark.c\n");
    return 2;
  }
  task = !strcmp(arguments[4], "put") ? TASK_PUT : !strcmp(arguments[4], "gzip") ? TASK_GZIP : TASK_RELAY;
  if (task == TASK_RELAY) backend_port = atoi(arguments[5]);
  else if ((directory = open(arguments[5], O_DIRECTORY | O_RDONLY)) < 0) return perror(arguments[5]), 1;
  if (task == TASK_GZIP) codec = count > 6 ? arguments[6] : "6";
  prepare(arguments);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) return perror("mark"), 1;
  events = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event happened[256];
    int ready = epoll_wait(events, happened, 256, -1);
    for (int i = 0; i < ready; i++) {
      struct watched *watched = happened[i].data.ptr;
      if (!watched) accept_clients(listener);
      else if (!watched->is_backend) client_readable(watched->client);
      else if (!relay_go_on(watched->client)) client_drop(watched->client, "the backend is gone");
      else if (watched->client->has_ended && !watched->client->is_waiting) client_end(watched->client);
      // Where a client had both, the rest may speak of one that is no more; what is left out comes again.
      if (watched && (watched->is_backend || happened[i].events & (EPOLLHUP | EPOLLERR))) break;
    }
  }
}
