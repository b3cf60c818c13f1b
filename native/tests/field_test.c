/*
 * Every function of lanes/field_8x52.h and lanes/roots.h against libsecp256k1's field, on limbs at the ends of what
 * their types allow, with noise above bit 52 of factors, and the bounds that the types promise for results.
 */
#include "support.h"

#include "cpu.h"
#include "lanes/field_8x52.h"
#include "lanes/roots.h"

/* A limb below 2^bits: often an end of the range. */
static uint64_t limb(int bits) {
    const uint64_t mask = (1ULL << bits) - 1;
    switch (random_below(6)) {
        case 0: return 0;
        case 1: return mask;
        case 2: return FIELD_P0 & mask;
        case 3: return mask - random_below(3);
        case 4: return random_below(3);
        default: return random_word() & mask;
    }
}

/* Fills a vector element; `top` bits in limb 4, and noise above the lower limbs of a factor. */
static void fill(factor8 *r, int top, int noise) {
    uint64_t n[LIMBS][LANES];
    for (int l = 0; l < LANES; l++) {
        for (int i = 0; i < 4; i++) n[i][l] = limb(52) | (noise ? random_word() << 52 : 0);
        n[4][l] = limb(top);
    }
    for (int i = 0; i < LIMBS; i++) r->n[i] = _mm512_loadu_si512(n[i]);
}

/* The value of a lane, normalized. */
static fe lane(const factor8 *a, int l) {
    fe r;
    memset(&r, 0, sizeof r);
    for (int i = 0; i < LIMBS; i++) {
        uint64_t n[LANES];
        _mm512_storeu_si512(n, a->n[i]);
        r.n[i] = i < 4 ? n[l] & MASK52 : n[l];
    }
    SECP(fe_normalize_var)(&r);
    return r;
}

/* Compares a lane with an expected value of any magnitude. */
static void expect(const factor8 *a, int l, fe expected, const char *what) {
    fe is = lane(a, l);
    SECP(fe_normalize_var)(&expected);
    check(memcmp(is.n, expected.n, sizeof is.n) == 0, what, (uint64_t)l);
}

/* Limb 4 of any result; with `exact` all limbs as an fe8 promises. */
static void expect_bounds(const factor8 *a, int exact, const char *what) {
    for (int i = 0; i < LIMBS; i++) {
        uint64_t n[LANES];
        _mm512_storeu_si512(n, a->n[i]);
        for (int l = 0; l < LANES; l++) {
            if (i == 4) check(n[l] < 1ULL << (exact ? 49 : 51), what, n[l]);
            else if (exact) check(n[l] <= MASK52, what, n[l]);
        }
    }
}

static fe times(fe a, fe b) {
    fe r;
    SECP(fe_mul)(&r, &a, &b);
    return r;
}

/* a - b, b of magnitude 1. */
static fe minus(fe a, fe b) {
    fe r;
    SECP(fe_negate)(&r, &b, 1);
    SECP(fe_add)(&r, &a);
    SECP(fe_normalize_var)(&r);
    return r;
}

static fe plus(fe a, fe b) {
    SECP(fe_add)(&a, &b);
    SECP(fe_normalize_var)(&a);
    return a;
}

