/*
 * lanes/recode.h, lanes/g_table.h and lanes/walk.h: the words of scalars and the tables hold what they should, and
 * s G - e P is libsecp256k1's, for patterns that reach both ends of every window, and where points meet on the way.
 */
#include "lanes_support.h"

#include "cpu.h"
#include "lanes/g_table.h"
#include "lanes/walk.h"

static lanes_input inputs[GROUPS_TOGETHER];
static p_table tables[GROUPS_TOGETHER];
static p_scratch scratch;

/* The sum of w[i] 2^(64 i) as a scalar. */
static void from_words(scalar *r, const uint64_t *w, int count) {
    uint8_t bytes[32] = {0};
    for (int i = 0; i < count; i++) {
        for (int b = 0; b < 8; b++) bytes[31 - 8 * i - b] = (uint8_t)(w[i] >> 8 * b);
    }
    SECP(scalar_set_b32)(r, bytes, NULL);
}

static void power_of_two(scalar *r, int exponent) {
    SECP(scalar_set_int)(r, 1);
    for (int i = 0; i < exponent; i++) SECP(scalar_add)(r, r, r);
}

/* 2 v + 1 - 2^bits: what the digits of v sum to. */
static void digits_sum(scalar *r, const uint64_t *v, int count, int bits) {
    scalar t;
    from_words(r, v, count);
    SECP(scalar_add)(r, r, r);
    SECP(scalar_add)(r, r, &SECP(scalar_one));
    power_of_two(&t, bits);
    SECP(scalar_negate)(&t, &t);
    SECP(scalar_add)(r, r, &t);
}

static void set_key(int g, int l, const ge *p) {
    SECP(ge_storage) words;
    SECP(ge_to_storage)(&words, p);
    for (int k = 0; k < 4; k++) {
        inputs[g].x[k][l] = words.x.n[k];
        inputs[g].y[k][l] = words.y.n[k];
    }
}

static void column(uint64_t *to, const uint64_t (*rows)[LANES], int l, int count) {
    for (int i = 0; i < count; i++) to[i] = rows[i][l];
}

/* The words of one lane sum to s and -e, and stay inside their windows. */
static void check_words(int g, int l, const scalar *s, const scalar *e) {
    uint64_t v[4], a[3], b[3];
    scalar sum, half;
    column(v, (const uint64_t (*)[LANES])inputs[g].g, l, 4);
    column(a, (const uint64_t (*)[LANES])inputs[g].p[0], l, 3);
    column(b, (const uint64_t (*)[LANES])inputs[g].p[1], l, 3);
    digits_sum(&sum, v, 4, 260);
    check(SECP(scalar_eq)(&sum, s), "words of s", (uint64_t)l);
    check(a[2] >= 1 && a[2] <= 2 && b[2] >= 1 && b[2] <= 2, "halves of e lie between 2^128 and 3 * 2^128", a[2]);
    digits_sum(&sum, a, 3, 130);
    digits_sum(&half, b, 3, 130);
    SECP(scalar_mul)(&half, &half, &SECP(const_lambda));
    SECP(scalar_add)(&sum, &sum, &half);
    SECP(scalar_add)(&sum, &sum, e);
    check(SECP(scalar_is_zero)(&sum), "words of e", (uint64_t)l);
}

/* Lanes with Z = 0: sums that are infinity, and those that broke on the way. */
typedef struct {
    int infinite, broken;
} zeros;

/* Walks `groups` and compares each lane with libsecp256k1. */
static zeros walk_and_compare(int groups, scalar s[][LANES], scalar e[][LANES], ge p[][LANES]) {
    jacobian8 sums[GROUPS_TOGETHER];
    zeros found = {0, 0};
    check(p_tables_make(tables, inputs, groups, &scratch) == 0, "tables", 0);
    const int negated = lanes_walk(sums, inputs, tables, g_tables_get(), groups);
    for (int g = 0; g < groups; g++) {
        for (int l = 0; l < LANES; l++) {
            gej expected, is = jacobian_get(&sums[g], l);
            scalar minus;
            SECP(scalar_negate)(&minus, &e[g][l]);
            SECP(gej_set_ge)(&expected, &p[g][l]);
            SECP(ecmult)(&expected, &expected, &minus, &s[g][l]);
            if (negated) SECP(gej_neg)(&expected, &expected);
            if (SECP(gej_is_infinity)(&expected)) {
                check(is.infinity, "infinity shows as Z = 0", (uint64_t)l);
                found.infinite++;
            } else if (is.infinity) found.broken++;
            else check(same_point(&is, &expected), "s G - e P", (uint64_t)l);
        }
    }
    return found;
}

