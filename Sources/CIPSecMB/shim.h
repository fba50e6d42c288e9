// AES-GCM by Intel's Multi-Buffer Crypto library, whose functions are reached through a table of pointers and macros,
// which Swift cannot see.

#ifndef SLUICE_CIPSECMB_SHIM_H
#define SLUICE_CIPSECMB_SHIM_H

#include <intel-ipsec-mb.h>

// The library's functions for this processor; NULL where it lacks the vector instructions that make them faster than
// OpenSSL's.
static inline IMB_MGR *shim_mb_make_manager(void) {
  const uint64_t wanted = IMB_FEATURE_AESNI | IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
  IMB_MGR *manager = alloc_mb_mgr(0);
  if (manager == NULL) return NULL;
  init_mb_mgr_auto(manager, NULL);
  if (imb_get_errno(manager) == 0 && (manager->features & wanted) == wanted) return manager;
  free_mb_mgr(manager);
  return NULL;
}

static inline size_t shim_mb_key_size(void) { return sizeof(struct gcm_key_data); }
static inline size_t shim_mb_key_alignment(void) { return _Alignof(struct gcm_key_data); }

// `key` has 16 or 32 bytes; `expanded` has the size and the alignment from above.
static inline void shim_mb_expand_key(IMB_MGR *manager, const void *key, int key_size, void *expanded) {
  if (key_size == 16) {
    IMB_AES128_GCM_PRE(manager, key, (struct gcm_key_data *)expanded);
  } else {
    IMB_AES256_GCM_PRE(manager, key, (struct gcm_key_data *)expanded);
  }
}

// Decrypts, and computes the tag that the bytes should have; comparing is the caller's.
static inline void shim_mb_open(IMB_MGR *manager, int key_size, const void *expanded, const unsigned char *nonce,
                                const unsigned char *header, size_t header_size, const unsigned char *body,
                                size_t count, unsigned char *target, unsigned char *tag) {
  struct gcm_context_data context;
  if (key_size == 16) {
    IMB_AES128_GCM_DEC(manager, expanded, &context, target, body, count, nonce, header, header_size, tag, 16);
  } else {
    IMB_AES256_GCM_DEC(manager, expanded, &context, target, body, count, nonce, header, header_size, tag, 16);
  }
}

#endif
