/*
 * The exported functions: contexts, the way of each tier, second decisions, the counters; see sluice.h.
 */
#include "sluice.h"

#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "cpu.h"
#include "credit.h"
#include "frames/frames.h"
#include "key_cache.h"
#include "libsecp.h"
#include "sha256.h"
#ifdef SLUICE_LANES
#include "lanes/verify_lanes.h"
#endif

struct sluice_context {
    uint32_t tier;
    libsecp *secp;
    key_cache *cache;
    /* The fast path of the tier; the other is NULL, and `native` has none. */
    batch *batch;
    struct lanes *lanes;
    frames *frames;
    int64_t credit;
    sluice_counters_t counters;
};

/* Groups of eight cost 52 each in a call of many, and one alone 82; an invalid signature costs no more of it. */
static const fast_path_cost LANES_COST = {30, 7, 8, 4, 2, 512};
/* Two thirds of a plain verification; taking a failed sum apart may take 5/4 of that again. */
static const fast_path_cost BATCH_COST = {0, 43, 1, 9, 16, BATCH_ITEMS_MAX};

uint32_t sluice_abi(void) { return SLUICE_ABI; }

uint32_t sluice_tiers(void) {
    uint32_t tiers = 1u << SLUICE_TIER_NATIVE | 1u << SLUICE_TIER_BATCH | 1u << SLUICE_TIER_REFERENCE;
#ifdef SLUICE_LANES
    if (cpu_has_lanes() && cpu_has_sha()) tiers |= 1u << SLUICE_TIER_LANES;
#endif
    return tiers;
}

void sluice_describe(char *text, uint32_t size) {
#if defined(__clang__)
    const char *compiler = "clang " __clang_version__;
#else
    const char *compiler = "gcc " __VERSION__;
#endif
    snprintf(text, size, "%s%s", compiler, cpu_has_sha() ? ", SHA-NI" : "");
}

/* Opens what the tier needs; 0 without memory. */
static int open_parts(sluice_context *context) {
    sha256_blocks *blocks = sha256_blocks_best();
    context->secp = libsecp_open(blocks);
    context->frames = frames_open(blocks);
    if (context->secp == NULL || context->frames == NULL) return 0;
    if (context->tier == SLUICE_TIER_REFERENCE) return 1;
    context->cache = key_cache_open();
    if (context->cache == NULL) return 0;
    if (context->tier == SLUICE_TIER_BATCH) return (context->batch = batch_open(blocks)) != NULL;
#ifdef SLUICE_LANES
    if (context->tier == SLUICE_TIER_LANES) return (context->lanes = lanes_open(blocks)) != NULL;
#endif
    return 1;
}

sluice_context *sluice_open(uint32_t tier) {
    if (tier > 31 || !(sluice_tiers() >> tier & 1)) return NULL;
    sluice_context *context = calloc(1, sizeof *context);
    if (context == NULL) return NULL;
    context->tier = tier;
    context->credit = CREDIT_MAX;
    if (open_parts(context)) return context;
    sluice_close(context);
    return NULL;
}

void sluice_close(sluice_context *context) {
    if (context == NULL) return;
    libsecp_close(context->secp);
    key_cache_close(context->cache);
    batch_close(context->batch);
    frames_close(context->frames);
#ifdef SLUICE_LANES
    lanes_close(context->lanes);
#endif
    free(context);
}

static uint32_t verify_plain(sluice_context *context, const uint8_t *items, uint32_t count, uint8_t *verdicts) {
    uint32_t valid = 0;
    for (uint32_t i = 0; i < count; i++) {
        verdicts[i] = (uint8_t)libsecp_verify(context->secp, context->cache, items + (size_t)SLUICE_ITEM_BYTES * i);
        valid += verdicts[i];
    }
    return valid;
}

/* Verifies by the tier's fast path, and what it does not confirm by libsecp256k1. */
static void verify_fast(sluice_context *context, const fast_path_cost *cost, const uint8_t *items, uint32_t count,
                        uint8_t *verdicts) {
    int64_t spent = credit_cost(cost, count);
    if (context->batch != NULL) {
        const uint32_t summed = batch_verify(context->batch, context->secp, context->cache, items, count, verdicts);
        spent = spent * summed / count;
    }
#ifdef SLUICE_LANES
    if (context->lanes != NULL) lanes_verify(context->lanes, context->cache, items, count, verdicts);
#endif
    for (uint32_t i = 0; i < count; i++) {
        if (verdicts[i]) continue;
        const uint32_t valid = verify_plain(context, items + (size_t)SLUICE_ITEM_BYTES * i, 1, verdicts + i);
        context->counters.second_decisions++;
        context->counters.second_decisions_valid += valid;
        spent += CREDIT_PLAIN;
    }
    context->credit = credit_add(context->credit, (int64_t)CREDIT_PLAIN * count - spent);
}

void sluice_verify(sluice_context *context, const uint8_t *items, uint32_t count, uint8_t *verdicts) {
    const fast_path_cost *cost = context->tier == SLUICE_TIER_BATCH ? &BATCH_COST : &LANES_COST;
    context->counters.verified += count;
    if (context->batch == NULL && context->lanes == NULL) {
        verify_plain(context, items, count, verdicts);
        return;
    }
    while (count > 0) {
        uint32_t now = credit_allows(cost, context->credit, count);
        if (now > 0) {
            verify_fast(context, cost, items, now, verdicts);
        } else if (count < cost->items_min) {
            now = count;
            verify_plain(context, items, now, verdicts);
        } else {
            now = cost->items_min;
            const uint32_t valid = verify_plain(context, items, now, verdicts);
            context->counters.fast_path_skipped += now;
            context->credit = credit_add(context->credit, (int64_t)CREDIT_EARNED * valid);
        }
        items += (size_t)SLUICE_ITEM_BYTES * now;
        verdicts += now;
        count -= now;
    }
}

void sluice_sha256(const uint8_t *bytes, const uint32_t *offsets, uint32_t count, uint8_t *digests) {
    sha256_blocks *blocks = sha256_blocks_best();
    for (uint32_t i = 0; i < count; i++) {
        sha256(blocks, bytes + offsets[i], offsets[i + 1] - offsets[i], digests + (size_t)32 * i);
    }
}

void sluice_attach(sluice_context *context, uint32_t source, const uint8_t *bytes, uint32_t size) {
    frames_attach(context->frames, source, bytes, size);
}

uint32_t sluice_read(sluice_context *context, const sluice_frame_t *frames, uint32_t count, uint8_t *packed,
                     uint32_t packed_size, sluice_read_t *read, uint8_t *items) {
    return frames_read(context->frames, frames, count, packed, packed_size, read, items);
}

void sluice_counters(const sluice_context *context, sluice_counters_t *counters) {
    *counters = context->counters;
    if (context->cache == NULL) return;
    counters->key_cache_hits = key_cache_hits(context->cache);
    counters->key_cache_misses = key_cache_misses(context->cache);
}
