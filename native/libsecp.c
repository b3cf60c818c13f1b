/*
 * Plain verification by libsecp256k1's public API, see libsecp.h. The library itself is compiled beside this file.
 */
#include "libsecp.h"

#include <stdlib.h>
#include <string.h>

#include "include/secp256k1.h"
#include "include/secp256k1_extrakeys.h"
#include "include/secp256k1_preallocated.h"
#include "include/secp256k1_schnorrsig.h"
#include "sluice.h"

#define SECP(name) rustsecp256k1_v0_14_##name

typedef SECP(xonly_pubkey) xonly_pubkey;
_Static_assert(sizeof(xonly_pubkey) == KEY_CACHE_POINT_BYTES, "the cache holds libsecp256k1's form of a key");

struct libsecp {
    SECP(context) * context;
};

libsecp *libsecp_open(sha256_blocks *blocks) {
    libsecp *secp = malloc(sizeof *secp);
    void *memory = malloc(SECP(context_preallocated_size)(SECP256K1_CONTEXT_NONE));
    if (secp == NULL || memory == NULL) {
        free(secp);
        free(memory);
        return NULL;
    }
    secp->context = SECP(context_preallocated_create)(memory, SECP256K1_CONTEXT_NONE);
    SECP(context_set_sha256_compression)(secp->context, blocks);
    return secp;
}

void libsecp_close(libsecp *secp) {
    if (secp == NULL) return;
    SECP(context_preallocated_destroy)(secp->context);
    free(secp->context);
    free(secp);
}

int libsecp_parse_key(const libsecp *secp, const uint8_t key[32], uint8_t point[KEY_CACHE_POINT_BYTES]) {
    xonly_pubkey parsed;
    if (!SECP(xonly_pubkey_parse)(secp->context, &parsed, key)) return 0;
    memcpy(point, parsed.data, KEY_CACHE_POINT_BYTES);
    return 1;
}

int libsecp_verify(const libsecp *secp, key_cache *cache, const uint8_t *item) {
    const uint8_t *key = item + SLUICE_KEY_OFFSET;
    const uint8_t *known = cache == NULL ? NULL : key_cache_find(cache, key);
    xonly_pubkey parsed;
    if (known != NULL) {
        memcpy(parsed.data, known, KEY_CACHE_POINT_BYTES);
    } else {
        if (!SECP(xonly_pubkey_parse)(secp->context, &parsed, key)) return 0;
        if (cache != NULL) key_cache_keep(cache, key, parsed.data);
    }
    return SECP(schnorrsig_verify)(secp->context, item + SLUICE_SIGNATURE_OFFSET, item, 32, &parsed);
}
