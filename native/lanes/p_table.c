/*
 * Builds the tables of public keys, see p_table.h. Level k adds 2^k P to what is there, and doubles 2^k P; all
 * denominators of a level, of all groups and lanes, go through one scalar inversion.
 */
#include "lanes/p_table.h"

#include "lanes/roots.h"
#include "lanes/transpose.h"

/* beta, with (beta x, y) = lambda (x, y). */
static const uint64_t BETA[4] = {0xc1396c28719501ee, 0x9cf0497512f58995, 0x6e64479eac3434e9, 0x7ae96a2b657c0710};

INLINE void load_rows(fe8 *r, const uint64_t (*rows)[LANES]) {
    vec w[4];
    UNROLL for (int i = 0; i < 4; i++) w[i] = _mm512_load_si512(rows[i]);
    fe8_from_words(r, w);
}

/* Writes canonical x and y of eight lanes, a lane after the other. */
INLINE void store_entry(uint64_t (*x)[4], uint64_t (*y)[4], const fe8 *ex, const fe8 *ey) {
    vec words[8], rows[8];
    fe8_to_words(words, ex);
    fe8_to_words(words + 4, ey);
    transpose_8x8(rows, words);
    UNROLL for (int l = 0; l < LANES; l++) {
        _mm256_store_si256((__m256i *)x[l], _mm512_castsi512_si256(rows[l]));
        _mm256_store_si256((__m256i *)y[l], _mm512_extracti64x4_epi64(rows[l], 1));
    }
}

static void store_table(p_table *table, const affine8 *odd) {
    fe8 beta, zero, x, y;
    vec words[4];
    UNROLL for (int i = 0; i < 4; i++) words[i] = vec_all(BETA[i]);
    fe8_from_words(&beta, words);
    fe8_set_small(&zero, 0);
    for (int i = 0; i < P_ENTRIES; i++) {
        factor8 minus;
        fe8_normalize(&x, &odd[i].x.f);
        fe8_normalize(&y, &odd[i].y.f);
        store_entry(table->x[0][i], table->y[0][i], &x, &y);
        factor8_sub(&minus, &zero, &y);
        fe8_mul(&x, &x.f, &beta.f);
        fe8_normalize(&x, &x.f);
        fe8_normalize(&y, &minus);
        store_entry(table->x[1][i], table->y[1][i], &x, &y);
    }
}

/* The denominators, padded with ones to a multiple of 4, inverted in place. */
static __mmask8 invert(p_scratch *s, int used) {
    fe8 one;
    fe8_set_small(&one, 1);
    while (used % 4 != 0) s->denominators[used++] = one.f;
    return lanes_invert(s->denominators, s->products, (size_t)used);
}

/* One level: odd[have..2 have) = odd[0..have) + even, and unless it is the last, even = 2 even. */
static __mmask8 level(p_scratch *s, int count, int have) {
    const int last = 2 * have == P_ENTRIES;
    int used = 0, sums = 0;
    for (int g = 0; g < count; g++) {
        for (int i = 0; i < have; i++) {
            s->sums[sums++] = (affine_sum){&s->odd[g][have + i], &s->even[g], &s->odd[g][i], &s->denominators[used]};
            factor8_sub(&s->denominators[used++], &s->odd[g][i].x, &s->even[g].x);
        }
    }
    if (!last) {
        for (int g = 0; g < count; g++) s->denominators[used + g] = s->even[g].y.f;
    }
    const __mmask8 broken = invert(s, last ? used : used + count);
    /* Repeating the last sum fills the last four. */
    while (sums % SUMS_TOGETHER != 0) {
        s->sums[sums] = s->sums[sums - 1];
        sums++;
    }
    for (int i = 0; i < sums; i += SUMS_TOGETHER) affine8_add(&s->sums[i]);
    if (!last) {
        for (int g = 0; g < count; g++) affine8_double(&s->even[g], &s->even[g], &s->denominators[used + g]);
    }
    return broken;
}

__mmask8 p_tables_make(p_table *tables, const lanes_input *inputs, int count, p_scratch *scratch) {
    for (int g = 0; g < count; g++) {
        load_rows(&scratch->odd[g][0].x, inputs[g].x);
        load_rows(&scratch->odd[g][0].y, inputs[g].y);
        scratch->denominators[g] = scratch->odd[g][0].y.f;
    }
    __mmask8 broken = invert(scratch, count);
    for (int g = 0; g < count; g++) {
        affine8_double(&scratch->even[g], &scratch->odd[g][0], &scratch->denominators[g]);
    }
    for (int have = 1; have < P_ENTRIES; have *= 2) broken |= level(scratch, count, have);
    for (int g = 0; g < count; g++) store_table(&tables[g], scratch->odd[g]);
    return broken;
}
