/*
 * Odd multiples of the public keys of groups of eight lanes: P, 3P, ..., 31P and the same of lambda P, affine.
 * The memory is the caller's.
 */
#ifndef SLUICE_LANES_P_TABLE_H
#define SLUICE_LANES_P_TABLE_H

#include <stdint.h>

#include "lanes/point_8x52.h"
#include "lanes/recode.h"

#define P_ENTRIES (1 << (P_WINDOW_BITS - 1))
/** Groups of which the tables are made together, for shared inversions. */
#define GROUPS_MAX 16

/**
 * x[0] is of P, x[1] of lambda P (beta x); y[0] is of both, y[1] is p - y. Canonical words; of each entry one lane
 * after the other.
 */
typedef struct {
    uint64_t x[2][P_ENTRIES][LANES][4];
    uint64_t y[2][P_ENTRIES][LANES][4];
} __attribute__((aligned(64))) p_table;

/** Denominators of one level of one group: at most 8 sums, or 4 sums and a doubling. */
#define P_DENOMINATORS_MAX (P_ENTRIES / 2)

/** Scratch memory of p_tables_make. */
typedef struct {
    affine8 odd[GROUPS_MAX][P_ENTRIES];
    affine8 even[GROUPS_MAX];
    factor8 denominators[GROUPS_MAX * P_DENOMINATORS_MAX];
    factor8 products[GROUPS_MAX * P_DENOMINATORS_MAX];
    affine_sum sums[GROUPS_MAX * P_ENTRIES / 2];
} p_scratch;

/**
 * Makes the tables of `count` <= GROUPS_MAX groups from x and y of their inputs, which must be points of the curve.
 * Returns the lanes, of all groups, that are not to be believed: none, since no denominator is 0. The order n of
 * the group is prime, so y is never 0, and x(2^k P) = x(i P) would need 2^k = +-i modulo n with i < 2^k < 32.
 */
__mmask8 p_tables_make(p_table *tables, const lanes_input *inputs, int count, p_scratch *scratch);

#endif
