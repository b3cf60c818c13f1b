/*
 * Eight field elements modulo p = 2^256 - C, C = 0x1000003d1, one in each 64-bit lane of AVX-512 registers.
 * Five limbs of 52 bits an element, for the IFMA instructions: they multiply the low 52 bits of two lanes and add the
 * low or high 52 bits of the product to a third. Compiled and called only where cpu_has_lanes(). Holds no state.
 *
 * Two types say what a value may be used for:
 *   factor8  An operand of multiplications only. Of limbs 0..3 just the low 52 bits count; what lies above has
 *            been carried already. Limb 4 is below 2^51 and exact.
 *   fe8      Limbs 0..3 are below 2^52, limb 4 is below 2^49, all exact. The value is below 2^257: not canonical.
 * An fe8 serves as a factor (`.f`); a factor never serves as an fe8. Every function takes any value of its types.
 */
#ifndef SLUICE_FIELD_8X52_H
#define SLUICE_FIELD_8X52_H

#include <immintrin.h>
#include <stdint.h>

#define LANES 8
#define LIMBS 5
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef __m512i vec;
typedef struct {
    vec n[LIMBS];
} factor8;
typedef struct {
    factor8 f;
} fe8;

#define MASK52 0xfffffffffffffULL
#define MASK48 0xffffffffffffULL
/* 2^256 mod p and 2^260 mod p. */
#define FIELD_C 0x1000003d1ULL
#define FIELD_C16 0x1000003d10ULL
/* Limb 0 of p; limbs 1..3 are MASK52, limb 4 is MASK48. */
#define FIELD_P0 0xffffefffffc2fULL

INLINE vec vec_all(uint64_t x) { return _mm512_set1_epi64((long long)x); }
INLINE vec vec_zero(void) { return _mm512_setzero_si512(); }
INLINE vec vec_add(vec a, vec b) { return _mm512_add_epi64(a, b); }
INLINE vec vec_sub(vec a, vec b) { return _mm512_sub_epi64(a, b); }
INLINE vec vec_and(vec a, vec b) { return _mm512_and_si512(a, b); }
INLINE vec madd_low(vec c, vec a, vec b) { return _mm512_madd52lo_epu64(c, a, b); }
INLINE vec madd_high(vec c, vec a, vec b) { return _mm512_madd52hi_epu64(c, a, b); }

/* Limb i of p << shift, with no carries between limbs. */
INLINE vec p_limb(int i, int shift) {
    return vec_all((i == 0 ? FIELD_P0 : i == 4 ? MASK48 : MASK52) << shift);
}

/*
 * Columns: c[i] has the weight 2^(52 i), i < 10. A product adds at most 10 terms below 2^52 to a column.
 * No caller puts more than two products and a bias below 2^55 into one set, so a column stays below 2^58.
 */
INLINE void columns_zero(vec c[10]) { UNROLL for (int i = 0; i < 10; i++) c[i] = vec_zero(); }

INLINE void columns_add_product(vec c[10], const factor8 *a, const factor8 *b) {
    UNROLL for (int i = 0; i < LIMBS; i++) {
        UNROLL for (int j = 0; j < LIMBS; j++) c[i + j] = madd_low(c[i + j], a->n[i], b->n[j]);
        UNROLL for (int j = 0; j < LIMBS; j++) c[i + j + 1] = madd_high(c[i + j + 1], a->n[i], b->n[j]);
    }
}

/* Sets the columns to a^2: the cross products once, doubled, then the squares. */
INLINE void columns_set_square(vec c[10], const factor8 *a) {
    columns_zero(c);
    UNROLL for (int i = 0; i < LIMBS; i++) {
        UNROLL for (int j = i + 1; j < LIMBS; j++) c[i + j] = madd_low(c[i + j], a->n[i], a->n[j]);
        UNROLL for (int j = i + 1; j < LIMBS; j++) c[i + j + 1] = madd_high(c[i + j + 1], a->n[i], a->n[j]);
    }
    UNROLL for (int i = 1; i < 9; i++) c[i] = vec_add(c[i], c[i]);
    UNROLL for (int i = 0; i < LIMBS; i++) {
        c[2 * i] = madd_low(c[2 * i], a->n[i], a->n[i]);
        c[2 * i + 1] = madd_high(c[2 * i + 1], a->n[i], a->n[i]);
    }
}

