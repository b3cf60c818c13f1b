/*
 * lanes/point_8x52.h and lanes/p_table.h against libsecp256k1's group, with equal and opposite points among them.
 */
#include "lanes_support.h"

#include "cpu.h"
#include "lanes/p_table.h"

/* Jacobian coordinates of `p` with a random Z, in one lane. */
static void set_jacobian(jacobian8 *to, int l, const ge *p) {
    gej j;
    fe z;
    random_fe(&z);
    SECP(gej_set_ge)(&j, p);
    SECP(gej_rescale)(&j, &z);
    lane_set(&to->x.f, l, j.x);
    lane_set(&to->y.f, l, j.y);
    lane_set(&to->z, l, j.z);
}

static void double_negate(jacobian8 *p, int groups) {
    if (groups == 1) jacobian8_double_negate(p, 1);
    else jacobian8_double_negate(p, 2);
}

static void add_negate(jacobian8 *p, const entry8 *q, int groups) {
    if (groups == 1) jacobian8_add_negate(p, q, 1);
    else jacobian8_add_negate(p, q, 2);
}

static void test_jacobian(void) {
    jacobian8 p[GROUPS_TOGETHER], twice[GROUPS_TOGETHER], sum[GROUPS_TOGETHER];
    entry8 q[GROUPS_TOGETHER];
    ge a[GROUPS_TOGETHER][LANES], b[GROUPS_TOGETHER][LANES];
    memset(p, 0, sizeof p);
    memset(q, 0, sizeof q);
    for (int g = 0; g < GROUPS_TOGETHER; g++) {
        for (int l = 0; l < LANES; l++) {
            random_point(&a[g][l]);
            random_point(&b[g][l]);
            const uint32_t kind = random_below(6);
            if (kind <= 1) b[g][l] = a[g][l];
            if (kind == 1) SECP(ge_neg)(&b[g][l], &b[g][l]);
            set_jacobian(&p[g], l, &a[g][l]);
            lane_set(&q[g].x, l, b[g][l].x);
            lane_set(&q[g].y, l, b[g][l].y);
        }
    }
    const int groups = 1 + (int)random_below(GROUPS_TOGETHER);
    memcpy(twice, p, sizeof p);
    memcpy(sum, p, sizeof p);
    double_negate(twice, groups);
    add_negate(sum, q, groups);
    for (int g = 0; g < groups; g++) {
        for (int l = 0; l < LANES; l++) {
            gej expected, is = jacobian_get(&twice[g], l);
            SECP(gej_set_ge)(&expected, &a[g][l]);
            SECP(gej_double_var)(&expected, &expected, NULL);
            SECP(gej_neg)(&expected, &expected);
            check(same_point(&is, &expected), "doubling", (uint64_t)l);
            SECP(gej_set_ge)(&expected, &a[g][l]);
            SECP(gej_add_ge_var)(&expected, &expected, &b[g][l], NULL);
            SECP(gej_neg)(&expected, &expected);
            is = jacobian_get(&sum[g], l);
            if (SECP(fe_equal)(&a[g][l].x, &b[g][l].x)) check(is.infinity, "equal x makes Z = 0", (uint64_t)l);
            else check(same_point(&is, &expected), "addition", (uint64_t)l);
        }
    }
    /* Z = 0 stays 0, through whatever follows; other lanes stay what they are. */
    __mmask8 before[GROUPS_TOGETHER];
    fe8 z;
    for (int g = 0; g < groups; g++) {
        fe8_normalize(&z, &sum[g].z);
        before[g] = fe8_is_zero(&z);
    }
    double_negate(sum, groups);
    for (int g = 0; g < groups; g++) {
        for (int l = 0; l < LANES; l++) {
            ge other;
            random_point(&other);
            lane_set(&q[g].x, l, other.x);
            lane_set(&q[g].y, l, other.y);
        }
    }
    add_negate(sum, q, groups);
    for (int g = 0; g < groups; g++) {
        fe8_normalize(&z, &sum[g].z);
        check(fe8_is_zero(&z) == before[g], "Z = 0 stays, and only that", before[g]);
    }
}

/* i P or i lambda P, as the table should hold it. */
static void expect_entry(const uint64_t x[4], const uint64_t y[4], const ge *p, uint32_t i, int lambda, int negative) {
    scalar k;
    gej j;
    ge r;
    SECP(ge_storage) words;
    SECP(scalar_set_int)(&k, i);
    if (lambda) SECP(scalar_mul)(&k, &k, &SECP(const_lambda));
    if (negative) SECP(scalar_negate)(&k, &k);
    SECP(gej_set_ge)(&j, p);
    SECP(ecmult)(&j, &j, &k, NULL);
    SECP(ge_set_gej_var)(&r, &j);
    SECP(ge_to_storage)(&words, &r);
    check(memcmp(words.x.n, x, 32) == 0 && memcmp(words.y.n, y, 32) == 0, "table of P", i);
}

static void test_tables(void) {
    static p_table tables[GROUPS_MAX];
    static lanes_input inputs[GROUPS_MAX];
    static p_scratch scratch;
    static ge points[GROUPS_MAX][LANES];
    const int groups = 1 + (int)random_below(GROUPS_MAX);
    for (int g = 0; g < groups; g++) {
        for (int l = 0; l < LANES; l++) {
            scalar d;
            SECP(ge_storage) words;
            SECP(scalar_set_int)(&d, 1 + random_below(40));
            if (random_below(2)) scalar_random(&d);
            if (random_below(4) == 0) SECP(scalar_mul)(&d, &d, &SECP(const_lambda));
            if (random_below(2)) SECP(scalar_negate)(&d, &d);
            multiply_g(&points[g][l], &d);
            SECP(ge_to_storage)(&words, &points[g][l]);
            for (int k = 0; k < 4; k++) {
                inputs[g].x[k][l] = words.x.n[k];
                inputs[g].y[k][l] = words.y.n[k];
            }
        }
    }
    check(p_tables_make(tables, inputs, groups, &scratch) == 0, "no denominator is 0", 0);
    for (int g = 0; g < groups; g++) {
        const int l = (int)random_below(LANES);
        for (uint32_t i = 0; i < P_ENTRIES; i++) {
            for (int lambda = 0; lambda < 2; lambda++) {
                for (int negative = 0; negative < 2; negative++) {
                    const uint64_t *x = tables[g].x[lambda][i][l], *y = tables[g].y[negative][i][l];
                    expect_entry(x, y, &points[g][l], 2 * i + 1, lambda, negative);
                }
            }
        }
    }
}

int main(int argc, char **argv) {
    const uint64_t rounds = begin(argc, argv, 400);
    if (!cpu_has_lanes()) return puts("skipped: no AVX-512 IFMA") < 0;
    for (uint64_t i = 0; i < rounds; i++) {
        test_jacobian();
        if (i % 8 == 0) test_tables();
    }
    return end();
}
