/*
 * Edge cases by construction, through every tier of the exported interface: each verdict must be libsecp256k1's, and
 * valid items must cause no second decision but where the test makes the fast path fail on purpose.
 * A challenge e = 0 cannot be made: it is a preimage of SHA-256. tests/walk_test.c walks with such scalars instead.
 */
#include "support.h"

#include "cpu.h"
#include "item_range.h"
#include "lanes/recode.h"

#define ITEMS 128

static const uint32_t TIERS[] = {SLUICE_TIER_NATIVE, SLUICE_TIER_BATCH, SLUICE_TIER_LANES};
static uint8_t items[ITEMS * SLUICE_ITEM_BYTES];

static uint8_t *item(int i) { return items + i * SLUICE_ITEM_BYTES; }

static void all_valid(void) {
    for (int i = 0; i < ITEMS; i++) item_random(item(i));
}

/* Runs all tiers and compares with libsecp256k1. `clean`: no valid item may need a second decision by lanes. */
static sluice_counters_t run(const char *what, int count, int clean) {
    sluice_counters_t counters = {0};
    uint8_t expected[ITEMS], verdicts[ITEMS];
    sluice_context *reference = sluice_open(SLUICE_TIER_REFERENCE);
    sluice_verify(reference, items, (uint32_t)count, expected);
    sluice_close(reference);
    for (size_t t = 0; t < sizeof TIERS / sizeof *TIERS; t++) {
        sluice_context *context = sluice_open(TIERS[t]);
        if (context == NULL) continue;
        for (int again = 0; again < 2; again++) {
            memset(verdicts, 7, sizeof verdicts);
            sluice_verify(context, items, (uint32_t)count, verdicts);
            check(memcmp(expected, verdicts, (size_t)count) == 0, what, TIERS[t]);
        }
        sluice_counters(context, &counters);
        check(counters.verified == 2 * (uint64_t)count, "every item is counted", TIERS[t]);
        const uint64_t needless = counters.second_decisions_valid;
        const int all_valid = memchr(expected, 0, (size_t)count) == NULL;
        check(!clean || TIERS[t] == SLUICE_TIER_BATCH || needless == 0, "needless second decisions", needless);
        check(!clean || !all_valid || counters.second_decisions == 0, "all were valid", needless);
        sluice_close(context);
    }
    return counters;
}

static void test_sizes(void) {
    all_valid();
    for (int count = 0; count <= 40; count++) run("valid", count, 1);
    run("valid", ITEMS, 1);
}

/* Keys and nonces that are small multiples of G or of lambda G, or close to n. */
static void test_small_secrets(void) {
    for (int i = 0; i < ITEMS; i++) {
        scalar d, k;
        SECP(scalar_set_int)(&d, 1 + (unsigned)i / 2);
        scalar_random(&k);
        if (i % 2 == 0) SECP(scalar_set_int)(&k, 1 + random_below(40));
        if (i % 3 == 0) SECP(scalar_mul)(&d, &d, &SECP(const_lambda));
        if (i % 5 == 0) SECP(scalar_negate)(&d, &d);
        item_make(item(i), d, k);
    }
    run("small multiples of G", ITEMS, 1);
}

/* p, n and 0, and their neighbours, as key, r and s; keys and r that are no point. */
static void test_ranges(void) {
    for (int part = 1; part <= 3; part++) {
        all_valid();
        for (int i = 0; i < 60; i++) {
            uint8_t *bytes = item(i * 2) + 32 * part;
            fe x;
            scalar n;
            if (i < 20) {
                memset(bytes, 0xff, 32);
                bytes[27] = 0xfe;
                bytes[30] = 0xfc;
                bytes[31] = (uint8_t)(0x2f + i - 10);
            } else if (i < 40) {
                SECP(scalar_set_int)(&n, 1);
                SECP(scalar_negate)(&n, &n);
                SECP(scalar_get_b32)(bytes, &n);
                bytes[31] = (uint8_t)(bytes[31] + i - 30);
            } else if (i < 50) {
                memset(bytes, i < 45 ? 0 : 0xff, 32);
                bytes[31] = (uint8_t)(bytes[31] + (i < 45 ? i - 40 : 0));
            } else {
                ge p;
                do {
                    random_bytes(bytes, 32);
                } while (!SECP(fe_set_b32_limit)(&x, bytes) || SECP(ge_set_xo_var)(&p, &x, 0));
            }
        }
        run("ranges of key, r and s", ITEMS, 1);
    }
}

/* The bound itself, its neighbours on both sides, and the extremes, in each of the three places. */
static void test_item_in_range(void) {
    static const int places[] = {32, 64, 96};
    for (int place = 0; place < 3; place++) {
        for (int off = -2; off <= 2; off++) {
            uint8_t at[SLUICE_ITEM_BYTES] = {0};
            uint8_t *bytes = at + places[place];
            scalar n;
            if (place < 2) {
                memset(bytes, 0xff, 32);
                bytes[27] = 0xfe;
                bytes[30] = 0xfc;
                bytes[31] = 0x2e;
            } else {
                SECP(scalar_set_int)(&n, 1);
                SECP(scalar_negate)(&n, &n);
                SECP(scalar_get_b32)(bytes, &n);
            }
            /* These are p - 1 and n - 1. */
            bytes[31] = (uint8_t)(bytes[31] + 1 + off);
            check(item_in_range(at) == (off < 0), "the bounds of an item", (uint64_t)place);
        }
        uint8_t at[SLUICE_ITEM_BYTES] = {0};
        check(item_in_range(at), "zeros are in range", (uint64_t)place);
        memset(at + places[place], 0xff, 32);
        check(!item_in_range(at), "ones are not in range", (uint64_t)place);
    }
}

