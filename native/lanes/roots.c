/*
 * The addition chain of the square root, and Montgomery's trick; see roots.h.
 */
#include "lanes/roots.h"

#include "libsecp_internals.h"

/* Squares `count` vectors `times` times, interleaved: one squaring alone waits for its own carries. */
INLINE void square_times(factor8 *r, const factor8 *a, int times, const int count) {
    factor8 t[ROOTS_TOGETHER];
    UNROLL for (int g = 0; g < count; g++) t[g] = a[g];
    for (int i = 0; i < times; i++) {
        UNROLL for (int g = 0; g < count; g++) factor8_sqr(&t[g], &t[g]);
    }
    UNROLL for (int g = 0; g < count; g++) r[g] = t[g];
}

/* r = a^(2^times) b */
#define STEP(r, a, times, b)                                                   \
    do {                                                                       \
        square_times(t, a, times, count);                                      \
        UNROLL for (int g = 0; g < count; g++) factor8_mul(&r[g], &t[g], &b[g]); \
    } while (0)

/*
 * (p + 1) / 4 in binary is a run of 223 ones, a zero, a run of 22 ones, four zeros, a run of 2 ones, two zeros.
 * xN below is a^(2^N - 1), a run of N ones.
 */
INLINE void sqrt_together(fe8 *roots, const fe8 *values, const int count) {
    factor8 a[ROOTS_TOGETHER], t[ROOTS_TOGETHER], x2[ROOTS_TOGETHER], x3[ROOTS_TOGETHER], x22[ROOTS_TOGETHER];
    factor8 x44[ROOTS_TOGETHER], x[ROOTS_TOGETHER];
    UNROLL for (int g = 0; g < count; g++) a[g] = values[g].f;
    STEP(x2, a, 1, a);
    STEP(x3, x2, 1, a);
    STEP(x, x3, 3, x3);     /* x6 */
    STEP(x, x, 3, x3);      /* x9 */
    STEP(x, x, 2, x2);      /* x11 */
    STEP(x22, x, 11, x);
    STEP(x44, x22, 22, x22);
    STEP(x, x44, 44, x44);  /* x88 */
    STEP(x, x, 88, x);      /* x176 */
    STEP(x, x, 44, x44);    /* x220 */
    STEP(x, x, 3, x3);      /* x223 */
    STEP(x, x, 23, x22);
    STEP(x, x, 6, x2);
    square_times(t, x, 1, count);
    UNROLL for (int g = 0; g < count; g++) fe8_sqr(&roots[g], &t[g]);
}

static __attribute__((noinline)) void sqrt_of_1(fe8 *r, const fe8 *a) { sqrt_together(r, a, 1); }
static __attribute__((noinline)) void sqrt_of_2(fe8 *r, const fe8 *a) { sqrt_together(r, a, 2); }
static __attribute__((noinline)) void sqrt_of_4(fe8 *r, const fe8 *a) { sqrt_together(r, a, 4); }

void lanes_sqrt(fe8 *roots, const fe8 *values, int count) {
    if (count == 4) {
        sqrt_of_4(roots, values);
        return;
    }
    if (count >= 2) sqrt_of_2(roots, values);
    if (count & 1) sqrt_of_1(roots + (count & 2), values + (count & 2));
}

/* Inverts the eight lanes by one inversion of libsecp256k1; lanes that are 0 count as 1 and are returned. */
static __mmask8 invert_lanes(factor8 *value) {
    uint64_t limbs[LIMBS][LANES];
    SECP(fe) x[LANES], before[LANES], inverse, t;
    __mmask8 zero = 0;
    fe8 exact;
    fe8_normalize(&exact, value);
    for (int i = 0; i < LIMBS; i++) _mm512_storeu_si512(limbs[i], exact.f.n[i]);
    for (int l = 0; l < LANES; l++) {
        for (int i = 0; i < LIMBS; i++) x[l].n[i] = limbs[i][l];
        if (SECP(fe_is_zero)(&x[l])) {
            zero |= (__mmask8)(1 << l);
            SECP(fe_set_int)(&x[l], 1);
        }
        if (l == 0) before[0] = x[0];
        else SECP(fe_mul)(&before[l], &before[l - 1], &x[l]);
    }
    SECP(fe_inv_var)(&inverse, &before[LANES - 1]);
    for (int l = LANES - 1; l >= 0; l--) {
        t = inverse;
        if (l > 0) {
            SECP(fe_mul)(&t, &inverse, &before[l - 1]);
            SECP(fe_mul)(&inverse, &inverse, &x[l]);
        }
        SECP(fe_normalize_var)(&t);
        for (int i = 0; i < LIMBS; i++) limbs[i][l] = t.n[i];
    }
    for (int i = 0; i < LIMBS; i++) value->n[i] = _mm512_loadu_si512(limbs[i]);
    return zero;
}

/* Montgomery's trick in four chains, so that products do not wait for each other. */
__mmask8 lanes_invert(factor8 *values, factor8 *scratch, size_t count) {
    factor8 chain[4], first, second, all;
    fe8 exact;
    UNROLL for (int k = 0; k < 4; k++) chain[k] = values[k];
    for (size_t i = 4; i < count; i += 4) {
        UNROLL for (int k = 0; k < 4; k++) {
            scratch[i + k] = chain[k];
            factor8_mul(&chain[k], &chain[k], &values[i + k]);
        }
    }
    factor8_mul(&first, &chain[0], &chain[1]);
    factor8_mul(&second, &chain[2], &chain[3]);
    fe8_mul(&exact, &first, &second);
    all = exact.f;
    const __mmask8 zero = invert_lanes(&all);
    factor8_mul(&second, &all, &second); /* 1 / (chain 0 * chain 1) */
    factor8_mul(&first, &all, &first);   /* 1 / (chain 2 * chain 3) */
    factor8 inverse[4];
    factor8_mul(&inverse[0], &second, &chain[1]);
    factor8_mul(&inverse[1], &second, &chain[0]);
    factor8_mul(&inverse[2], &first, &chain[3]);
    factor8_mul(&inverse[3], &first, &chain[2]);
    for (size_t i = count - 4; i >= 4; i -= 4) {
        UNROLL for (int k = 0; k < 4; k++) {
            const factor8 value = values[i + k];
            factor8_mul(&values[i + k], &inverse[k], &scratch[i + k]);
            factor8_mul(&inverse[k], &inverse[k], &value);
        }
    }
    UNROLL for (int k = 0; k < 4; k++) values[k] = inverse[k];
    return zero;
}
