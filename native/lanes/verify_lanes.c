/*
 * The walk: R = s G - e P for all lanes in the same steps, and the comparison with r; see verify_lanes.h.
 */
#include "lanes/verify_lanes.h"

#include <stdlib.h>

#include "lanes/g_table.h"
#include "lanes/lift.h"
#include "lanes/p_table.h"
#include "lanes/point_8x52.h"
#include "lanes/recode.h"
#include "lanes/roots.h"
#include "lanes/transpose.h"
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
_Static_assert(P_WINDOWS * P_WINDOW_BITS == 130 && G_HALF_BITS == 130, "recode.h explains these");

/* Group of `bits` bits at `position` of eight integers of `count` words. */
INLINE vec window(const uint64_t (*words)[LANES], const int count, const int position, const int bits) {
    const int k = position >> 6;
    const vec low = _mm512_load_si512(words[k]);
    const vec high = k + 1 < count ? _mm512_load_si512(words[k + 1]) : vec_zero();
    const vec shifted = _mm512_shrdv_epi64(low, high, vec_all((uint64_t)position & 63));
    return vec_and(shifted, vec_all((1ULL << bits) - 1));
}

/* The table index of a digit, and the lanes in which it is negative. */
INLINE vec digit_index(vec group, const int bits, __mmask8 *negative) {
    *negative = (__mmask8)~_mm512_test_epi64_mask(group, vec_all(1ULL << (bits - 1)));
    const vec index = _mm512_mask_xor_epi64(group, *negative, group, vec_all((1ULL << bits) - 1));
    return vec_and(index, vec_all((1ULL << (bits - 1)) - 1));
}

/* The digit's multiple of P or lambda P; negated once more with `flip`. */
INLINE void look_up_p(entry8 *e, const p_table *table, const int lambda, vec group, const int flip) {
    uint64_t x_at[LANES] __attribute__((aligned(64))), y_at[LANES] __attribute__((aligned(64)));
    __mmask8 negative;
    vec rows[8], words[8];
    const vec index = digit_index(group, P_WINDOW_BITS, &negative);
    if (flip) negative = (__mmask8)~negative;
    const vec lane = _mm512_set_epi64(28, 24, 20, 16, 12, 8, 4, 0);
    const vec at = vec_add(_mm512_slli_epi64(index, 5), lane);
    _mm512_store_si512(x_at, at);
    _mm512_store_si512(y_at, _mm512_mask_add_epi64(at, negative, at, vec_all(P_ENTRIES * LANES * 4)));
    const uint64_t *x = &table->x[lambda][0][0][0], *y = &table->y[0][0][0][0];
    UNROLL for (int l = 0; l < LANES; l++) {
        const __m256i half = _mm256_load_si256((const __m256i *)(x + x_at[l]));
        const __m256i other = _mm256_load_si256((const __m256i *)(y + y_at[l]));
        rows[l] = _mm512_inserti64x4(_mm512_castsi256_si512(half), other, 1);
    }
    transpose_8x8(words, rows);
    factor8_from_words(&e->x, words);
    factor8_from_words(&e->y, words + 4);
}

/* The digit's multiple of G or 2^130 G; negated once more with `flip`. */
INLINE void look_up_g(entry8 *e, const g_entry *table, vec group, const int flip) {
    uint64_t at[LANES] __attribute__((aligned(64)));
    __mmask8 negative;
    vec rows[8], words[8];
    fe8 y;
    _mm512_store_si512(at, digit_index(group, G_WINDOW_BITS, &negative));
    if (flip) negative = (__mmask8)~negative;
    UNROLL for (int l = 0; l < LANES; l++) rows[l] = _mm512_load_si512(table[at[l]].words);
    transpose_8x8(words, rows);
    factor8_from_words(&e->x, words);
    fe8_from_words(&y, words + 4);
    /* No limb of y exceeds that of p (g_table.h), so p - y needs no borrow. */
    UNROLL for (int i = 0; i < LIMBS; i++) {
        e->y.n[i] = _mm512_mask_sub_epi64(y.f.n[i], negative, p_limb(i, 0), y.f.n[i]);
    }
}

/*
 * sums[g] = +-(s G - e P) of `groups` groups; returns whether the sign is minus. Starts at the highest window of P,
 * where |a|, |b| < 2^128 leave every later sum free to be 0: that shows as Z = 0 at the end.
 */
INLINE int walk(jacobian8 *sums, const lanes_input *inputs, const p_table *tables, const g_tables *g_tables,
                const int groups) {
    jacobian8 p[GROUPS_TOGETHER];
    entry8 e[GROUPS_TOGETHER];
    fe8 one;
    int flip = 0;
    fe8_set_small(&one, 1);
    for (int position = P_WINDOW_BITS * (P_WINDOWS - 1); position >= 0; position--) {
        const int first = position == P_WINDOW_BITS * (P_WINDOWS - 1);
        if (!first) {
            jacobian8_double_negate(p, groups);
            flip = !flip;
        }
        if (position % P_WINDOW_BITS == 0) {
            for (int half = 0; half < 2; half++) {
                UNROLL for (int i = 0; i < groups; i++) {
                    look_up_p(&e[i], &tables[i], half, window(inputs[i].p[half], 3, position, P_WINDOW_BITS), flip);
                }
                if (first && half == 0) {
                    UNROLL for (int i = 0; i < groups; i++) {
                        UNROLL for (int k = 0; k < LIMBS; k++) {
                            const vec mask = vec_all(k < 4 ? MASK52 : ~0ULL);
                            p[i].x.f.n[k] = vec_and(e[i].x.n[k], mask);
                            p[i].y.f.n[k] = vec_and(e[i].y.n[k], mask);
                        }
                        p[i].z = one.f;
                    }
                } else {
                    jacobian8_add_negate(p, e, groups);
                    flip = !flip;
                }
            }
        }
        if (position % G_WINDOW_BITS == 0 && position < G_HALF_BITS) {
            for (int half = 0; half < 2; half++) {
                const int at = position + half * G_HALF_BITS;
                UNROLL for (int i = 0; i < groups; i++) {
                    look_up_g(&e[i], (*g_tables)[half], window(inputs[i].g, 4, at, G_WINDOW_BITS), flip);
                }
                jacobian8_add_negate(p, e, groups);
                flip = !flip;
            }
        }
    }
    UNROLL for (int i = 0; i < groups; i++) sums[i] = p[i];
    return flip;
}

static __attribute__((noinline)) int walk_1(jacobian8 *s, const lanes_input *in, const p_table *t, const g_tables *g) {
    return walk(s, in, t, g, 1);
}
static __attribute__((noinline)) int walk_2(jacobian8 *s, const lanes_input *in, const p_table *t, const g_tables *g) {
    return walk(s, in, t, g, 2);
}

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
    int g = 0;
    for (; g + 2 <= groups; g += 2) negated = walk_2(&work->sums[g], &work->inputs[g], &work->tables[g], work->g);
    if (g < groups) negated = walk_1(&work->sums[g], &work->inputs[g], &work->tables[g], work->g);
    broken |= invert_z(work, groups, exceptional);
    for (g = 0; g < groups; g++) {
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