/* s = e d makes R infinite; s = e d - k makes its y odd; both with a plausible r. */
static void test_nonces(void) {
    all_valid();
    for (int i = 0; i < ITEMS; i += 2) {
        scalar d, k, e;
        uint8_t *at = item(i);
        scalar_random(&d);
        scalar_random(&k);
        even_key(&d, at + SLUICE_KEY_OFFSET);
        even_key(&k, at + SLUICE_SIGNATURE_OFFSET);
        item_challenge(&e, at);
        SECP(scalar_mul)(&e, &e, &d);
        SECP(scalar_negate)(&k, &k);
        if (i % 4 == 0) SECP(scalar_add)(&e, &e, &k);
        SECP(scalar_get_b32)(at + SLUICE_SIGNATURE_OFFSET + 32, &e);
    }
    run("R infinite or with odd y", ITEMS, 1);
}

/*
 * A valid signature on which the walk must fail: its last addition doubles. The nonce is twice the entry that is
 * added last, 2 D 2^130 G for a digit D, and messages are tried until that window of s is D's. Such a walk ends at
 * X = Y = Z = 0, so every other item claims r = 0, which a verifier that overlooks Z = 0 would accept.
 */
static void test_last_addition_doubles(void) {
    /* The items are made with a function of the lanes. */
    if (!cpu_has_lanes()) return;
    all_valid();
    for (int i = 3; i < ITEMS; i += 17) {
        lanes_input *words = aligned_alloc(64, sizeof *words);
        scalar d, k;
        uint8_t *at = item(i);
        uint32_t window, digit;
        scalar_random(&d);
        even_key(&d, at + SLUICE_KEY_OFFSET);
        do {
            digit = 2 * random_below(1 << (G_WINDOW_BITS - 1)) + 1;
            SECP(scalar_set_int)(&k, digit);
            for (int j = 0; j < 131; j++) SECP(scalar_add)(&k, &k, &k);
        } while (even_key(&k, at + SLUICE_SIGNATURE_OFFSET));
        if (i % 2 == 0) memset(at + SLUICE_SIGNATURE_OFFSET, 0, 32);
        do {
            uint8_t e_bytes[32];
            scalar e;
            random_bytes(at, 32);
            item_sign(at, &d, &k);
            item_challenge(&e, at);
            SECP(scalar_get_b32)(e_bytes, &e);
            lanes_recode_scalars(words, 0, at + SLUICE_SIGNATURE_OFFSET + 32, e_bytes);
            /* The window at bit 130, the lowest one of the upper half, is the last to be added. */
            window = (uint32_t)(words->g[2][0] >> 2) & ((1 << G_WINDOW_BITS) - 1);
        } while (2 * (int64_t)window + 1 - (1 << G_WINDOW_BITS) != (int64_t)digit);
        free(words);
    }
    const sluice_counters_t counters = run("the last addition doubles", ITEMS, 0);
    if (sluice_tiers() >> SLUICE_TIER_LANES & 1) {
        check(counters.second_decisions == 2 * 8, "the walk fails and says so", counters.second_decisions);
        check(counters.second_decisions_valid == 2 * 4, "only true r are valid", counters.second_decisions_valid);
    }
}

/* One spoiled item anywhere spoils no other, and costs few second decisions. */
static void test_one_spoiled(void) {
    all_valid();
    for (int i = 0; i < ITEMS; i += 13) {
        item(i)[5] ^= 16;
        run("one spoiled item", ITEMS, 1);
        item(i)[5] ^= 16;
    }
}

/* A flood of invalid items ends the fast path; valid items bring it back. */
static void test_flood(void) {
    uint8_t verdicts[ITEMS];
    for (size_t t = 1; t < sizeof TIERS / sizeof *TIERS; t++) {
        sluice_context *context = sluice_open(TIERS[t]);
        sluice_counters_t before, after;
        if (context == NULL) continue;
        all_valid();
        for (int i = 0; i < ITEMS; i++) item(i)[96] ^= 1;
        for (int calls = 0; calls < 70; calls++) sluice_verify(context, items, ITEMS, verdicts);
        sluice_counters(context, &before);
        for (int calls = 0; calls < 5; calls++) sluice_verify(context, items, ITEMS, verdicts);
        sluice_counters(context, &after);
        check(after.fast_path_skipped - before.fast_path_skipped == 5 * ITEMS, "a flood is decided plainly", TIERS[t]);
        check(memchr(verdicts, 1, ITEMS) == NULL, "a flood is refused", TIERS[t]);
        for (int i = 0; i < ITEMS; i++) item(i)[96] ^= 1;
        for (int calls = 0; calls < 30; calls++) sluice_verify(context, items, ITEMS, verdicts);
        sluice_counters(context, &before);
        sluice_verify(context, items, ITEMS, verdicts);
        sluice_counters(context, &after);
        check(after.fast_path_skipped == before.fast_path_skipped, "the fast path comes back", TIERS[t]);
        check(memchr(verdicts, 0, ITEMS) == NULL, "after a flood valid items pass", TIERS[t]);
        sluice_close(context);
    }
}

int main(int argc, char **argv) {
    const uint64_t rounds = begin(argc, argv, 2);
    for (uint64_t i = 0; i < rounds; i++) {
        test_sizes();
        test_small_secrets();
        test_ranges();
        test_item_in_range();
        test_nonces();
        test_one_spoiled();
        test_last_addition_doubles();
        test_flood();
    }
    return end();
}
