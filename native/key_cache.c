/*
 * A direct-mapped table of decompressed keys, see key_cache.h. The slot is taken from bytes of the key itself.
 */
#include "key_cache.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t key[32];
    uint8_t point[KEY_CACHE_POINT_BYTES];
} slot;

struct key_cache {
    uint64_t hits, misses;
    slot slots[KEY_CACHE_SLOTS];
};

/* An empty slot holds the key of 32 zero bytes: 0 is no x coordinate of the curve (7 is no square), so none is kept. */
key_cache *key_cache_open(void) { return calloc(1, sizeof(key_cache)); }

void key_cache_close(key_cache *cache) { free(cache); }

static slot *slot_of(key_cache *cache, const uint8_t key[32]) {
    uint32_t bits;
    memcpy(&bits, key + 14, sizeof bits);
    return &cache->slots[bits % KEY_CACHE_SLOTS];
}

const uint8_t *key_cache_find(key_cache *cache, const uint8_t key[32]) {
    static const uint8_t none[32];
    const slot *at = slot_of(cache, key);
    if (memcmp(at->key, key, 32) == 0 && memcmp(key, none, 32) != 0) {
        cache->hits++;
        return at->point;
    }
    cache->misses++;
    return NULL;
}

void key_cache_keep(key_cache *cache, const uint8_t key[32], const uint8_t point[KEY_CACHE_POINT_BYTES]) {
    slot *at = slot_of(cache, key);
    memcpy(at->key, key, 32);
    memcpy(at->point, point, KEY_CACHE_POINT_BYTES);
}

uint64_t key_cache_hits(const key_cache *cache) { return cache->hits; }
uint64_t key_cache_misses(const key_cache *cache) { return cache->misses; }
