/*
 * A bounded cache of decompressed public keys: decompression is an eighth of a plain verification, and most
 * events come from few authors. One context owns it, on its thread. Keys are public, and a stranger may choose keys
 * that meet in one slot: that costs the decompression again, never more memory, and never a wrong key, for the whole
 * key is compared.
 */
#ifndef SLUICE_KEY_CACHE_H
#define SLUICE_KEY_CACHE_H

#include <stdint.h>

/** Slots, a power of two; 96 bytes each. */
#define KEY_CACHE_SLOTS 8192u
/** Bytes of a decompressed key in libsecp256k1's form. */
#define KEY_CACHE_POINT_BYTES 64u

typedef struct key_cache key_cache;

/** NULL without memory. */
key_cache *key_cache_open(void);
void key_cache_close(key_cache *cache);
/** The decompressed key, valid until the next call of key_cache_keep; NULL when it is not there. */
const uint8_t *key_cache_find(key_cache *cache, const uint8_t key[32]);
/** Keeps a key that is a point, in the place of what had its slot. */
void key_cache_keep(key_cache *cache, const uint8_t key[32], const uint8_t point[KEY_CACHE_POINT_BYTES]);
uint64_t key_cache_hits(const key_cache *cache);
uint64_t key_cache_misses(const key_cache *cache);

#endif