static void test_patterns(void) {
    scalar s[GROUPS_TOGETHER][LANES], e[GROUPS_TOGETHER][LANES];
    ge p[GROUPS_TOGETHER][LANES];
    const int groups = 1 + (int)random_below(GROUPS_TOGETHER);
    int aimed = 0;
    for (int g = 0; g < groups; g++) {
        for (int l = 0; l < LANES; l++) {
            uint8_t bytes[2][32];
            scalar d;
            scalar_random(&d);
            scalar_pattern(&s[g][l]);
            scalar_pattern(&e[g][l]);
            if (random_below(8) == 0) {
                /* R at infinity, or a key that is a small multiple of G or lambda G. */
                SECP(scalar_mul)(&s[g][l], &e[g][l], &d);
            } else if (random_below(4) == 0) {
                SECP(scalar_set_int)(&d, 1 + random_below(64));
                if (random_below(2)) SECP(scalar_mul)(&d, &d, &SECP(const_lambda));
                aimed = 1;
            }
            multiply_g(&p[g][l], &d);
            set_key(g, l, &p[g][l]);
            SECP(scalar_get_b32)(bytes[0], &s[g][l]);
            SECP(scalar_get_b32)(bytes[1], &e[g][l]);
            lanes_recode_scalars(&inputs[g], l, bytes[0], bytes[1]);
            check_words(g, l, &s[g][l], &e[g][l]);
        }
    }
    const zeros found = walk_and_compare(groups, s, e, p);
    check(aimed || found.broken == 0, "points meet only when somebody aims", (uint64_t)found.broken);
}

/* What the digits from `position` on sum to, in units of 2^position. */
static void prefix_sum(scalar *r, const uint64_t *v, int count, int bits, int position) {
    uint64_t w[4] = {0};
    for (int i = 0; i < count; i++) {
        const int k = i + position / 64;
        const uint64_t low = k < count ? v[k] : 0, high = k + 1 < count ? v[k + 1] : 0;
        w[i] = position % 64 == 0 ? low : low >> position % 64 | high << (64 - position % 64);
    }
    if (bits == position) SECP(scalar_set_int)(r, 0);
    else digits_sum(r, w, 4, bits - position);
}

/* The words of one lane: v in its halves of 130 bits, a and b. */
typedef struct {
    uint64_t v[2][4], a[3], b[3];
} lane_words;

static lane_words words_of(int l) {
    lane_words w;
    uint64_t v[4];
    memset(&w, 0, sizeof w);
    column(v, (const uint64_t (*)[LANES])inputs[0].g, l, 4);
    column(w.a, (const uint64_t (*)[LANES])inputs[0].p[0], l, 3);
    column(w.b, (const uint64_t (*)[LANES])inputs[0].p[1], l, 3);
    for (int i = 0; i < 256; i++) {
        const int half = i >= 130, j = i - 130 * half;
        w.v[half][j / 64] |= (v[i / 64] >> i % 64 & 1) << j % 64;
    }
    return w;
}

/* What has been added of G before the entry of `half` at `position`, and that entry, both as multiples of G. */
static void g_before(scalar *before, scalar *entry, const lane_words *w, int position, int half) {
    scalar higher[2], here[2], two130, two13;
    power_of_two(&two130, 130);
    power_of_two(&two13, G_WINDOW_BITS);
    for (int i = 0; i < 2; i++) {
        prefix_sum(&higher[i], w->v[i], 3, 130, position + G_WINDOW_BITS);
        prefix_sum(&here[i], w->v[i], 3, 130, position);
        SECP(scalar_mul)(&higher[i], &higher[i], &two13);
        if (i == 0) continue;
        SECP(scalar_mul)(&higher[i], &higher[i], &two130);
        SECP(scalar_mul)(&here[i], &here[i], &two130);
    }
    SECP(scalar_negate)(entry, &higher[half]);
    SECP(scalar_add)(entry, entry, &here[half]);
    SECP(scalar_add)(before, half == 0 ? &higher[0] : &here[0], &higher[1]);
}

