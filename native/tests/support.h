/*
 * What the native tests share: seeded randomness, scalars and points of libsecp256k1, signatures by chosen secrets,
 * and a count of failures. Each test is a program of one thread: `PROGRAM [seed [amount]]`, exit code 0 when it passed.
 */
#ifndef SLUICE_TESTS_SUPPORT_H
#define SLUICE_TESTS_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libsecp_internals.h"
#include "sha256.h"
#include "sluice.h"

typedef SECP(scalar) scalar;
typedef SECP(fe) fe;
typedef SECP(ge) ge;
typedef SECP(gej) gej;

static uint64_t seed_state;
static uint64_t failures;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t random_word(void) {
    uint64_t z = seed_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint32_t random_below(uint32_t bound) { return (uint32_t)((random_word() >> 32) * bound >> 32); }

static void random_bytes(uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)random_word();
}

static void check(int good, const char *what, uint64_t number) {
    if (good) return;
    if (failures++ < 20) fprintf(stderr, "FAILED: %s (%llu)\n", what, (unsigned long long)number);
}

/* Reads the arguments; returns the amount. */
static uint64_t begin(int argc, char **argv, uint64_t amount) {
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    if (argc > 2) amount = strtoull(argv[2], NULL, 10);
    seed_state = seed;
    printf("%s: seed %llu, amount %llu\n", argv[0], (unsigned long long)seed, (unsigned long long)amount);
    return amount;
}

static int end(void) {
    printf(failures == 0 ? "passed\n" : "%llu failures\n", (unsigned long long)failures);
    return failures != 0;
}

static void scalar_random(scalar *r) {
    uint8_t bytes[32];
    random_bytes(bytes, 32);
    SECP(scalar_set_b32)(r, bytes, NULL);
}

/* Long runs of ones and zeros reach every end of a window; small values and their negatives the ends of the range. */
static void scalar_pattern(scalar *r) {
    uint8_t bytes[32];
    uint8_t fill = 0;
    for (int bit = 0; bit < 256;) {
        const int run = 1 + (int)random_below(40);
        fill = (uint8_t)~fill;
        for (int i = 0; i < run && bit < 256; i++, bit++) {
            if (bit % 8 == 0) bytes[bit / 8] = 0;
            bytes[bit / 8] |= (uint8_t)(fill & (0x80 >> bit % 8));
        }
    }
    SECP(scalar_set_b32)(r, bytes, NULL);
    if (random_below(4) == 0) SECP(scalar_set_int)(r, random_below(70));
    if (random_below(2) == 0) SECP(scalar_negate)(r, r);
}

/* r = d G, affine and normalized. d must not be 0. */
static void multiply_g(ge *r, const scalar *d) {
    gej j;
    SECP(ecmult)(&j, NULL, &SECP(scalar_zero), d);
    SECP(ge_set_gej_var)(r, &j);
    SECP(fe_normalize_var)(&r->x);
    SECP(fe_normalize_var)(&r->y);
}

/* Writes x of d G; d is negated where y is odd, so that d belongs to the x-only key. Returns whether it was. */
static int even_key(scalar *d, uint8_t x[32]) {
    ge p;
    multiply_g(&p, d);
    SECP(fe_get_b32)(x, &p.x);
    if (!SECP(fe_is_odd)(&p.y)) return 0;
    SECP(scalar_negate)(d, d);
    return 1;
}

static void item_challenge(scalar *e, const uint8_t *item) {
    uint8_t digest[32];
    sha256_challenge(sha256_blocks_best(), item + SLUICE_SIGNATURE_OFFSET, item + SLUICE_KEY_OFFSET, item, digest);
    SECP(scalar_set_b32)(e, digest, NULL);
}

/* Signs the item's message with key d and nonce k, both for even y already, whose x stand in the item: s = k + e d. */
static void item_sign(uint8_t *item, const scalar *d, const scalar *k) {
    scalar e;
    item_challenge(&e, item);
    SECP(scalar_mul)(&e, &e, d);
    SECP(scalar_add)(&e, &e, k);
    SECP(scalar_get_b32)(item + SLUICE_SIGNATURE_OFFSET + 32, &e);
}

/* A valid item for any d and k that are not 0, with a random message. */
static void item_make(uint8_t *item, scalar d, scalar k) {
    random_bytes(item, 32);
    even_key(&d, item + SLUICE_KEY_OFFSET);
    even_key(&k, item + SLUICE_SIGNATURE_OFFSET);
    item_sign(item, &d, &k);
}

static void item_random(uint8_t *item) {
    scalar d, k;
    scalar_random(&d);
    scalar_random(&k);
    item_make(item, d, k);
}

#endif
