/*
 * Moves field elements and points between libsecp256k1 and lanes, for the tests of lanes/.
 */
#ifndef SLUICE_TESTS_LANES_SUPPORT_H
#define SLUICE_TESTS_LANES_SUPPORT_H

#include "lanes/point_8x52.h"
#include "support.h"

/* Sets one lane to a field element of any magnitude. */
static void lane_set(factor8 *a, int l, fe value) {
    SECP(fe_normalize_var)(&value);
    for (int i = 0; i < LIMBS; i++) {
        uint64_t n[LANES];
        _mm512_storeu_si512(n, a->n[i]);
        n[l] = value.n[i];
        a->n[i] = _mm512_loadu_si512(n);
    }
}

static fe lane_get(const factor8 *a, int l) {
    fe r;
    fe8 exact;
    memset(&r, 0, sizeof r);
    fe8_normalize(&exact, a);
    for (int i = 0; i < LIMBS; i++) {
        uint64_t n[LANES];
        _mm512_storeu_si512(n, exact.f.n[i]);
        r.n[i] = n[l];
    }
    SECP(fe_normalize_var)(&r);
    return r;
}

/* The point of a lane in libsecp256k1's form, which marks infinity apart. */
static gej jacobian_get(const jacobian8 *p, int l) {
    gej r;
    r.x = lane_get(&p->x.f, l);
    r.y = lane_get(&p->y.f, l);
    r.z = lane_get(&p->z, l);
    r.infinity = SECP(fe_is_zero)(&r.z);
    return r;
}

/* Whether two points are equal; both may be infinity. */
static int same_point(const gej *a, const gej *b) {
    return SECP(gej_eq_var)(a, b);
}

static void random_point(ge *p) {
    scalar d;
    scalar_random(&d);
    multiply_g(p, &d);
}

static void random_fe(fe *r) {
    uint8_t bytes[32];
    random_bytes(bytes, 32);
    SECP(fe_set_b32_mod)(r, bytes);
    SECP(fe_normalize_var)(r);
}

#endif
