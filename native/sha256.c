/*
 * SHA-256 in plain C, the padding, and BIP-340's tagged challenge; see sha256.h.
 */
#include "sha256.h"

#include <string.h>

#include "cpu.h"

static const uint32_t INITIAL[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

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
        uint32_t one = s[7] + s1 + choice + ROUND[i] + w[i];
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
