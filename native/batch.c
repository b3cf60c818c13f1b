/*
 * Random linear combinations over libsecp256k1's ecmult_multi_var; see batch.h.
 *
 * Coefficients are 127 bits of SHA-256(seed || index), with seed = SHA-256(secret || all items), and the secret is 32
 * bytes from the operating system, drawn by each context at its start and never written anywhere. Nobody who does
 * not hold the secret can choose items whose errors cancel. Below 2^127 the endomorphism leaves a coefficient whole,
 * so a nonce point costs half of what a public key's does.
 */
#define _GNU_SOURCE
#include "batch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include "item_range.h"
#include "libsecp_internals.h"
#include "sluice.h"

#define SECRET_BYTES 32
/* Slots of the table that finds equal keys, a power of two. */
#define KEY_SLOTS (2 * BATCH_ITEMS_MAX)
/* Room for the alignment of each of libsecp256k1's scratch objects. */
#define SCRATCH_SLACK 1024

typedef struct {
    SECP(ge) nonce;
    SECP(ge) key;
    /* a, a s and a e. */
    SECP(scalar) coefficient, signature, challenge;
    /* The first item with the same key. */
    uint32_t first;
} prepared;

struct batch {
    sha256_blocks *blocks;
    uint8_t secret[SECRET_BYTES];
    prepared items[BATCH_ITEMS_MAX];
    uint8_t parsed[BATCH_ITEMS_MAX];
    /* Terms of the keys of one sum: their items, and by item the sum of a e. */
    uint32_t key_items[BATCH_ITEMS_MAX];
    SECP(scalar) key_sums[BATCH_ITEMS_MAX];
    uint8_t key_used[BATCH_ITEMS_MAX];
    uint32_t slots[KEY_SLOTS];
    SECP(scratch) scratch;
    /* Secret and items, one after the other, to be hashed. */
    uint8_t transcript[SECRET_BYTES + SLUICE_ITEM_BYTES * BATCH_ITEMS_MAX];
};

static size_t scratch_bytes(void) {
    const int window = SECP(pippenger_bucket_window)(2 * BATCH_ITEMS_MAX);
    const size_t many = SECP(pippenger_scratch_size)(2 * BATCH_ITEMS_MAX, window);
    const size_t few = SECP(strauss_scratch_size)(ECMULT_PIPPENGER_THRESHOLD);
    return (many > few ? many : few) + SCRATCH_SLACK;
}

batch *batch_open(sha256_blocks *blocks) {
    batch *work = calloc(1, sizeof *work);
    if (work == NULL) return NULL;
    work->blocks = blocks;
    memcpy(work->scratch.magic, "scratch", 8);
    work->scratch.max_size = scratch_bytes();
    /* The allocator's alignment is what libsecp256k1 rounds to. */
    work->scratch.data = malloc(work->scratch.max_size);
    if (work->scratch.data != NULL && getentropy(work->secret, SECRET_BYTES) == 0) return work;
    batch_close(work);
    return NULL;
}

void batch_close(batch *work) {
    if (work == NULL) return;
    free(work->scratch.data);
    free(work);
}

/* Key and nonce as points; 0 when the item is invalid for that reason. */
static int load_points(prepared *p, const libsecp *secp, key_cache *cache, const uint8_t *item) {
    const uint8_t *key = item + SLUICE_KEY_OFFSET;
    uint8_t point[KEY_CACHE_POINT_BYTES];
    SECP(fe) x;
    const uint8_t *known = key_cache_find(cache, key);
    if (known == NULL) {
        if (!libsecp_parse_key(secp, key, point)) return 0;
        key_cache_keep(cache, key, point);
        known = point;
    }
    SECP(ge_from_bytes)(&p->key, known);
    return SECP(fe_set_b32_limit)(&x, item + SLUICE_SIGNATURE_OFFSET) && SECP(ge_set_xo_var)(&p->nonce, &x, 0);
}

static int prepare(batch *work, const libsecp *secp, key_cache *cache, const uint8_t *item, uint32_t i,
                   const uint8_t seed[32]) {
    prepared *p = &work->items[i];
    uint8_t digest[32], numbered[36];
    if (!item_in_range(item) || !load_points(p, secp, cache, item)) return 0;
    SECP(scalar_set_b32)(&p->signature, item + SLUICE_SIGNATURE_OFFSET + 32, NULL);
    sha256_challenge(work->blocks, item + SLUICE_SIGNATURE_OFFSET, item + SLUICE_KEY_OFFSET, item, digest);
    SECP(scalar_set_b32)(&p->challenge, digest, NULL);
    memcpy(numbered, seed, 32);
    memcpy(numbered + 32, &i, 4);
    sha256(work->blocks, numbered, sizeof numbered, digest);
    memset(digest, 0, 16);
    digest[16] &= 0x7f;
    SECP(scalar_set_b32)(&p->coefficient, digest, NULL);
    SECP(scalar_mul)(&p->signature, &p->signature, &p->coefficient);
    SECP(scalar_mul)(&p->challenge, &p->challenge, &p->coefficient);
    return 1;
}