static void test_products(void) {
    factor8 a, b, c, d, p, q, s, ms;
    fe8 x, r, u, v, w, z;
    fill(&a, 51, 1);
    fill(&b, 51, 1);
    fill(&c, 51, 1);
    fill(&d, 51, 1);
    fill(&x.f, 49, 0);
    fe8_mul(&r, &a, &b);
    factor8_mul(&p, &a, &b);
    fe8_sqr(&u, &a);
    factor8_sqr(&q, &a);
    fe8_mul_sub(&v, &a, &b, &x);
    factor8_mul_sub(&ms, &a, &b, &x);
    fe8_mul_add_mul(&w, &a, &b, &c, &d);
    fe8_mul_add_sqr(&z, &a, &b, &c);
    factor8_sqr_three_halves(&s, &a);
    const factor8 *exact[] = {&r.f, &u.f, &v.f, &w.f, &z.f}, *loose[] = {&p, &q, &ms, &s};
    for (int i = 0; i < 5; i++) expect_bounds(exact[i], 1, "bounds of an fe8");
    for (int i = 0; i < 4; i++) expect_bounds(loose[i], 0, "bounds of a factor8");
    for (int l = 0; l < LANES; l++) {
        const fe fa = lane(&a, l), fb = lane(&b, l), fc = lane(&c, l), fd = lane(&d, l), fx = lane(&x.f, l);
        const fe ab = times(fa, fb), aa = times(fa, fa);
        fe half = aa;
        expect(&r.f, l, ab, "fe8_mul");
        expect(&p, l, ab, "factor8_mul");
        expect(&u.f, l, aa, "fe8_sqr");
        expect(&q, l, aa, "factor8_sqr");
        expect(&v.f, l, minus(ab, fx), "fe8_mul_sub");
        expect(&ms, l, minus(ab, fx), "factor8_mul_sub");
        expect(&w.f, l, plus(ab, times(fc, fd)), "fe8_mul_add_mul");
        expect(&z.f, l, plus(ab, times(fc, fc)), "fe8_mul_add_sqr");
        SECP(fe_normalize_var)(&half);
        SECP(fe_half)(&half);
        expect(&s, l, plus(aa, half), "factor8_sqr_three_halves");
    }
}

static void test_differences(void) {
    factor8 a, d;
    fe8 x, y, r[3], n, back, same, other;
    vec words[4];
    fill(&a, 51, 1);
    fill(&x.f, 49, 0);
    fill(&y.f, 49, 0);
    fe8_sqr_sub(&r[0], &a, &x, NULL, 0);
    fe8_sqr_sub(&r[1], &a, &x, &y, 1);
    fe8_sqr_sub(&r[2], &a, &x, &y, 2);
    factor8_sub(&d, &x, &y);
    expect_bounds(&d, 0, "bounds of factor8_sub");
    for (int k = 0; k < 3; k++) expect_bounds(&r[k].f, 1, "bounds of fe8_sqr_sub");
    fe8_normalize(&n, random_below(2) ? &a : &d);
    const factor8 source = n.f;
    fe8_to_words(words, &n);
    fe8_from_words(&back, words);
    fe8_normalize(&same, &x.f);
    other = same;
    fe8_replace(&other, 0x55, &n);
    const __mmask8 zero = fe8_is_zero(&n), odd = fe8_is_odd(&n);
    const __mmask8 equal = fe8_equal(&n, &back), mixed = fe8_equal(&other, &n);
    for (int l = 0; l < LANES; l++) {
        fe expected = minus(times(lane(&a, l), lane(&a, l)), lane(&x.f, l));
        expect(&r[0].f, l, expected, "fe8_sqr_sub 0");
        expected = minus(expected, lane(&y.f, l));
        expect(&r[1].f, l, expected, "fe8_sqr_sub 1");
        expect(&r[2].f, l, minus(expected, lane(&y.f, l)), "fe8_sqr_sub 2");
        expect(&d, l, minus(lane(&x.f, l), lane(&y.f, l)), "factor8_sub");
        fe value = lane(&source, l);
        uint64_t limbs[LANES];
        for (int i = 0; i < LIMBS; i++) {
            _mm512_storeu_si512(limbs, n.f.n[i]);
            check(limbs[l] == value.n[i], "fe8_normalize is canonical", (uint64_t)i);
        }
        check((zero >> l & 1) == SECP(fe_is_zero)(&value), "fe8_is_zero", (uint64_t)l);
        check((odd >> l & 1) == SECP(fe_is_odd)(&value), "fe8_is_odd", (uint64_t)l);
        check(equal >> l & 1, "words and back", (uint64_t)l);
        check(!(l % 2 == 0) || (mixed >> l & 1), "fe8_replace", (uint64_t)l);
    }
}

