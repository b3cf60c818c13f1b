/*
 * The exported functions: contexts, the choice of tier, the counters; see sluice.h.
 */
#include "sluice.h"

#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"
#include "key_cache.h"
#include "libsecp.h"
#include "sha256.h"

struct sluice_context {
    uint32_t tier;
    libsecp *secp;
    key_cache *cache;
    sluice_counters_t counters;
};

uint32_t sluice_abi(void) { return SLUICE_ABI; }

uint32_t sluice_tiers(void) { return 1u << SLUICE_TIER_NATIVE; }

void sluice_describe(char *text, uint32_t size) {
#if defined(__clang__)
    const char *compiler = "clang " __clang_version__;
#else
    const char *compiler = "gcc " __VERSION__;
#endif
    snprintf(text, size, "%s%s", compiler, cpu_has_sha() ? ", SHA-NI" : "");
}

sluice_context *sluice_open(uint32_t tier) {
    if (tier > 31 || !(sluice_tiers() >> tier & 1)) return NULL;
    sluice_context *context = calloc(1, sizeof *context);
    if (context == NULL) return NULL;
    context->tier = tier;
    context->secp = libsecp_open(sha256_blocks_best());
    context->cache = key_cache_open();
    if (context->secp == NULL || context->cache == NULL) {
        sluice_close(context);
        return NULL;
    }
    return context;
}

void sluice_close(sluice_context *context) {
    if (context == NULL) return;
    libsecp_close(context->secp);
    key_cache_close(context->cache);
    free(context);
}

void sluice_verify(sluice_context *context, const uint8_t *items, uint32_t count, uint8_t *verdicts) {
    for (uint32_t i = 0; i < count; i++) {
        verdicts[i] = (uint8_t)libsecp_verify(context->secp, context->cache, items + (size_t)SLUICE_ITEM_BYTES * i);
    }
    context->counters.verified += count;
}

void sluice_sha256(const uint8_t *bytes, const uint32_t *offsets, uint32_t count, uint8_t *digests) {
    sha256_blocks *blocks = sha256_blocks_best();
    for (uint32_t i = 0; i < count; i++) {
        sha256(blocks, bytes + offsets[i], offsets[i + 1] - offsets[i], digests + (size_t)32 * i);
    }
}

void sluice_counters(const sluice_context *context, sluice_counters_t *counters) {
    *counters = context->counters;
    counters->key_cache_hits = key_cache_hits(context->cache);
    counters->key_cache_misses = key_cache_misses(context->cache);
}