/*
 * Adds 8p - x - k y for k = 0, 1 or 2 (y may be NULL for 0). No column becomes negative: limbs 0..3 of 8p exceed
 * 3 * 2^52, limb 4 is 2^51 - 8 and exceeds 3 * 2^49. The bias is below 2^55.
 */
INLINE void columns_sub(vec c[10], const fe8 *x, const fe8 *y, const int k) {
    UNROLL for (int i = 0; i < LIMBS; i++) {
        vec less = x->f.n[i];
        if (k >= 1) less = vec_add(less, y->f.n[i]);
        if (k >= 2) less = vec_add(less, y->f.n[i]);
        c[i] = vec_add(c[i], vec_sub(p_limb(i, 3), less));
    }
}

/*
 * Folds columns 5..9 into 0..4 by 2^260 = C16 (mod p), and then what is at or above 2^256 in column 4 into 0 and 1.
 * Column 9 is one or two high halves of products of limbs 4 below 2^51, so below 2^51 + 2^7 after its carry: the
 * multiply-adds see all of it. The word at 2^260 is then below 2^36, and `top` below 2^40 + 2^10.
 * On return columns 0..3 are below 2^59, column 4 is below 2^48.
 */
INLINE void columns_fold(vec c[10]) {
    const vec by = vec_all(FIELD_C16);
    UNROLL for (int i = 5; i < 9; i++) c[i + 1] = vec_add(c[i + 1], _mm512_srli_epi64(c[i], 52));
    UNROLL for (int i = 0; i < LIMBS; i++) c[i] = madd_low(c[i], c[5 + i], by);
    UNROLL for (int i = 0; i < 4; i++) c[i + 1] = madd_high(c[i + 1], c[5 + i], by);
    const vec above = madd_high(vec_zero(), c[9], by);
    const vec top = vec_add(_mm512_srli_epi64(c[4], 48), _mm512_slli_epi64(above, 4));
    c[4] = vec_and(c[4], vec_all(MASK48));
    c[0] = madd_low(c[0], top, vec_all(FIELD_C));
    c[1] = madd_high(c[1], top, vec_all(FIELD_C));
}

/*
 * Carries columns 0..3 upwards, each below 2^59 and above -2^59. With `exact` they are masked: an fe8 if column 4 was
 * below 2^48, for the carry into it is below 2^7. Without, the high bits stay: a factor8.
 */
INLINE void columns_carry(factor8 *r, const vec c[10], const int exact) {
    vec carried = c[0];
    UNROLL for (int i = 0; i < 4; i++) {
        const vec next = vec_add(c[i + 1], _mm512_srai_epi64(carried, 52));
        r->n[i] = exact ? vec_and(carried, vec_all(MASK52)) : carried;
        carried = next;
    }
    r->n[4] = carried;
}

INLINE void product(factor8 *r, const factor8 *a, const factor8 *b, const int exact) {
    vec c[10];
    columns_zero(c);
    columns_add_product(c, a, b);
    columns_fold(c);
    columns_carry(r, c, exact);
}

INLINE void square(factor8 *r, const factor8 *a, const int exact) {
    vec c[10];
    columns_set_square(c, a);
    columns_fold(c);
    columns_carry(r, c, exact);
}

/* r = a b */
INLINE void fe8_mul(fe8 *r, const factor8 *a, const factor8 *b) { product(&r->f, a, b, 1); }
INLINE void factor8_mul(factor8 *r, const factor8 *a, const factor8 *b) { product(r, a, b, 0); }
/* r = a^2 */
INLINE void fe8_sqr(fe8 *r, const factor8 *a) { square(&r->f, a, 1); }
INLINE void factor8_sqr(factor8 *r, const factor8 *a) { square(r, a, 0); }

