/*
 * Verifies many BIP-340 signatures by one multi-scalar multiplication (BIP-340, "Batch Verification"), on any
 * processor: the sum of a[i] (s[i] G - R[i] - e[i] P[i]) is 0 for random a[i] when all are valid, and otherwise with a
 * probability below 2^-126. The coefficients must be unknown to whoever makes signatures; see batch.c.
 *
 * Its "valid" is final; its "invalid" is only "not confirmed", and the caller asks libsecp256k1 (sluice.c).
 */
#ifndef SLUICE_BATCH_H
#define SLUICE_BATCH_H

#include <stdint.h>

#include "key_cache.h"
#include "libsecp.h"
#include "sha256.h"

/** Items that one sum takes. */
#define BATCH_ITEMS_MAX 512
/** A range that failed and is not larger is not taken apart further: one by one costs no more. */
#define BATCH_ITEMS_MIN 8

/** Scratch memory and the secret of one thread. */
typedef struct batch batch;

/** NULL without memory or without randomness from the operating system. */
batch *batch_open(sha256_blocks *blocks);
void batch_close(batch *work);
/**
 * confirmed[i] = 1 when item i < count <= BATCH_ITEMS_MAX is valid, 0 when that is not known. A failed sum is taken
 * apart in halves, so that good items pass; it gives up after sums over 1 1/4 times `count` items in addition.
 * Returns the number of items that all sums held together.
 */
uint32_t batch_verify(batch *work, const libsecp *secp, key_cache *cache, const uint8_t *items, uint32_t count,
                      uint8_t *confirmed);

#endif
