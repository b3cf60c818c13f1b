/*
 * Parsing and recoding of one item, in scalar code; see recode.h. The endomorphism is split as in libsecp256k1
 * (Gallant, Lambert, Vanstone 2001), but in integers of 192 bits instead of scalars modulo n.
 */
#include "lanes/recode.h"

#include <string.h>

#include "item_range.h"
#include "libsecp_internals.h"
#include "sluice.h"

typedef unsigned __int128 wide;
typedef struct {
    uint64_t w[3];
} int192;

/* round(2^384 b2 / n) and round(-2^384 b1 / n), the multipliers of the roundings c1 = k b2 / n, c2 = -k b1 / n. */
static const SECP(scalar) SPLIT_1 = SECP256K1_SCALAR_CONST(0x3086d221, 0xa7d46bcd, 0xe86c90e4, 0x9284eb15, 0x3daa8a14,
                                                           0x71e8ca7f, 0xe893209a, 0x45dbb031);
static const SECP(scalar) SPLIT_2 = SECP256K1_SCALAR_CONST(0xe4437ed6, 0x010e8828, 0x6f547fa9, 0x0abfe4c4, 0x221208ac,
                                                           0x9df506c6, 0x1571b4ae, 0x8ac47f71);
/* The lattice: a + lambda b = k for a = k - c1 A1 - c2 A2, b = c1 B1 - c2 A1. */
static const int192 A1 = {{0xe86c90e49284eb15, 0x3086d221a7d46bcd, 0}};
static const int192 A2 = {{0x57c1108d9d44cfd8, 0x14ca50f7a8e2f3f6, 1}};
static const int192 B1 = {{0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0}};
/* -1 - lambda, and 2^260 - 1 modulo n. */
static const SECP(scalar) P_OFFSET = SECP256K1_SCALAR_CONST(0xac9c52b3, 0x3fa3cf1f, 0x5ad9e3fd, 0x77ed9ba4, 0xa880b9fc,
                                                            0x8ec739c2, 0xe0cfc810, 0xb51283ce);
static const SECP(scalar) G_OFFSET = SECP256K1_SCALAR_CONST(0, 0, 0, 0x14, 0x55123195, 0x0b75fc44,
                                                            0x02da1732, 0xfc9bebef);

/* r += c m modulo 2^192, c of 128 bits. */
static void add_product(int192 *r, const uint64_t c[2], const int192 *m) {
    wide low = (wide)c[0] * m->w[0] + r->w[0];
    wide mid = (wide)c[0] * m->w[1] + r->w[1];
    wide mid2 = (wide)c[1] * m->w[0] + (uint64_t)mid;
    uint64_t high = c[0] * m->w[2] + c[1] * m->w[1] + (uint64_t)(mid >> 64) + (uint64_t)(mid2 >> 64);
    mid = (low >> 64) + (uint64_t)mid2;
    r->w[0] = (uint64_t)low;
    r->w[1] = (uint64_t)mid;
    r->w[2] += high + (uint64_t)(mid >> 64);
}

static void negate(int192 *r) {
    wide t = (wide)~r->w[0] + 1;
    r->w[0] = (uint64_t)t;
    t = (wide)~r->w[1] + (uint64_t)(t >> 64);
    r->w[1] = (uint64_t)t;
    r->w[2] = ~r->w[2] + (uint64_t)(t >> 64);
}

/* a + 2^129 and b + 2^129 for k = a + lambda b. */
static void split(int192 out[2], const SECP(scalar) * k) {
    SECP(scalar) c1, c2;
    SECP(scalar_mul_shift_var)(&c1, k, &SPLIT_1, 384);
    SECP(scalar_mul_shift_var)(&c2, k, &SPLIT_2, 384);
    /* The sums to subtract first, then 2^129 + k - sum. */
    int192 a = {{0, 0, 0}}, b = {{0, 0, 0}};
    add_product(&a, c1.d, &A1);
    add_product(&a, c2.d, &A2);
    negate(&a);
    wide t = (wide)a.w[0] + k->d[0];
    out[0].w[0] = (uint64_t)t;
    t = (wide)a.w[1] + k->d[1] + (uint64_t)(t >> 64);
    out[0].w[1] = (uint64_t)t;
    out[0].w[2] = a.w[2] + k->d[2] + (uint64_t)(t >> 64) + 2;
    add_product(&b, c2.d, &A1);
    negate(&b);
    add_product(&b, c1.d, &B1);
    out[1] = b;
    out[1].w[2] += 2;
}

static void load_words(uint64_t w[4], const uint8_t *bytes) {
    for (int i = 0; i < 4; i++) {
        uint64_t x;
        memcpy(&x, bytes + 24 - 8 * i, 8);
        w[i] = __builtin_bswap64(x);
    }
}

static void store(uint64_t (*rows)[LANES], int lane, const uint64_t *words, int count) {
    for (int i = 0; i < count; i++) rows[i][lane] = words[i];
}

void lanes_recode_scalars(lanes_input *input, int lane, const uint8_t s[32], const uint8_t e[32]) {
    int192 halves[2];
    SECP(scalar) v, k;
    SECP(scalar_set_b32)(&k, e, NULL);
    SECP(scalar_negate)(&k, &k);
    SECP(scalar_add)(&k, &k, &P_OFFSET);
    SECP(scalar_half)(&k, &k);
    split(halves, &k);
    SECP(scalar_set_b32)(&v, s, NULL);
    SECP(scalar_add)(&v, &v, &G_OFFSET);
    SECP(scalar_half)(&v, &v);
    store(input->p[0], lane, halves[0].w, 3);
    store(input->p[1], lane, halves[1].w, 3);
    store(input->g, lane, v.d, 4);
}

int lanes_recode(lanes_input *input, int lane, const uint8_t *item, sha256_blocks *blocks) {
    const uint8_t *key = item + SLUICE_KEY_OFFSET, *signature = item + SLUICE_SIGNATURE_OFFSET;
    uint64_t x[4], r[4];
    uint8_t e[32];
    if (!item_in_range(item)) return 0;
    load_words(x, key);
    load_words(r, signature);
    sha256_challenge(blocks, signature, key, item, e);
    lanes_recode_scalars(input, lane, signature + 32, e);
    store(input->x, lane, x, 4);
    store(input->r, lane, r, 4);
    return 1;
}

void lanes_fill(lanes_input *input, int lane) {
    static const int192 half = {{7, 5, 2}};
    static const uint64_t v[4] = {3, 1, 4, 1};
    SECP(ge) g = SECP(ge_const_g);
    SECP(ge_storage) words;
    SECP(ge_to_storage)(&words, &g);
    store(input->x, lane, words.x.n, 4);
    store(input->r, lane, words.x.n, 4);
    store(input->y, lane, words.y.n, 4);
    store(input->p[0], lane, half.w, 3);
    store(input->p[1], lane, half.w, 3);
    store(input->g, lane, v, 4);
}