/* r = a b - x */
INLINE void mul_sub(factor8 *r, const factor8 *a, const factor8 *b, const fe8 *x, const int exact) {
    vec c[10];
    columns_zero(c);
    columns_sub(c, x, NULL, 0);
    columns_add_product(c, a, b);
    columns_fold(c);
    columns_carry(r, c, exact);
}
INLINE void fe8_mul_sub(fe8 *r, const factor8 *a, const factor8 *b, const fe8 *x) { mul_sub(&r->f, a, b, x, 1); }
INLINE void factor8_mul_sub(factor8 *r, const factor8 *a, const factor8 *b, const fe8 *x) { mul_sub(r, a, b, x, 0); }

/* r = a b + d e */
INLINE void fe8_mul_add_mul(fe8 *r, const factor8 *a, const factor8 *b, const factor8 *d, const factor8 *e) {
    vec c[10];
    columns_zero(c);
    columns_add_product(c, a, b);
    columns_add_product(c, d, e);
    columns_fold(c);
    columns_carry(&r->f, c, 1);
}

/* r = a b + d^2 */
INLINE void fe8_mul_add_sqr(fe8 *r, const factor8 *a, const factor8 *b, const factor8 *d) {
    vec c[10];
    columns_set_square(c, d);
    columns_add_product(c, a, b);
    columns_fold(c);
    columns_carry(&r->f, c, 1);
}

/* r = a^2 - x - k y, k = 0, 1, 2 */
INLINE void fe8_sqr_sub(fe8 *r, const factor8 *a, const fe8 *x, const fe8 *y, const int k) {
    vec c[10];
    columns_set_square(c, a);
    columns_sub(c, x, y, k);
    columns_fold(c);
    columns_carry(&r->f, c, 1);
}

/*
 * r = 3/2 a^2. The half of v is v / 2 or (v + p) / 2; v + p is v - C with 2^48 more in column 4, so column 0 may
 * become negative by C / 2 and the carry is signed. Column 4 ends below 2^49 + 2^8: a factor.
 */
INLINE void factor8_sqr_three_halves(factor8 *r, const factor8 *a) {
    vec c[10], t[LIMBS];
    columns_set_square(c, a);
    columns_fold(c);
    const __mmask8 odd = _mm512_test_epi64_mask(c[0], vec_all(1));
    UNROLL for (int i = 0; i < LIMBS; i++) t[i] = c[i];
    t[0] = _mm512_mask_sub_epi64(t[0], odd, t[0], vec_all(FIELD_C));
    t[4] = _mm512_mask_add_epi64(t[4], odd, t[4], vec_all(1ULL << 48));
    UNROLL for (int i = 0; i < LIMBS; i++) {
        c[i] = vec_add(c[i], _mm512_srai_epi64(t[i], 1));
        if (i < 4) c[i] = vec_add(c[i], _mm512_slli_epi64(vec_and(t[i + 1], vec_all(1)), 51));
    }
    columns_carry(r, c, 0);
}

/*
 * r = a - b + 4p, exact limbs; limb 4 lies between 2^50 - 2^49 - 2 and 2^50 + 2^49 + 1: a factor.
 */
INLINE void factor8_sub(factor8 *r, const fe8 *a, const fe8 *b) {
    vec c[10];
    UNROLL for (int i = 0; i < LIMBS; i++) c[i] = vec_sub(a->f.n[i], b->f.n[i]);
    c[0] = vec_sub(c[0], vec_all(4 * FIELD_C));
    c[4] = vec_add(c[4], vec_all(1ULL << 50));
    columns_carry(r, c, 1);
}

/* The same value as exact limbs, of a factor whose limb 4 is below 2^49, as table entries are. */
INLINE void fe8_set_exact(fe8 *r, const factor8 *a) {
    UNROLL for (int i = 0; i < 4; i++) r->f.n[i] = vec_and(a->n[i], vec_all(MASK52));
    r->f.n[4] = a->n[4];
}

/*
 * The canonical value, below p. After the fold it is below 2^256 + 2^36, so at most one p is left: adding C carries
 * into bit 256 exactly then.
 */
