/*
 * Turns eight rows of eight 64-bit words into eight columns: table entries lie one after another in memory, while
 * the arithmetic wants one limb of eight points in a register. Inline functions without state.
 */
#ifndef SLUICE_LANES_TRANSPOSE_H
#define SLUICE_LANES_TRANSPOSE_H

#include "lanes/field_8x52.h"

/* 24 shuffles; a gather instruction for each column costs several times as much on most processors. */
INLINE void transpose_8x8(vec r[8], const vec a[8]) {
    vec t[8], u[8];
    UNROLL for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi64(a[i], a[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i += 4) {
        UNROLL for (int k = 0; k < 2; k++) {
            u[i + k] = _mm512_shuffle_i64x2(t[i + k], t[i + k + 2], 0x88);
            u[i + k + 2] = _mm512_shuffle_i64x2(t[i + k], t[i + k + 2], 0xdd);
        }
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
        r[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
    }
}

#endif
