/*
 * SHA-256 (FIPS 180-4), with the processor's instructions where it has them. Re-entrant; public inputs only.
 */
#ifndef SLUICE_SHA256_H
#define SLUICE_SHA256_H

#include <stddef.h>
#include <stdint.h>

/** Feeds `blocks` blocks of 64 bytes into `state`. */
typedef void sha256_blocks(uint32_t state[8], const uint8_t *bytes, size_t blocks);

/** The fastest block function for this processor. */
sha256_blocks *sha256_blocks_best(void);
/** Plain C, any processor. */
void sha256_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t blocks);
/** SHA-NI; only where cpu_has_sha(). Elsewhere than on x86-64 it is sha256_blocks_portable. */
void sha256_blocks_shani(uint32_t state[8], const uint8_t *bytes, size_t blocks);

/** The digest of `length` bytes. */
void sha256(sha256_blocks *blocks, const uint8_t *bytes, size_t length, uint8_t digest[32]);
/** BIP-340's challenge before its reduction: SHA-256 tagged `BIP0340/challenge` of r || key || message. */
void sha256_challenge(sha256_blocks *blocks, const uint8_t r[32], const uint8_t key[32], const uint8_t message[32],
                      uint8_t digest[32]);

#endif