INLINE void fe8_normalize(fe8 *r, const factor8 *a) {
    const vec mask = vec_all(MASK52);
    vec t[LIMBS];
    fe8 v;
    UNROLL for (int i = 0; i < 4; i++) v.f.n[i] = vec_and(a->n[i], mask);
    v.f.n[4] = a->n[4];
    v.f.n[0] = madd_low(v.f.n[0], _mm512_srli_epi64(v.f.n[4], 48), vec_all(FIELD_C));
    v.f.n[4] = vec_and(v.f.n[4], vec_all(MASK48));
    UNROLL for (int i = 0; i < 4; i++) {
        v.f.n[i + 1] = vec_add(v.f.n[i + 1], _mm512_srli_epi64(v.f.n[i], 52));
        v.f.n[i] = vec_and(v.f.n[i], mask);
    }
    UNROLL for (int i = 0; i < LIMBS; i++) t[i] = v.f.n[i];
    t[0] = vec_add(t[0], vec_all(FIELD_C));
    UNROLL for (int i = 0; i < 4; i++) {
        t[i + 1] = vec_add(t[i + 1], _mm512_srli_epi64(t[i], 52));
        t[i] = vec_and(t[i], mask);
    }
    const __mmask8 above = _mm512_test_epi64_mask(t[4], vec_all(~MASK48));
    t[4] = vec_and(t[4], vec_all(MASK48));
    UNROLL for (int i = 0; i < LIMBS; i++) r->f.n[i] = _mm512_mask_mov_epi64(v.f.n[i], above, t[i]);
}

/* The lanes of a canonical value that are 0. */
INLINE __mmask8 fe8_is_zero(const fe8 *a) {
    vec any = a->f.n[0];
    UNROLL for (int i = 1; i < LIMBS; i++) any = _mm512_or_si512(any, a->f.n[i]);
    return _mm512_testn_epi64_mask(any, any);
}

/* The lanes of a canonical value that are odd. */
INLINE __mmask8 fe8_is_odd(const fe8 *a) { return _mm512_test_epi64_mask(a->f.n[0], vec_all(1)); }

/* The lanes in which two canonical values are equal. */
INLINE __mmask8 fe8_equal(const fe8 *a, const fe8 *b) {
    __mmask8 same = 0xff;
    UNROLL for (int i = 0; i < LIMBS; i++) same &= _mm512_cmpeq_epi64_mask(a->f.n[i], b->f.n[i]);
    return same;
}

INLINE void fe8_set_small(fe8 *r, uint64_t value) {
    r->f.n[0] = vec_all(value);
    UNROLL for (int i = 1; i < LIMBS; i++) r->f.n[i] = vec_zero();
}

/* Replaces the lanes of `which` by those of `a`. */
INLINE void fe8_replace(fe8 *r, __mmask8 which, const fe8 *a) {
    UNROLL for (int i = 0; i < LIMBS; i++) r->f.n[i] = _mm512_mask_mov_epi64(r->f.n[i], which, a->f.n[i]);
}

/* Splits four words of 64 bits an element into limbs: a factor, for shifts leave high bits. */
INLINE void factor8_from_words(factor8 *r, const vec w[4]) {
    r->n[0] = w[0];
    r->n[1] = _mm512_shrdi_epi64(w[0], w[1], 52);
    r->n[2] = _mm512_shrdi_epi64(w[1], w[2], 40);
    r->n[3] = _mm512_shrdi_epi64(w[2], w[3], 28);
    r->n[4] = _mm512_srli_epi64(w[3], 16);
}

INLINE void fe8_from_words(fe8 *r, const vec w[4]) {
    factor8_from_words(&r->f, w);
    UNROLL for (int i = 0; i < 4; i++) r->f.n[i] = vec_and(r->f.n[i], vec_all(MASK52));
}

/* Joins the limbs of a canonical value into four words of 64 bits. */
INLINE void fe8_to_words(vec w[4], const fe8 *a) {
    const vec *n = a->f.n;
    w[0] = _mm512_or_si512(n[0], _mm512_slli_epi64(n[1], 52));
    w[1] = _mm512_or_si512(_mm512_srli_epi64(n[1], 12), _mm512_slli_epi64(n[2], 40));
    w[2] = _mm512_or_si512(_mm512_srli_epi64(n[2], 24), _mm512_slli_epi64(n[3], 28));
    w[3] = _mm512_or_si512(_mm512_srli_epi64(n[3], 36), _mm512_slli_epi64(n[4], 16));
}

#endif
