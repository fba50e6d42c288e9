// TLS 1.3 records with AES-128-GCM (RFC 8446, section 5.2), by OpenSSL's EVP and nothing else of OpenSSL.
#pragma once
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_HEADER = 5, RECORD_TAG = 16, RECORD_LIMIT = 16384 + 256 };
enum { RECORD_ALERT = 21, RECORD_DATA = 23 };

struct record_keys {
  EVP_CIPHER_CTX *cipher;
  uint8_t iv[12];
  uint64_t number;
};

// From a traffic secret of 32 bytes (RFC 8446, section 7.3).
void record_keys_make(struct record_keys *keys, const uint8_t *secret, int encrypts);

// Opens the record of `count` bytes after its header into `plain`, and says what type it is of.
// Returns the bytes of plaintext, or -1 if it is not whole and authentic.
int record_open(struct record_keys *keys, uint8_t *plain, const uint8_t *record, size_t count, uint8_t *type);

// Seals `count` bytes, at most 1,000, into `record`; returns its size.
size_t record_seal(struct record_keys *keys, uint8_t *record, uint8_t type, const void *plain, size_t count);