/* What has been added of P at `position`, as a multiple of P: the digits above, doubled down to here. */
static void p_before(scalar *r, const lane_words *w, int position) {
    const int window = (position + P_WINDOW_BITS - 1) / P_WINDOW_BITS * P_WINDOW_BITS;
    scalar lambda_part;
    prefix_sum(r, w->a, 3, 130, window);
    prefix_sum(&lambda_part, w->b, 3, 130, window);
    SECP(scalar_mul)(&lambda_part, &lambda_part, &SECP(const_lambda));
    SECP(scalar_add)(r, r, &lambda_part);
    power_of_two(&lambda_part, window - position);
    SECP(scalar_mul)(r, r, &lambda_part);
}

/*
 * Chooses the key so that the sum meets plus or minus the entry that is added next, at a chosen window of G: the key is
 * t G with t (P so far) + (G so far) = +-(entry). Every such lane must show Z = 0.
 */
static void test_meetings(void) {
    scalar s[GROUPS_TOGETHER][LANES], e[GROUPS_TOGETHER][LANES];
    ge p[GROUPS_TOGETHER][LANES];
    for (int l = 0; l < LANES; l++) {
        const int position = G_WINDOW_BITS * (int)random_below(G_WINDOWS);
        uint8_t bytes[2][32];
        scalar t, before, entry;
        scalar_random(&s[0][l]);
        scalar_random(&e[0][l]);
        SECP(scalar_get_b32)(bytes[0], &s[0][l]);
        SECP(scalar_get_b32)(bytes[1], &e[0][l]);
        lanes_recode_scalars(&inputs[0], l, bytes[0], bytes[1]);
        const lane_words w = words_of(l);
        g_before(&before, &entry, &w, position, (int)random_below(2));
        if (random_below(2)) SECP(scalar_negate)(&entry, &entry);
        SECP(scalar_negate)(&before, &before);
        SECP(scalar_add)(&entry, &entry, &before);
        p_before(&t, &w, position);
        SECP(scalar_inverse_var)(&t, &t);
        SECP(scalar_mul)(&t, &t, &entry);
        multiply_g(&p[0][l], &t);
        set_key(0, l, &p[0][l]);
    }
    const zeros found = walk_and_compare(1, s, e, p);
    check(found.infinite + found.broken == LANES, "points that meet show as Z = 0", (uint64_t)found.broken);
}

static void test_g_tables(void) {
    const g_tables *g = g_tables_get();
    check(g != NULL && g == g_tables_get(), "one set of tables", 0);
    for (int t = 0; t < 2; t++) {
        for (uint32_t i = 0; i < G_ENTRIES; i += 1 + (i > 20 && i < G_ENTRIES - 20 ? random_below(40) : 0)) {
            scalar k, two130;
            ge p;
            SECP(ge_storage) words;
            SECP(scalar_set_int)(&k, 2 * i + 1);
            power_of_two(&two130, 130);
            if (t == 1) SECP(scalar_mul)(&k, &k, &two130);
            multiply_g(&p, &k);
            SECP(ge_to_storage)(&words, &p);
            check(memcmp(&words, (*g)[t][i].words, 64) == 0, "table of G", i);
        }
    }
    for (int t = 0; t < 2; t++) {
        for (uint32_t i = 0; i < G_ENTRIES; i++) check(((*g)[t][i].words[4] & MASK52) <= FIELD_P0, "limb 0 of y", i);
    }
}

int main(int argc, char **argv) {
    const uint64_t rounds = begin(argc, argv, 2000);
    if (!cpu_has_lanes()) return puts("skipped: no AVX-512 IFMA") < 0;
    test_g_tables();
    for (uint64_t i = 0; i < rounds; i++) {
        test_patterns();
        if (i % 4 == 0) test_meetings();
    }
    return end();
}
