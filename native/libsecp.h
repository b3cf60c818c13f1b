/*
 * The one door to libsecp256k1's public API: plain verification, which every other way must agree with.
 * The crate prefixes its symbols; this header and libsecp.c are the only places that spell the prefix out,
 * besides the macro SECP() for the internals (libsecp_internals.h).
 */
#ifndef SLUICE_LIBSECP_H
#define SLUICE_LIBSECP_H

#include <stdint.h>

#include "key_cache.h"
#include "sha256.h"

/** A libsecp256k1 context of one thread. */
typedef struct libsecp libsecp;

/** Opens a context that hashes with `blocks`; NULL without memory. */
libsecp *libsecp_open(sha256_blocks *blocks);
void libsecp_close(libsecp *secp);
/** Decompresses an x-only public key into libsecp256k1's form; 0 when there is no such point. */
int libsecp_parse_key(const libsecp *secp, const uint8_t key[32], uint8_t point[KEY_CACHE_POINT_BYTES]);
/** 1 when the item (see sluice.h) is a valid signature. `cache` may be NULL: the key is decompressed anew. */
int libsecp_verify(const libsecp *secp, key_cache *cache, const uint8_t *item);

#endif
