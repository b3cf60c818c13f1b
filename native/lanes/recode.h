/*
 * From an item's bytes to the words that eight lanes walk by: parsing, the challenge, and signed windows of fixed
 * width. Every scalar becomes a string of odd digits, none of them zero, so all lanes take the same steps.
 *
 * A digit is 2 g + 1 - 2^w for a group g of w bits. m groups of an integer v make the sum 2 v + 1 - 2^(w m).
 *   R = s G - e P:  s = 2 v + 1 - 2^260 (mod n) gives v for G, 20 groups of 13 bits, below 2^256;
 *   -e = (2 a + 1) + lambda (2 b + 1) (mod n) with (-e - 1 - lambda) / 2 = a + lambda b, |a|, |b| < 2^128,
 *   gives a + 2^129 and b + 2^129 for P and lambda P, 26 groups of 5 bits each, between 2^128 and 2^130.
 */
#ifndef SLUICE_LANES_RECODE_H
#define SLUICE_LANES_RECODE_H

#include <stdint.h>

#include "lanes/field_8x52.h"
#include "sha256.h"

#define P_WINDOW_BITS 5
#define P_WINDOWS 26
#define G_WINDOW_BITS 13
/** Windows of each half of v: the lower half takes multiples of G, the upper one of 2^130 G. */
#define G_WINDOWS 10
#define G_HALF_BITS (G_WINDOW_BITS * G_WINDOWS)

/** What one group of eight signatures is worked on by; each row holds one word of eight lanes. */
typedef struct {
    /** The public key's x and its even y, the signature's r: four words each, least significant first. */
    uint64_t x[4][LANES], y[4][LANES], r[4][LANES];
    /** a + 2^129 and b + 2^129. */
    uint64_t p[2][3][LANES];
    /** v. */
    uint64_t g[4][LANES];
} __attribute__((aligned(64))) lanes_input;

/**
 * Writes x, r and the scalars of `item` into one lane.
 * Returns 0 when key or r is not below p, or s not below n: such an item is invalid, and the lane is not written.
 */
int lanes_recode(lanes_input *input, int lane, const uint8_t *item, sha256_blocks *blocks);

/** Writes the words of the scalars s and e, 32 bytes each, most significant first, modulo n, into one lane. */
void lanes_recode_scalars(lanes_input *input, int lane, const uint8_t s[32], const uint8_t e[32]);

/** Fills x, y, r and the scalars of a lane that nobody asks about: G and scalars without meaning. */
void lanes_fill(lanes_input *input, int lane);

#endif
