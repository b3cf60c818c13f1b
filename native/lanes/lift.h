/*
 * Decompresses the public keys of a block: from the cache where they are known, else eight at a time. Re-entrant.
 */
#ifndef SLUICE_LANES_LIFT_H
#define SLUICE_LANES_LIFT_H

#include "key_cache.h"
#include "lanes/recode.h"

/** Keys that one call takes at most. */
#define LIFT_MAX 256

/**
 * Writes y, even, to every lane i < count of `inputs` (lane i % 8 of group i / 8) with alive[i]; x must be below p.
 * A key that is no point gets alive[i] = 0. Found points are kept in `cache`.
 */
void lanes_lift(lanes_input *inputs, const uint8_t *items, int count, uint8_t *alive, key_cache *cache);

#endif
