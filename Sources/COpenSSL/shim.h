// OpenSSL 3 for Swift. Most of what a TLS program calls is a macro, which Swift cannot see, so each macro in
// use has a static inline function here. Names keep OpenSSL's own, with the prefix shim_.

#ifndef SLUICE_COPENSSL_SHIM_H
#define SLUICE_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Errors

static inline int shim_ERR_GET_LIB(unsigned long code) { return ERR_GET_LIB(code); }
static inline int shim_ERR_GET_REASON(unsigned long code) { return ERR_GET_REASON(code); }
static inline int shim_ERR_is_system_error(unsigned long code) { return ERR_SYSTEM_ERROR(code) ? 1 : 0; }

// Context

static inline uint64_t shim_OP_NO_COMPRESSION(void) { return SSL_OP_NO_COMPRESSION; }
static inline uint64_t shim_OP_NO_RENEGOTIATION(void) { return SSL_OP_NO_RENEGOTIATION; }
static inline uint64_t shim_OP_CIPHER_SERVER_PREFERENCE(void) { return SSL_OP_CIPHER_SERVER_PREFERENCE; }
static inline uint64_t shim_OP_IGNORE_UNEXPECTED_EOF(void) { return SSL_OP_IGNORE_UNEXPECTED_EOF; }

static inline long shim_MODE_RELEASE_BUFFERS(void) { return SSL_MODE_RELEASE_BUFFERS; }
static inline long shim_MODE_ACCEPT_MOVING_WRITE_BUFFER(void) { return SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER; }
static inline long shim_MODE_NO_AUTO_CHAIN(void) { return SSL_MODE_NO_AUTO_CHAIN; }
static inline long shim_SSL_CTX_set_mode(SSL_CTX *ctx, long mode) { return SSL_CTX_set_mode(ctx, mode); }

static inline int shim_SSL_CTX_set_min_proto_version(SSL_CTX *ctx, int version) {
  return (int)SSL_CTX_set_min_proto_version(ctx, version);
}
static inline int shim_SSL_CTX_set_max_proto_version(SSL_CTX *ctx, int version) {
  return (int)SSL_CTX_set_max_proto_version(ctx, version);
}
static inline int shim_SSL_CTX_set1_groups_list(SSL_CTX *ctx, const char *list) {
  return (int)SSL_CTX_set1_groups_list(ctx, list);
}
static inline long shim_SSL_CTX_set_session_cache_mode(SSL_CTX *ctx, long mode) {
  return SSL_CTX_set_session_cache_mode(ctx, mode);
}
static inline int shim_SSL_CTX_add1_chain_cert(SSL_CTX *ctx, X509 *certificate) {
  return (int)SSL_CTX_add1_chain_cert(ctx, certificate);
}
static inline int shim_SSL_CTX_build_cert_chain(SSL_CTX *ctx) {
  return (int)SSL_CTX_build_cert_chain(ctx, SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR | SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
}
static inline void shim_SSL_CTX_add_client_CA(SSL_CTX *ctx, X509 *certificate) {
  (void)SSL_CTX_add_client_CA(ctx, certificate);
}

// Tickets: `writes` is 1 to write one, and then `vector` gets the 16 random bytes that it begins with.
static inline int shim_use_ticket_key(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *authentication,
                                      const unsigned char *encryption_key, const unsigned char *authentication_key,
                                      unsigned char *vector, int writes) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)authentication_key, 32),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"sha256", 0), OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(authentication, parameters) != 1) return 0;
  if (!writes) return EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, encryption_key, vector);
  return RAND_bytes(vector, 16) == 1 && EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, encryption_key, vector);
}
static inline int shim_SSL_CTX_set_ticket_key_callback(
    SSL_CTX *ctx, int (*callback)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int)) {
  return (int)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, callback);
}

// OCSP

static inline int shim_SSL_CTX_set_status_callback(SSL_CTX *ctx, int (*callback)(SSL *, void *)) {
  return (int)SSL_CTX_set_tlsext_status_cb(ctx, callback);
}
// The session takes the copy.
static inline int shim_SSL_give_ocsp_response(SSL *ssl, const unsigned char *bytes, size_t count) {
  unsigned char *copy = OPENSSL_memdup(bytes, count);
  if (copy == NULL) return 0;
  if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)count) == 1) return 1;
  OPENSSL_free(copy);
  return 0;
}

// Whether the certificate says where its issuer's can be had, as those of public authorities do.
static inline int shim_X509_names_issuer_place(X509 *certificate) {
  AUTHORITY_INFO_ACCESS *places = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
  int is_named = 0;
  for (int index = 0; places != NULL && index < sk_ACCESS_DESCRIPTION_num(places); index++)
    is_named |= OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(places, index)->method) == NID_ad_ca_issuers;
  AUTHORITY_INFO_ACCESS_free(places);
  return is_named;
}

