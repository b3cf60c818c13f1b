/*
 * Keys and sets of keys; see keys.h. The hash is the public-domain construction known as cyrb53, two multiplicative
 * hashes side by side.
 */
#include "keys.h"

#include <string.h>

#define FACTOR_ONE 2654435761u
#define FACTOR_TWO 1597334677u
/* Up to so many keys are compared one by one. */
#define FEW 16u
#define LOOKS_MAX (8 * KEYS_MAX)

key_hash key_begin(uint32_t seed) {
    return (key_hash){(0xdeadbeefu ^ seed) * FACTOR_ONE, (0x41c6ce57u ^ seed) * FACTOR_TWO};
}

static key_hash feed_byte(key_hash hash, uint8_t byte) {
    return (key_hash){(hash.one ^ byte) * FACTOR_ONE, (hash.two ^ byte) * FACTOR_TWO};
}

key_hash key_feed(key_hash hash, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) hash = feed_byte(hash, bytes[i]);
    return hash;
}

key_hash key_feed_string(key_hash hash, span string) {
    const uint8_t *at = string.at, *end = string.at + string.length;
    while (at < end) hash = feed_byte(hash, *at == '\\' ? text_unescape(&at) : *at++);
    return hash;
}

uint64_t key_finish(key_hash hash) {
    const uint32_t a = hash.one, b = hash.two;
    const uint32_t one = (a ^ a >> 16) * 2246822507u ^ (b ^ b >> 13) * 3266489909u;
    const uint32_t two = (b ^ b >> 16) * 2246822507u ^ (one ^ one >> 13) * 3266489909u;
    return (uint64_t)(two & 0xfffffu) << 32 | one;
}

void key_set_clear(key_set *set) {
    set->count = 0;
    set->looks = LOOKS_MAX;
    set->has_slots = 0;
}

/* The slot of a key that is there, or the free one that it belongs into; KEY_SET_SLOTS when the looks are used up. */
static uint32_t slot_of(key_set *set, uint64_t key) {
    uint32_t slot = (uint32_t)key % KEY_SET_SLOTS;
    while (set->slots[slot] != 0 && set->keys[set->slots[slot] - 1] != key) {
        if (set->looks == 0) return KEY_SET_SLOTS;
        set->looks--;
        slot = (slot + 1) % KEY_SET_SLOTS;
    }
    return slot;
}

static void fill_slots(key_set *set) {
    memset(set->slots, 0, sizeof set->slots);
    for (uint32_t i = 0; i < set->count; i++) set->slots[slot_of(set, set->keys[i])] = (uint16_t)(i + 1);
    set->has_slots = 1;
}

int key_set_add(key_set *set, uint64_t key) {
    if (set->count < FEW) {
        for (uint32_t i = 0; i < set->count; i++) {
            if (set->keys[i] == key) return 1;
        }
        set->keys[set->count++] = key;
        return 1;
    }
    if (!set->has_slots) fill_slots(set);
    const uint32_t slot = slot_of(set, key);
    if (slot == KEY_SET_SLOTS) return 0;
    if (set->slots[slot] != 0) return 1;
    if (set->count == KEYS_MAX) return 0;
    set->keys[set->count++] = key;
    set->slots[slot] = (uint16_t)set->count;
    return 1;
}
