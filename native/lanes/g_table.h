/*
 * Odd multiples of G and of 2^130 G, 1 to 2^13 - 1, affine: 4096 entries of 64 bytes each, 512 KB in all.
 * Computed by libsecp256k1 at the first use, once a process, and read-only from then on: all threads share it.
 */
#ifndef SLUICE_LANES_G_TABLE_H
#define SLUICE_LANES_G_TABLE_H

#include <stdint.h>

#include "lanes/recode.h"

#define G_ENTRIES (1 << (G_WINDOW_BITS - 1))

/** One point: x in words 0..3, y in words 4..7, canonical; the low 52 bits of y are not above those of p. */
typedef struct {
    uint64_t words[8];
} __attribute__((aligned(64))) g_entry;

/** Entry i of table t is (2 i + 1) 2^(130 t) G. */
typedef g_entry g_tables[2][G_ENTRIES];

/** The tables, made now if need be; NULL without memory. Any thread. */
const g_tables *g_tables_get(void);

#endif