// Session

static inline int shim_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline int shim_SSL_set1_ip_asc(SSL *ssl, const char *address) {
  return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address);
}
static inline const char *shim_SSL_get_cipher_name(const SSL *ssl) { return SSL_get_cipher_name(ssl); }

static inline int shim_SSL_set_app_data(SSL *ssl, void *data) { return SSL_set_app_data(ssl, data); }
static inline void shim_SSL_set_msg_callback(SSL *ssl,
                                             void (*callback)(int, int, int, const void *, size_t, SSL *, void *),
                                             void *context) {
  SSL_set_msg_callback(ssl, callback);
  SSL_set_msg_callback_arg(ssl, context);
}
static inline void *shim_SSL_get_app_data(const SSL *ssl) { return SSL_get_app_data(ssl); }

// The chain that the peer's certificate was verified by, its own first; empty where none was, and in a resumed session.
static inline int shim_SSL_verified_chain_count(const SSL *ssl) {
  STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
  return chain == NULL ? 0 : sk_X509_num(chain);
}
static inline X509 *shim_SSL_verified_chain_certificate(const SSL *ssl, int index) {
  return sk_X509_value(SSL_get0_verified_chain(ssl), index);
}
// What a server showed, be it verified or not.
static inline X509 *shim_SSL_get0_shown_certificate(const SSL *ssl) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  return chain == NULL || sk_X509_num(chain) == 0 ? NULL : sk_X509_value(chain, 0);
}

// Records

// Decrypts the body of one TLS 1.3 record (RFC 8446, section 5.2), which is `count` bytes and its tag of 16, into
// `target`. 1 where the tag is right; else `target` has bytes that nobody may use.
static inline int shim_open_record(EVP_CIPHER_CTX *cipher, const unsigned char *nonce, const unsigned char *header,
                                   int header_size, const unsigned char *body, int count, unsigned char *target) {
  int written = 0;
  return EVP_DecryptInit_ex(cipher, NULL, NULL, NULL, nonce) == 1 &&
         EVP_DecryptUpdate(cipher, NULL, &written, header, header_size) == 1 &&
         EVP_DecryptUpdate(cipher, target, &written, body, count) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(body + count)) == 1 &&
         EVP_DecryptFinal_ex(cipher, target + written, &written) == 1;
}

// The other way round: `target` has room for `count` bytes and a tag.
static inline int shim_seal_record(EVP_CIPHER_CTX *cipher, const EVP_CIPHER *kind, const void *key, const void *nonce,
                                   const unsigned char *header, int header_size, const unsigned char *content,
                                   int count, unsigned char *target) {
  int written = 0;
  return EVP_EncryptInit_ex(cipher, kind, NULL, (const unsigned char *)key, (const unsigned char *)nonce) == 1 &&
         EVP_EncryptUpdate(cipher, NULL, &written, header, header_size) == 1 &&
         EVP_EncryptUpdate(cipher, target, &written, content, count) == 1 &&
         EVP_EncryptFinal_ex(cipher, target + written, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, target + count) == 1;
}

// BIO

static inline void shim_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void shim_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline int shim_BIO_TYPE_SOURCE_SINK(void) { return BIO_TYPE_SOURCE_SINK; }
static inline long shim_BIO_get_mem_data(BIO *bio, char **start) { return BIO_get_mem_data(bio, start); }

// Certificates

static inline EVP_PKEY *shim_make_P256_key(void) { return EVP_EC_gen("P-256"); }
// Adds an extension in the words of openssl's x509v3_config(5).
static inline int shim_X509_add_extension(X509 *certificate, X509 *issuer, int kind, const char *words) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, kind, words);
  int is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return is_added;
}

static inline unsigned long shim_XN_FLAG_RFC2253(void) { return XN_FLAG_RFC2253; }
static inline int shim_sk_GENERAL_NAME_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *shim_sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int index) {
  return sk_GENERAL_NAME_value(names, index);
}
static inline int shim_GENERAL_NAME_type(const GENERAL_NAME *name) { return name->type; }
static inline const ASN1_STRING *shim_GENERAL_NAME_ia5(const GENERAL_NAME *name) { return name->d.ia5; }
static inline const ASN1_STRING *shim_GENERAL_NAME_ip(const GENERAL_NAME *name) { return name->d.iPAddress; }
static inline X509_NAME *shim_GENERAL_NAME_directory(const GENERAL_NAME *name) { return name->d.directoryName; }
static inline void shim_OPENSSL_free(void *memory) { OPENSSL_free(memory); }

#endif
