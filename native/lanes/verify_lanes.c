/*
 * Blocks of signatures through the steps: recode, lift, tables, walk, inversion, comparison; see verify_lanes.h.
 */
#include "lanes/verify_lanes.h"

#include <stdlib.h>

#include "lanes/g_table.h"
#include "lanes/lift.h"
#include "lanes/p_table.h"
#include "lanes/recode.h"
#include "lanes/roots.h"
#include "lanes/walk.h"
#include "sluice.h"

#define BLOCK_ITEMS (GROUPS_MAX * LANES)

struct lanes {
    sha256_blocks *blocks;
    const g_tables *g;
    lanes_input inputs[GROUPS_MAX];
    p_table tables[GROUPS_MAX];
    p_scratch scratch;
    jacobian8 sums[GROUPS_MAX];
    factor8 inverses[GROUPS_MAX], products[GROUPS_MAX];
    uint8_t alive[BLOCK_ITEMS];
};

_Static_assert(BLOCK_ITEMS <= LIFT_MAX, "a block's keys are lifted in one call");
_Static_assert(GROUPS_MAX % 4 == 0, "the last inversion is padded to a multiple of 4");

/* The lanes in which the sum is a point with x = r and an even y. `inverse` is 1 / Z. */
static __mmask8 compare(const jacobian8 *sum, const factor8 *inverse, const lanes_input *input, int negated) {
    factor8 zz, zzz;
    fe8 x, y, r;
    vec words[4];
    factor8_sqr(&zz, inverse);
    factor8_mul(&zzz, &zz, inverse);
    fe8_mul(&x, &sum->x.f, &zz);
    fe8_mul(&y, &sum->y.f, &zzz);
    fe8_normalize(&x, &x.f);
    fe8_normalize(&y, &y.f);
    UNROLL for (int i = 0; i < 4; i++) words[i] = _mm512_load_si512(input->r[i]);
    fe8_from_words(&r, words);
    /* p is odd, so -y is even where y is odd. */
    const __mmask8 odd = fe8_is_odd(&y);
    return fe8_equal(&x, &r) & (negated ? odd : (__mmask8)~odd);
}

/* Inverts all Z together; a lane with Z = 0 is inverted as 1 and returned in `exceptional`. */
static __mmask8 invert_z(lanes *work, int groups, __mmask8 *exceptional) {
    fe8 one, z;
    fe8_set_small(&one, 1);
    int padded = groups;
    for (int g = 0; g < groups; g++) {
        fe8_normalize(&z, &work->sums[g].z);
        exceptional[g] = fe8_is_zero(&z);
        fe8_replace(&z, exceptional[g], &one);
        work->inverses[g] = z.f;
    }
    while (padded % 4 != 0) work->inverses[padded++] = one.f;
    return lanes_invert(work->inverses, work->products, (size_t)padded);
}

static void verify_block(lanes *work, key_cache *cache, const uint8_t *items, int count, uint8_t *confirmed) {
    const int groups = (count + LANES - 1) / LANES;
    __mmask8 exceptional[GROUPS_MAX];
    int negated = 0;
    for (int i = 0; i < count; i++) {
        const uint8_t *item = items + (size_t)SLUICE_ITEM_BYTES * i;
        work->alive[i] = (uint8_t)lanes_recode(&work->inputs[i / LANES], i % LANES, item, work->blocks);
    }
    lanes_lift(work->inputs, items, count, work->alive, cache);
    for (int i = 0; i < groups * LANES; i++) {
        if (i >= count || !work->alive[i]) lanes_fill(&work->inputs[i / LANES], i % LANES);
    }
    __mmask8 broken = p_tables_make(work->tables, work->inputs, groups, &work->scratch);
    for (int g = 0; g < groups; g += GROUPS_TOGETHER) {
        const int together = groups - g < GROUPS_TOGETHER ? groups - g : GROUPS_TOGETHER;
        negated = lanes_walk(&work->sums[g], &work->inputs[g], &work->tables[g], work->g, together);
    }
    broken |= invert_z(work, groups, exceptional);
    for (int g = 0; g < groups; g++) {
        const __mmask8 good = compare(&work->sums[g], &work->inverses[g], &work->inputs[g], negated);
        const __mmask8 sure = good & (__mmask8)~(exceptional[g] | broken);
        for (int i = g * LANES; i < count && i < (g + 1) * LANES; i++) {
            confirmed[i] = work->alive[i] & (sure >> (i % LANES) & 1);
        }
    }
}

lanes *lanes_open(sha256_blocks *blocks) {
    lanes *work = aligned_alloc(64, sizeof *work);
    if (work == NULL) return NULL;
    work->blocks = blocks;
    work->g = g_tables_get();
    if (work->g != NULL) return work;
    free(work);
    return NULL;
}

void lanes_close(lanes *work) { free(work); }

void lanes_verify(lanes *work, key_cache *cache, const uint8_t *items, uint32_t count, uint8_t *confirmed) {
    while (count > 0) {
        const int now = count < BLOCK_ITEMS ? (int)count : BLOCK_ITEMS;
        verify_block(work, cache, items, now, confirmed);
        items += (size_t)SLUICE_ITEM_BYTES * (size_t)now;
        confirmed += now;
        count -= (uint32_t)now;
    }
}