/* Numbers equal keys by their first item. */
static void number_keys(batch *work, const uint8_t *items, uint32_t count) {
    memset(work->slots, 0xff, sizeof work->slots);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *key = items + (size_t)SLUICE_ITEM_BYTES * i + SLUICE_KEY_OFFSET;
        uint32_t slot;
        memcpy(&slot, key + 9, 4);
        for (slot %= KEY_SLOTS; work->slots[slot] != UINT32_MAX; slot = (slot + 1) % KEY_SLOTS) {
            const uint8_t *other = items + (size_t)SLUICE_ITEM_BYTES * work->slots[slot] + SLUICE_KEY_OFFSET;
            if (memcmp(other, key, 32) == 0) break;
        }
        if (work->slots[slot] == UINT32_MAX) work->slots[slot] = i;
        work->items[i].first = work->slots[slot];
    }
}

/* The parsed items of a range as terms: nonces first, then keys. */
typedef struct {
    const batch *work;
    uint32_t nonce_items[BATCH_ITEMS_MAX];
    uint32_t nonces, keys;
} terms;

static int term(SECP(scalar) * scalar, SECP(ge) * point, size_t i, void *data) {
    const terms *t = data;
    if (i < t->nonces) {
        const prepared *p = &t->work->items[t->nonce_items[i]];
        *scalar = p->coefficient;
        *point = p->nonce;
    } else {
        const uint32_t item = t->work->key_items[i - t->nonces];
        *scalar = t->work->key_sums[item];
        *point = t->work->items[item].key;
    }
    return 1;
}

/* Whether the sum over the parsed items of [from, to) is 0. */
static int sum_is_zero(batch *work, uint32_t from, uint32_t to) {
    terms t = {.work = work};
    SECP(scalar) g;
    SECP(gej) sum;
    SECP(scalar_set_int)(&g, 0);
    for (uint32_t i = from; i < to; i++) {
        if (!work->parsed[i]) continue;
        const prepared *p = &work->items[i];
        t.nonce_items[t.nonces++] = i;
        SECP(scalar_add)(&g, &g, &p->signature);
        if (!work->key_used[p->first]) {
            work->key_used[p->first] = 1;
            work->key_items[t.keys++] = p->first;
            work->key_sums[p->first] = p->challenge;
            /* The first item of the key may lie outside the range, or may not have been parsed. */
            work->items[p->first].key = p->key;
        } else {
            SECP(scalar_add)(&work->key_sums[p->first], &work->key_sums[p->first], &p->challenge);
        }
    }
    for (uint32_t k = 0; k < t.keys; k++) work->key_used[work->key_items[k]] = 0;
    SECP(scalar_negate)(&g, &g);
    const size_t count = t.nonces + t.keys;
    return SECP(ecmult_multi_var)(&default_error_callback, &work->scratch, &sum, &g, term, &t, count) &&
           SECP(gej_is_infinity)(&sum);
}

/* Confirms what it can of [from, to), which is known to fail as a whole. `budget` is in items of further sums. */
static void take_apart(batch *work, uint32_t from, uint32_t to, int64_t *budget, uint32_t *summed, uint8_t *confirmed) {
    const uint32_t middle = from + (to - from) / 2;
    if (to - from <= BATCH_ITEMS_MIN || *budget < middle - from) return;
    *budget -= middle - from;
    *summed += middle - from;
    if (!sum_is_zero(work, from, middle)) {
        take_apart(work, from, middle, budget, summed, confirmed);
        if (*budget < to - middle) return;
        *budget -= to - middle;
        *summed += to - middle;
        if (!sum_is_zero(work, middle, to)) {
            take_apart(work, middle, to, budget, summed, confirmed);
            return;
        }
        for (uint32_t i = middle; i < to; i++) confirmed[i] = work->parsed[i];
        return;
    }
    for (uint32_t i = from; i < middle; i++) confirmed[i] = work->parsed[i];
    /* The first half is good, so the error is in the second. */
    take_apart(work, middle, to, budget, summed, confirmed);
}

uint32_t batch_verify(batch *work, const libsecp *secp, key_cache *cache, const uint8_t *items, uint32_t count,
                      uint8_t *confirmed) {
    uint8_t seed[32];
    uint32_t summed = count;
    int64_t budget = (int64_t)count + count / 4;
    memcpy(work->transcript, work->secret, SECRET_BYTES);
    memcpy(work->transcript + SECRET_BYTES, items, (size_t)SLUICE_ITEM_BYTES * count);
    sha256(work->blocks, work->transcript, SECRET_BYTES + (size_t)SLUICE_ITEM_BYTES * count, seed);
    for (uint32_t i = 0; i < count; i++) {
        work->parsed[i] = (uint8_t)prepare(work, secp, cache, items + (size_t)SLUICE_ITEM_BYTES * i, i, seed);
    }
    number_keys(work, items, count);
    if (sum_is_zero(work, 0, count)) {
        memcpy(confirmed, work->parsed, count);
        return summed;
    }
    memset(confirmed, 0, count);
    take_apart(work, 0, count, &budget, &summed, confirmed);
    return summed;
}
