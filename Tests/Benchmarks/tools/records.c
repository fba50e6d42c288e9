#include "records.h"
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

static void expand(const uint8_t *secret, const char *label, uint8_t *out, uint8_t count) {
  uint8_t info[64] = {0, count, (uint8_t)(6 + strlen(label))}, block[32];
  size_t size = 3 + sprintf((char *)info + 3, "tls13 %s", label);
  info[size++] = 0; // no context
  info[size++] = 1; // HKDF's first block
  unsigned got;
  HMAC(EVP_sha256(), secret, 32, info, size, block, &got);
  memcpy(out, block, count);
}

void record_keys_make(struct record_keys *keys, const uint8_t *secret, int encrypts) {
  static EVP_CIPHER *aes;
  if (!aes) aes = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
  uint8_t key[16];
  expand(secret, "key", key, sizeof key);
  expand(secret, "iv", keys->iv, sizeof keys->iv);
  keys->number = 0;
  keys->cipher = EVP_CIPHER_CTX_new();
  EVP_CipherInit_ex(keys->cipher, aes, NULL, key, keys->iv, encrypts);
}

static void next_nonce(struct record_keys *keys, uint8_t *nonce) {
  memcpy(nonce, keys->iv, 12);
  uint64_t number = keys->number++;
  for (int i = 0; i < 8; i++) nonce[11 - i] ^= (uint8_t)(number >> (8 * i));
}

int record_open(struct record_keys *keys, uint8_t *plain, const uint8_t *record, size_t count, uint8_t *type) {
  uint8_t nonce[12];
  int size, rest;
  next_nonce(keys, nonce);
  if (count <= RECORD_TAG || !EVP_DecryptInit_ex(keys->cipher, NULL, NULL, NULL, nonce) ||
      !EVP_DecryptUpdate(keys->cipher, NULL, &size, record, RECORD_HEADER) ||
      !EVP_CIPHER_CTX_ctrl(keys->cipher, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG, (void *)(record + RECORD_HEADER + count - RECORD_TAG)) ||
      !EVP_DecryptUpdate(keys->cipher, plain, &size, record + RECORD_HEADER, count - RECORD_TAG) ||
      EVP_DecryptFinal_ex(keys->cipher, plain + size, &rest) <= 0)
    return -1;
  while (size > 0 && plain[size - 1] == 0) size--; // padding
  if (size == 0) return -1;
  *type = plain[--size];
  return size;
}

size_t record_seal(struct record_keys *keys, uint8_t *record, uint8_t type, const void *plain, size_t count) {
  uint8_t nonce[12], inner[1001];
  int size, rest;
  next_nonce(keys, nonce);
  memcpy(inner, plain, count);
  inner[count++] = type;
  size_t body = count + RECORD_TAG;
  memcpy(record, (uint8_t[]){RECORD_DATA, 3, 3, body >> 8, body & 255}, RECORD_HEADER);
  EVP_EncryptInit_ex(keys->cipher, NULL, NULL, NULL, nonce);
  EVP_EncryptUpdate(keys->cipher, NULL, &size, record, RECORD_HEADER);
  EVP_EncryptUpdate(keys->cipher, record + RECORD_HEADER, &size, inner, count);
  EVP_EncryptFinal_ex(keys->cipher, record + RECORD_HEADER + size, &rest);
  EVP_CIPHER_CTX_ctrl(keys->cipher, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG, record + RECORD_HEADER + count);
  return body + RECORD_HEADER;
}
