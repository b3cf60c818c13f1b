/*
 * Verifies eight BIP-340 signatures at a time in AVX-512 IFMA registers. Only where cpu_has_lanes().
 *
 * Its "valid" is final; its "invalid" is only "not confirmed", and the caller asks libsecp256k1 (sluice.c). Each
 * signature is decided by itself: lanes never mix, but for inversions whose denominators cannot be 0 (p_table.h)
 * or are replaced when they are (the last one, see verify_lanes.c).
 */
#ifndef SLUICE_LANES_VERIFY_LANES_H
#define SLUICE_LANES_VERIFY_LANES_H

#include <stdint.h>

#include "key_cache.h"
#include "sha256.h"

/** Scratch memory of one thread. */
typedef struct lanes lanes;

/** NULL without memory. Makes the tables of G at the first call of the process (some milliseconds). */
lanes *lanes_open(sha256_blocks *blocks);
void lanes_close(lanes *work);
/** confirmed[i] = 1 when item i is a valid signature, 0 when that is not known; any count. */
void lanes_verify(lanes *work, key_cache *cache, const uint8_t *items, uint32_t count, uint8_t *confirmed);

#endif