/* Values at and around 0, p and 2^256 become canonical. */
static void test_edges_of_normalize(void) {
    for (int multiple = 0; multiple <= 4; multiple++) {
        for (int64_t off = -3; off <= 3; off++) {
            if (multiple == 0 && off < 0) continue;
            uint64_t n[LIMBS];
            unsigned __int128 carry = 0;
            for (int i = 0; i < LIMBS; i++) {
                carry += (unsigned __int128)multiple * (i == 0 ? FIELD_P0 : i == 4 ? MASK48 : MASK52);
                n[i] = i == 4 ? (uint64_t)carry : (uint64_t)carry & MASK52;
                carry >>= 52;
            }
            if ((int64_t)n[0] + off < 0 || n[0] + (uint64_t)off > MASK52) continue;
            n[0] += (uint64_t)off;
            factor8 a;
            fe8 r;
            for (int i = 0; i < LIMBS; i++) a.n[i] = vec_all(n[i]);
            fe8_normalize(&r, &a);
            uint64_t low[LANES];
            _mm512_storeu_si512(low, r.f.n[0]);
            const uint64_t canonical = off < 0 ? FIELD_P0 + (uint64_t)off : (uint64_t)off;
            check(low[3] == canonical, "normalize at the edges", (uint64_t)multiple);
            check(fe8_is_zero(&r) == (off == 0 ? 0xff : 0), "zero at the edges", (uint64_t)multiple);
        }
    }
}

static void test_roots(void) {
    fe8 values[ROOTS_TOGETHER], roots[ROOTS_TOGETHER];
    const int count = 1 + (int)random_below(ROOTS_TOGETHER);
    for (int g = 0; g < count; g++) fill(&values[g].f, 49, 0);
    lanes_sqrt(roots, values, count);
    for (int g = 0; g < count; g++) {
        for (int l = 0; l < LANES; l++) {
            fe a = lane(&values[g].f, l), root;
            SECP(fe_sqrt)(&root, &a);
            expect(&roots[g].f, l, root, "lanes_sqrt");
        }
    }
}

static void test_inverses(void) {
    factor8 values[24], inverses[24], scratch[24];
    const size_t count = 4 * (1 + random_below(6));
    for (size_t i = 0; i < count; i++) {
        fill(&values[i], 51, 1);
        /* No lane is 0 but the one that is meant to be. */
        values[i].n[0] = _mm512_or_si512(values[i].n[0], vec_all(2));
        values[i].n[1] = _mm512_or_si512(vec_and(values[i].n[1], vec_all(~4ULL)), vec_all(1));
    }
    const int broken = (int)random_below(12);
    if (broken < LANES) {
        for (int i = 0; i < LIMBS; i++) {
            values[count - 2].n[i] = _mm512_mask_mov_epi64(values[count - 2].n[i], (__mmask8)(1 << broken), vec_zero());
        }
    }
    memcpy(inverses, values, sizeof values);
    const __mmask8 zero = lanes_invert(inverses, scratch, count);
    check(zero == (broken < LANES ? 1 << broken : 0), "lanes_invert names the lane with a zero", zero);
    for (size_t i = 0; i < count; i++) {
        for (int l = 0; l < LANES; l++) {
            if (l == broken) continue;
            fe a = lane(&values[i], l), inverse;
            SECP(fe_inv_var)(&inverse, &a);
            expect(&inverses[i], l, inverse, "lanes_invert");
        }
    }
}

int main(int argc, char **argv) {
    const uint64_t rounds = begin(argc, argv, 20000);
    if (!cpu_has_lanes()) return puts("skipped: no AVX-512 IFMA") < 0;
    for (uint64_t i = 0; i < rounds; i++) {
        test_products();
        test_differences();
        if (i % 64 == 0) test_roots();
        if (i % 64 == 0) test_inverses();
    }
    test_edges_of_normalize();
    return end();
}
