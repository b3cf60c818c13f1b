/*
 * Points of the curve y^2 = x^3 + 7 in eight lanes: formulas for one or two groups of eight at once, since one group
 * alone leaves the multipliers waiting. Inline functions without state.
 *
 * Doubling and addition return the negative of their result: then y is a plain sum of products. The caller counts.
 * Jacobian coordinates: x = X / Z^2, y = Y / Z^3; Z = 0 is the point at infinity or a broken addition, and stays 0.
 */
#ifndef SLUICE_LANES_POINT_H
#define SLUICE_LANES_POINT_H

#include "lanes/field_8x52.h"

/** Groups that are worked on together at most. */
#define GROUPS_TOGETHER 2
/** Affine additions that are worked on together. */
#define SUMS_TOGETHER 4

typedef struct {
    fe8 x, y;
} affine8;
/** Operands only: what table look-ups give. */
typedef struct {
    factor8 x, y;
} entry8;
typedef struct {
    fe8 x, y;
    factor8 z;
} jacobian8;

/*
 * p = -2p. With S = Y^2, T = X S and L = 3/2 X^2: X' = L^2 - 2T, Y' = L (X' - T) + S^2, Z' = Y Z.
 * There is no point with y = 0, so Z stays what it is in kind: 0 or not 0.
 */
INLINE void jacobian8_double_negate(jacobian8 *p, const int groups) {
    factor8 s[GROUPS_TOGETHER], l[GROUPS_TOGETHER], w[GROUPS_TOGETHER];
    fe8 t[GROUPS_TOGETHER];
    UNROLL for (int g = 0; g < groups; g++) factor8_sqr(&s[g], &p[g].y.f);
    UNROLL for (int g = 0; g < groups; g++) factor8_sqr_three_halves(&l[g], &p[g].x.f);
    UNROLL for (int g = 0; g < groups; g++) fe8_mul(&t[g], &p[g].x.f, &s[g]);
    UNROLL for (int g = 0; g < groups; g++) factor8_mul(&p[g].z, &p[g].y.f, &p[g].z);
    UNROLL for (int g = 0; g < groups; g++) fe8_sqr_sub(&p[g].x, &l[g], &t[g], &t[g], 1);
    UNROLL for (int g = 0; g < groups; g++) factor8_sub(&w[g], &p[g].x, &t[g]);
    UNROLL for (int g = 0; g < groups; g++) fe8_mul_add_sqr(&p[g].y, &l[g], &w[g], &s[g]);
}

/*
 * p = -(p + q), q affine. With H = x Z^2 - X, R = y Z^3 - Y and V = X H^2: X' = R^2 - H^3 - 2V,
 * Y' = R (X' - V) + Y H^3, Z' = Z H. If p = q or p = -q then H = 0, so Z' = 0: broken, and Z tells.
 */
INLINE void jacobian8_add_negate(jacobian8 *p, const entry8 *q, const int groups) {
    factor8 zz[GROUPS_TOGETHER], zzz[GROUPS_TOGETHER], h[GROUPS_TOGETHER], hh[GROUPS_TOGETHER];
    factor8 r[GROUPS_TOGETHER], w[GROUPS_TOGETHER];
    fe8 v[GROUPS_TOGETHER], hhh[GROUPS_TOGETHER];
    UNROLL for (int g = 0; g < groups; g++) factor8_sqr(&zz[g], &p[g].z);
    UNROLL for (int g = 0; g < groups; g++) factor8_mul_sub(&h[g], &q[g].x, &zz[g], &p[g].x);
    UNROLL for (int g = 0; g < groups; g++) factor8_mul(&zzz[g], &p[g].z, &zz[g]);
    UNROLL for (int g = 0; g < groups; g++) factor8_sqr(&hh[g], &h[g]);
    UNROLL for (int g = 0; g < groups; g++) factor8_mul_sub(&r[g], &q[g].y, &zzz[g], &p[g].y);
    UNROLL for (int g = 0; g < groups; g++) fe8_mul(&v[g], &p[g].x.f, &hh[g]);
    UNROLL for (int g = 0; g < groups; g++) fe8_mul(&hhh[g], &h[g], &hh[g]);
    UNROLL for (int g = 0; g < groups; g++) factor8_mul(&p[g].z, &p[g].z, &h[g]);
    UNROLL for (int g = 0; g < groups; g++) fe8_sqr_sub(&p[g].x, &r[g], &hhh[g], &v[g], 2);
    UNROLL for (int g = 0; g < groups; g++) factor8_sub(&w[g], &p[g].x, &v[g]);
    UNROLL for (int g = 0; g < groups; g++) fe8_mul_add_mul(&p[g].y, &r[g], &w[g], &p[g].y.f, &hhh[g].f);
}

/** An affine sum to be made: *sum = *a + *b, where `inverse` is 1 / (b.x - a.x). `sum` may be neither a nor b. */
typedef struct {
    affine8 *sum;
    const affine8 *a, *b;
    const factor8 *inverse;
} affine_sum;

/* Makes SUMS_TOGETHER sums: l = (b.y - a.y) / (b.x - a.x), x = l^2 - a.x - b.x, y = l (a.x - x) - a.y. */
INLINE void affine8_add(const affine_sum *sums) {
    factor8 t[SUMS_TOGETHER], l[SUMS_TOGETHER];
    UNROLL for (int i = 0; i < SUMS_TOGETHER; i++) factor8_sub(&t[i], &sums[i].b->y, &sums[i].a->y);
    UNROLL for (int i = 0; i < SUMS_TOGETHER; i++) factor8_mul(&l[i], &t[i], sums[i].inverse);
    UNROLL for (int i = 0; i < SUMS_TOGETHER; i++) fe8_sqr_sub(&sums[i].sum->x, &l[i], &sums[i].a->x, &sums[i].b->x, 1);
    UNROLL for (int i = 0; i < SUMS_TOGETHER; i++) factor8_sub(&t[i], &sums[i].a->x, &sums[i].sum->x);
    UNROLL for (int i = 0; i < SUMS_TOGETHER; i++) fe8_mul_sub(&sums[i].sum->y, &l[i], &t[i], &sums[i].a->y);
}

/* *r = 2 *a, where `inverse` is 1 / a.y: l = 3/2 x^2 / y, x' = l^2 - 2x, y' = l (x - x') - y. `r` may be `a`. */
INLINE void affine8_double(affine8 *r, const affine8 *a, const factor8 *inverse) {
    factor8 l, t;
    affine8 d;
    factor8_sqr_three_halves(&l, &a->x.f);
    factor8_mul(&l, &l, inverse);
    fe8_sqr_sub(&d.x, &l, &a->x, &a->x, 1);
    factor8_sub(&t, &a->x, &d.x);
    fe8_mul_sub(&d.y, &l, &t, &a->y);
    *r = d;
}

#endif
