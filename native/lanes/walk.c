/*
 * Table look-ups, and the one sequence of doublings and additions that all lanes take; see walk.h.
 */
#include "lanes/walk.h"

#include "lanes/transpose.h"

_Static_assert(P_WINDOWS * P_WINDOW_BITS == 130 && G_HALF_BITS == 130, "recode.h explains these");
_Static_assert(G_HALF_BITS - G_WINDOW_BITS < P_WINDOW_BITS * (P_WINDOWS - 1), "the first digits are those of P");

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

/* The sum so far, of one or two groups. `flip`: it has been negated an odd number of times. */
typedef struct {
    jacobian8 p[GROUPS_TOGETHER];
    int flip;
} walked;

INLINE void add(walked *w, const entry8 *e, const int groups) {
    jacobian8_add_negate(w->p, e, groups);
    w->flip = !w->flip;
}

INLINE void look_up_all_p(entry8 *e, const lanes_input *inputs, const p_table *tables, const int half,
                          const int position, const int flip, const int groups) {
    UNROLL for (int i = 0; i < groups; i++) {
        look_up_p(&e[i], &tables[i], half, window(inputs[i].p[half], 3, position, P_WINDOW_BITS), flip);
    }
}

/* Starts with the highest digits of P and lambda P. */
INLINE void start(walked *w, const lanes_input *inputs, const p_table *tables, const int groups) {
    const int highest = P_WINDOW_BITS * (P_WINDOWS - 1);
    entry8 e[GROUPS_TOGETHER];
    fe8 one;
    fe8_set_small(&one, 1);
    look_up_all_p(e, inputs, tables, 0, highest, 0, groups);
    UNROLL for (int i = 0; i < groups; i++) {
        fe8_set_exact(&w->p[i].x, &e[i].x);
        fe8_set_exact(&w->p[i].y, &e[i].y);
        w->p[i].z = one.f;
    }
    w->flip = 0;
    look_up_all_p(e, inputs, tables, 1, highest, 0, groups);
    add(w, e, groups);
}

INLINE int walk(jacobian8 *sums, const lanes_input *inputs, const p_table *tables, const g_tables *g_tables,
                const int groups) {
    walked w;
    entry8 e[GROUPS_TOGETHER];
    start(&w, inputs, tables, groups);
    for (int position = P_WINDOW_BITS * (P_WINDOWS - 1) - 1; position >= 0; position--) {
        jacobian8_double_negate(w.p, groups);
        w.flip = !w.flip;
        for (int half = 0; position % P_WINDOW_BITS == 0 && half < 2; half++) {
            look_up_all_p(e, inputs, tables, half, position, w.flip, groups);
            add(&w, e, groups);
        }
        for (int half = 0; position % G_WINDOW_BITS == 0 && half < 2; half++) {
            const int at = position + half * G_HALF_BITS;
            UNROLL for (int i = 0; i < groups; i++) {
                look_up_g(&e[i], (*g_tables)[half], window(inputs[i].g, 4, at, G_WINDOW_BITS), w.flip);
            }
            add(&w, e, groups);
        }
    }
    UNROLL for (int i = 0; i < groups; i++) sums[i] = w.p[i];
    return w.flip;
}

static __attribute__((noinline)) int walk_1(jacobian8 *s, const lanes_input *in, const p_table *t, const g_tables *g) {
    return walk(s, in, t, g, 1);
}
static __attribute__((noinline)) int walk_2(jacobian8 *s, const lanes_input *in, const p_table *t, const g_tables *g) {
    return walk(s, in, t, g, 2);
}

int lanes_walk(jacobian8 *sums, const lanes_input *inputs, const p_table *p, const g_tables *g, int groups) {
    return groups == 1 ? walk_1(sums, inputs, p, g) : walk_2(sums, inputs, p, g);
}
