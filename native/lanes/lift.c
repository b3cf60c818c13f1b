/*
 * y = (x^3 + 7)^((p + 1) / 4), the even root, for keys that the cache does not have; see lift.h.
 */
#include "lanes/lift.h"

#include <string.h>

#include "lanes/roots.h"
#include "sluice.h"

/* Lifts `count` <= ROOTS_TOGETHER vectors of x; writes words of y, and the lanes that are points. */
static void lift_vectors(const uint64_t x_words[][4][LANES], uint64_t y_words[][4][LANES], __mmask8 *points,
                         int count) {
    fe8 x, zero, minus_seven, roots[ROOTS_TOGETHER], squares[ROOTS_TOGETHER];
    vec words[4];
    fe8_set_small(&zero, 0);
    UNROLL for (int i = 0; i < LIMBS; i++) minus_seven.f.n[i] = p_limb(i, 0);
    minus_seven.f.n[0] = vec_all(FIELD_P0 - 7);
    for (int g = 0; g < count; g++) {
        factor8 xx;
        UNROLL for (int i = 0; i < 4; i++) words[i] = _mm512_load_si512(x_words[g][i]);
        fe8_from_words(&x, words);
        factor8_sqr(&xx, &x.f);
        fe8_mul_sub(&squares[g], &xx, &x.f, &minus_seven);
    }
    lanes_sqrt(roots, squares, count);
    for (int g = 0; g < count; g++) {
        fe8 rest, y, minus_y;
        factor8 minus;
        fe8_sqr_sub(&rest, &roots[g].f, &squares[g], NULL, 0);
        fe8_normalize(&rest, &rest.f);
        points[g] = fe8_is_zero(&rest);
        fe8_normalize(&y, &roots[g].f);
        factor8_sub(&minus, &zero, &y);
        fe8_normalize(&minus_y, &minus);
        fe8_replace(&y, fe8_is_odd(&y), &minus_y);
        fe8_to_words(words, &y);
        UNROLL for (int i = 0; i < 4; i++) _mm512_store_si512(y_words[g][i], words[i]);
    }
}

/* The cache holds x and y as eight words, least significant first: libsecp256k1's form on this processor. */
static void use(lanes_input *inputs, int i, const uint64_t y[4]) {
    for (int k = 0; k < 4; k++) inputs[i / LANES].y[k][i % LANES] = y[k];
}

/* Lifts the `count` <= ROOTS_TOGETHER * LANES keys of these items, none of which the cache has. */
static void lift_unknown(lanes_input *inputs, const uint8_t *items, const int *unknown, int count, uint8_t *alive,
                         key_cache *cache) {
    uint64_t x[ROOTS_TOGETHER][4][LANES] __attribute__((aligned(64)));
    uint64_t y[ROOTS_TOGETHER][4][LANES] __attribute__((aligned(64)));
    __mmask8 points[ROOTS_TOGETHER];
    const int vectors = (count + LANES - 1) / LANES;
    for (int j = 0; j < vectors * LANES; j++) {
        const int i = unknown[j < count ? j : count - 1];
        for (int k = 0; k < 4; k++) x[j / LANES][k][j % LANES] = inputs[i / LANES].x[k][i % LANES];
    }
    lift_vectors((const uint64_t (*)[4][LANES])x, y, points, vectors);
    for (int j = 0; j < count; j++) {
        const int i = unknown[j], g = j / LANES, l = j % LANES;
        uint64_t point[8];
        if (!(points[g] >> l & 1)) {
            alive[i] = 0;
            continue;
        }
        for (int k = 0; k < 4; k++) {
            point[k] = x[g][k][l];
            point[4 + k] = y[g][k][l];
        }
        use(inputs, i, point + 4);
        key_cache_keep(cache, items + (size_t)SLUICE_ITEM_BYTES * i + SLUICE_KEY_OFFSET, (const uint8_t *)point);
    }
}

void lanes_lift(lanes_input *inputs, const uint8_t *items, int count, uint8_t *alive, key_cache *cache) {
    int unknown[LIFT_MAX], unknowns = 0;
    for (int i = 0; i < count; i++) {
        if (!alive[i]) continue;
        const uint8_t *point = key_cache_find(cache, items + (size_t)SLUICE_ITEM_BYTES * i + SLUICE_KEY_OFFSET);
        uint64_t y[4];
        if (point == NULL) {
            unknown[unknowns++] = i;
            continue;
        }
        memcpy(y, point + 32, sizeof y);
        use(inputs, i, y);
    }
    for (int start = 0; start < unknowns; start += ROOTS_TOGETHER * LANES) {
        const int rest = unknowns - start, most = ROOTS_TOGETHER * LANES;
        lift_unknown(inputs, items, unknown + start, rest < most ? rest : most, alive, cache);
    }
}
