/*
 * The 52-bit keys of lib/nostr/keys.ts, bit for bit, and the set of keys that one event's tags have.
 * Re-entrant; a set belongs to whoever made it.
 */
#ifndef SLUICE_FRAMES_KEYS_H
#define SLUICE_FRAMES_KEYS_H

#include <stdint.h>

#include "frames/text.h"

/** Distinct keys of one event; with more, JavaScript takes it. */
#define KEYS_MAX 4096u
/* A power of two. */
#define KEY_SET_SLOTS (2 * KEYS_MAX)

/** Two halves of a hash under way. */
typedef struct {
    uint32_t one, two;
} key_hash;

/** Keys in the order in which they first came. */
typedef struct {
    uint64_t keys[KEYS_MAX];
    uint32_t count;
    /* How many more slots may be looked at: chosen keys can fall into one place. */
    uint32_t looks;
    /* Whether the slots are in use, as they are once there are more than a few keys. */
    uint32_t has_slots;
    /* A key's place and one, or 0. */
    uint16_t slots[KEY_SET_SLOTS];
} key_set;

/** Begins a hash; `seed` is a letter or a kind. */
key_hash key_begin(uint32_t seed);
/** Feeds bytes as they are. */
key_hash key_feed(key_hash hash, const uint8_t *bytes, size_t length);
/** Feeds what a scanned string stands for. */
key_hash key_feed_string(key_hash hash, span string);
uint64_t key_finish(key_hash hash);

/** Empties a set. */
void key_set_clear(key_set *set);
/** Adds a key, if it is not there; 0: it cannot be told within the bounds. */
int key_set_add(key_set *set, uint64_t key);

#endif
