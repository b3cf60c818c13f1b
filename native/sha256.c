/*
 * SHA-256 in plain C, the padding, and BIP-340's tagged challenge; see sha256.h.
 */
#include "sha256.h"
#include "sha256_round.h"

#include <string.h>

#include "cpu.h"

static const uint32_t INITIAL[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t rotate(uint32_t x, int by) { return (x >> by) | (x << (32 - by)); }

static uint32_t load_be(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_be(uint8_t *at, uint32_t x) {
    at[0] = (uint8_t)(x >> 24);
    at[1] = (uint8_t)(x >> 16);
    at[2] = (uint8_t)(x >> 8);
    at[3] = (uint8_t)x;
}

static void block(uint32_t state[8], const uint8_t *bytes) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) w[i] = load_be(bytes + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t one = s[7] + s1 + choice + SHA256_ROUND[i] + w[i];
        uint32_t s0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t two = s0 + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof s[0]);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

void sha256_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t blocks) {
    for (size_t i = 0; i < blocks; i++) block(state, bytes + 64 * i);
}

sha256_blocks *sha256_blocks_best(void) { return cpu_has_sha() ? sha256_blocks_shani : sha256_blocks_portable; }

/* Feeds what is left after whole blocks, with the padding for `total` bytes in all, and writes the digest. */
static void finish(sha256_blocks *blocks, uint32_t state[8], const uint8_t *rest, size_t length, uint64_t total,
                   uint8_t digest[32]) {
    uint8_t last[128] = {0};
    size_t count = length < 56 ? 1 : 2;
    memcpy(last, rest, length);
    last[length] = 0x80;
    store_be(last + 64 * count - 8, (uint32_t)(total >> 29));
    store_be(last + 64 * count - 4, (uint32_t)(total << 3));
    blocks(state, last, count);
    for (int i = 0; i < 8; i++) store_be(digest + 4 * i, state[i]);
}

void sha256(sha256_blocks *blocks, const uint8_t *bytes, size_t length, uint8_t digest[32]) {
    uint32_t state[8];
    size_t whole = length / 64;
    memcpy(state, INITIAL, sizeof state);
    if (whole > 0) blocks(state, bytes, whole);
    finish(blocks, state, bytes + 64 * whole, length - 64 * whole, length, digest);
}

void sha256_challenge(sha256_blocks *blocks, const uint8_t r[32], const uint8_t key[32], const uint8_t message[32],
                      uint8_t digest[32]) {
    /* The state after the block SHA-256("BIP0340/challenge") twice; tests derive it anew. */
    uint32_t state[8] = {0x9cecba11, 0x23925381, 0x11679112, 0xd1627e0f,
                         0x97c87550, 0x003cc765, 0x90f61164, 0x33e9b66a};
    uint8_t both[128] = {0};
    memcpy(both, r, 32);
    memcpy(both + 32, key, 32);
    memcpy(both + 64, message, 32);
    both[96] = 0x80;
    store_be(both + 124, (64 + 96) * 8);
    blocks(state, both, 2);
    for (int i = 0; i < 8; i++) store_be(digest + 4 * i, state[i]);
}
