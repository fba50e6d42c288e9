// TLS 1.3 over a socket that does not block. Records collect in one buffer and go out in one call, so that the client
// costs its core little.
#include "client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *context;
static BIO_METHOD *method;
static SSL_SESSION *session; // the newest ticket

static int collect(BIO *bio, const char *bytes, int count) {
  struct connection *c = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (c->out_end + count > c->out_size) {
    c->out_size = (c->out_end + count) * 2;
    c->out = realloc(c->out, c->out_size);
  }
  memcpy(c->out + c->out_end, bytes, count);
  c->out_end += count;
  return count;
}

static int take(BIO *bio, char *bytes, int count) {
  struct connection *c = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t got = recv(c->file, bytes, count, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return (int)got;
}

static long control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static int keep_session(SSL *tls, SSL_SESSION *fresh) {
  (void)tls;
  SSL_SESSION_free(session);
  // A copy that no connection uses: the library spoils a session whose connection gets another ticket.
  session = SSL_SESSION_dup(fresh);
  return 0; // the reference stays the library's
}

void transport_prepare(void) {
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); // the certificate was made for this run
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  if (!SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") || !SSL_CTX_set1_groups_list(context, "X25519")) {
    fprintf(stderr, "client: this OpenSSL lacks TLS_AES_128_GCM_SHA256 or X25519\n");
    exit(2);
  }
  if (options.shape == SHAPE_STREAM || options.shape == SHAPE_PAYLOAD)
    SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x0ax-stream/1", 11);
  if (options.shape == SHAPE_PUT || options.shape == SHAPE_TUS)
    SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
  if (options.shape == SHAPE_H2) SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x02h2", 3);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (options.resume) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
  }
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket with one buffer");
  BIO_meth_set_write(method, collect);
  BIO_meth_set_read(method, take);
  BIO_meth_set_ctrl(method, control);
}

bool transport_has_session(void) { return session != NULL; }

bool transport_open(struct connection *c) {
  int one = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(atoi(options.port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  c->file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->file < 0) return false;
  setsockopt(c->file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(c->file, (void *)&address, sizeof address) && errno != EINPROGRESS) return false;
  c->tls = SSL_new(context);
  BIO *bio = BIO_new(method);
  BIO_set_data(bio, c);
  BIO_set_init(bio, 1);
  SSL_set_bio(c->tls, bio, bio);
  SSL_set_connect_state(c->tls);
  if (options.resume && session) {
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    SSL_set_session(c->tls, copy);
    SSL_SESSION_free(copy);
  }
  c->out_begin = c->out_end = 0;
  return true;
}

void transport_close(struct connection *c) {
  if (c->tls) SSL_free(c->tls);
  c->tls = NULL;
  if (c->file >= 0) close(c->file);
  c->file = -1;
}

bool transport_encrypt(struct connection *c, const void *bytes, size_t count) {
  size_t written;
  return count == 0 || (SSL_write_ex(c->tls, bytes, count, &written) && written == count);
}

int transport_flush(struct connection *c) {
  while (c->out_begin < c->out_end) {
    ssize_t sent = send(c->file, c->out + c->out_begin, c->out_end - c->out_begin, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    c->out_begin += sent;
  }
  c->out_begin = c->out_end = 0;
  return 1;
}
