/*
 * Differential fuzz: lanes and batches against libsecp256k1, on signatures of which a share that changes from block to
 * block is spoiled. Lanes must confirm exactly what is valid; a batch must confirm nothing else, and all of a block
 * without a spoiled signature. `verify_fuzz seed amount`; the same seed makes the same signatures.
 */
#include "support.h"

#include "batch.h"
#include "cpu.h"
#include "key_cache.h"
#include "lanes/verify_lanes.h"
#include "libsecp.h"

#define BLOCK BATCH_ITEMS_MAX
#define KEYS 32

static uint8_t items[BLOCK * SLUICE_ITEM_BYTES];
static uint64_t valid_in_all, confirmed_by_batch;

/* Secrets from, from + 1, ..., with their points' x; negated where y is odd. One inversion for all. */
static void chain(scalar *secrets, uint8_t (*x)[32], int count) {
    static gej points[BLOCK];
    static ge affine[BLOCK];
    scalar d;
    scalar_random(&d);
    for (int i = 0; i < count; i++) {
        if (i == 0) SECP(ecmult)(&points[0], NULL, &SECP(scalar_zero), &d);
        else SECP(gej_add_ge_var)(&points[i], &points[i - 1], &SECP(ge_const_g), NULL);
        secrets[i] = d;
        SECP(scalar_add)(&d, &d, &SECP(scalar_one));
    }
    SECP(ge_set_all_gej_var)(affine, points, (size_t)count);
    for (int i = 0; i < count; i++) {
        SECP(fe_normalize_var)(&affine[i].x);
        SECP(fe_normalize_var)(&affine[i].y);
        SECP(fe_get_b32)(x[i], &affine[i].x);
        if (SECP(fe_is_odd)(&affine[i].y)) SECP(scalar_negate)(&secrets[i], &secrets[i]);
    }
}

/* Valid items; with `odd` not 0, one in `odd` is signed for the nonce point with the odd y, and so invalid. */
static void make_block(uint32_t odd) {
    static scalar keys[KEYS], nonces[BLOCK];
    static uint8_t key_x[KEYS][32], nonce_x[BLOCK][32];
    chain(keys, key_x, KEYS);
    chain(nonces, nonce_x, BLOCK);
    for (int i = 0; i < BLOCK; i++) {
        uint8_t *item = items + i * SLUICE_ITEM_BYTES;
        const uint32_t k = random_below(KEYS);
        random_bytes(item, 32);
        memcpy(item + SLUICE_KEY_OFFSET, key_x[k], 32);
        memcpy(item + SLUICE_SIGNATURE_OFFSET, nonce_x[i], 32);
        if (odd > 0 && random_below(odd) == 0) SECP(scalar_negate)(&nonces[i], &nonces[i]);
        item_sign(item, &keys[k], &nonces[i]);
    }
}

/* Adds `by` to 32 bytes as an integer modulo 2^256. */
static void nudge(uint8_t *bytes, int by) {
    for (int i = 31; i >= 0 && by != 0; i--) {
        const int sum = bytes[i] + by;
        bytes[i] = (uint8_t)sum;
        by = sum < 0 ? -1 : sum > 255;
    }
}

/* Makes an item invalid, as a rule; 32 bytes at a time are a field element, a scalar or a message. */
static void spoil(uint8_t *item) {
    static const uint8_t p[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254, 255, 255, 252, 47};
    uint8_t *part = item + 32 * random_below(4);
    scalar s;
    switch (random_below(9)) {
        case 0: memset(part, random_below(2) ? 0xff : 0, 32); break;
        case 1: nudge(part, random_below(2) ? 1 : -1); break;
        case 2: memcpy(part, items + 32 * random_below(4 * BLOCK), 32); break;
        case 3: random_bytes(part, 32); break;
        case 4:
            SECP(scalar_set_b32)(&s, item + 96, NULL);
            SECP(scalar_negate)(&s, &s);
            SECP(scalar_get_b32)(item + 96, &s);
            break;
        case 5:
            memcpy(part, p, 32);
            nudge(part, (int)random_below(5) - 2);
            break;
        case 6:
            SECP(scalar_set_int)(&s, random_below(3));
            SECP(scalar_negate)(&s, &s);
            SECP(scalar_get_b32)(part, &s);
            nudge(part, (int)random_below(3));
            break;
        default: part[random_below(32)] ^= (uint8_t)(1 << random_below(8));
    }
}

int main(int argc, char **argv) {
    const uint64_t amount = begin(argc, argv, 20000);
    sha256_blocks *blocks = sha256_blocks_best();
    libsecp *secp = libsecp_open(blocks);
    key_cache *cache = key_cache_open(), *lane_cache = key_cache_open();
    batch *b = batch_open(blocks);
    lanes *w = cpu_has_lanes() ? lanes_open(blocks) : NULL;
    if (w == NULL) puts("lanes are not tested: no AVX-512 IFMA");
    for (uint64_t done = 0; done < amount && failures == 0; done += BLOCK) {
        static const uint32_t one_in[] = {0, 0, 2, 2, 3, 8, 64, 512};
        static uint8_t expected[BLOCK], by_lanes[BLOCK], by_batch[BLOCK];
        const uint32_t share = one_in[random_below(8)], count = share == 0 ? BLOCK : 1 + random_below(BLOCK);
        uint32_t valid = 0;
        make_block(4 * share);
        for (uint32_t i = 0; i < BLOCK && share > 0; i++) {
            if (random_below(share) == 0) spoil(items + (size_t)SLUICE_ITEM_BYTES * i);
        }
        for (uint32_t i = 0; i < count; i++) {
            expected[i] = (uint8_t)libsecp_verify(secp, cache, items + (size_t)SLUICE_ITEM_BYTES * i);
            valid += expected[i];
        }
        if (w != NULL) {
            lanes_verify(w, lane_cache, items, count, by_lanes);
            check(memcmp(expected, by_lanes, count) == 0, "lanes confirm what is valid, at item", done);
        }
        batch_verify(b, secp, cache, items, count, by_batch);
        for (uint32_t i = 0; i < count; i++) {
            check(by_batch[i] <= expected[i], "a batch confirms nothing else, at item", done + i);
            confirmed_by_batch += by_batch[i];
        }
        check(valid < count || memcmp(expected, by_batch, count) == 0, "a batch of valid ones is confirmed", done);
        valid_in_all += valid;
    }
    printf("%llu valid, %llu confirmed by batches\n", (unsigned long long)valid_in_all,
           (unsigned long long)confirmed_by_batch);
    batch_close(b);
    lanes_close(w);
    key_cache_close(cache);
    key_cache_close(lane_cache);
    libsecp_close(secp);
    return end();
}
