/*
 * libsluice: frames parsed and packed, BIP-340 verification and SHA-256, of many events a call, for the verifier's FFI.
 *
 * Threads: a context belongs to the thread that opened it; contexts share read-only tables only, so any
 * number of threads may each use one. `sluice_sha256` and the functions without a context are re-entrant.
 * Every input is public (events, keys, signatures): nothing here is constant-time, and no secret key may enter.
 * The one secret is the per-process seed of the batch coefficients (batch.c).
 */
#ifndef SLUICE_H
#define SLUICE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SLUICE_API __attribute__((visibility("default")))
#else
#define SLUICE_API
#endif

/** Changes whenever a signature or a layout below does; the binding refuses another number. */
#define SLUICE_ABI 2u

/** Bytes of one item: message 32, x-only public key 32, signature 64. */
#define SLUICE_ITEM_BYTES 128u
#define SLUICE_KEY_OFFSET 32u
#define SLUICE_SIGNATURE_OFFSET 64u

/** The ways to verify. A tier is a bit in `sluice_tiers`: 1 << SLUICE_TIER_X. */
#define SLUICE_TIER_NATIVE 0u
#define SLUICE_TIER_BATCH 1u
#define SLUICE_TIER_LANES 2u
/** libsecp256k1's public API with no cache: what the others are compared with, in tests and benches. */
#define SLUICE_TIER_REFERENCE 3u

typedef struct sluice_context sluice_context;

/** What a context has done since it was opened; the layout is eight 64-bit words. */
typedef struct {
    /** Signatures decided, by any way. */
    uint64_t verified;
    /** Signatures that a fast path did not accept and that libsecp256k1 decided again. */
    uint64_t second_decisions;
    /** Of these, the valid ones: exceptional cases, or neighbours of an invalid signature in a batch of one key. */
    uint64_t second_decisions_valid;
    /** Signatures that skipped the fast path, because most of the latest were invalid. */
    uint64_t fast_path_skipped;
    /** Public keys found in the cache of decompressed keys, and not found. */
    uint64_t key_cache_hits;
    uint64_t key_cache_misses;
    uint64_t reserved[2];
} sluice_counters_t;

/** Memories that frames may lie in. */
#define SLUICE_SOURCES_MAX 128u
/** Traits of an event: it has a tag `-` (NIP-70); the content of a repost may hold an event with such a tag. */
#define SLUICE_PROTECTED 1u
#define SLUICE_MAY_EMBED_PROTECTED 2u

/** Where a frame lies; four 32-bit words. */
typedef struct {
    uint32_t source, offset, length, reserved;
} sluice_frame_t;

/** What a frame holds; eight 32-bit words. All are 0 where the caller has to look for itself. */
typedef struct {
    /** Where the packed event lies, a multiple of 8, and its bytes: lib/nostr/packed_event.ts. */
    uint32_t packed_at, packed_bytes;
    uint32_t tags;
    /** Unicode characters of the content. */
    uint32_t content_characters;
    uint32_t traits;
    uint32_t reserved[3];
} sluice_read_t;

SLUICE_API uint32_t sluice_abi(void);
/** The tiers that this processor can run, as bits. */
SLUICE_API uint32_t sluice_tiers(void);
/** Writes what was built and found, NUL-terminated, e.g. `gcc 12.2.0, SHA-NI`; at most `size` bytes. */
SLUICE_API void sluice_describe(char *text, uint32_t size);
/** A context of `tier`, or NULL: the tier cannot run here, or there is no memory. */
SLUICE_API sluice_context *sluice_open(uint32_t tier);
SLUICE_API void sluice_close(sluice_context *context);
/** Decides `count` items: `verdicts[i]` becomes 1 (valid) or 0. Defined for every content of `items`. */
SLUICE_API void sluice_verify(sluice_context *context, const uint8_t *items, uint32_t count, uint8_t *verdicts);
/** Writes the SHA-256 of `bytes[offsets[i], offsets[i + 1])` to `digests[32 * i]`; `offsets` has count + 1 entries. */
SLUICE_API void sluice_sha256(const uint8_t *bytes, const uint32_t *offsets, uint32_t count, uint8_t *digests);
/**
 * Names a memory that frames lie in. It stays where it is for as long as the context is open; nobody writes to a frame
 * while it is read.
 */
SLUICE_API void sluice_attach(sluice_context *context, uint32_t source, const uint8_t *bytes, uint32_t size);
/**
 * Reads frames, `["EVENT",{...}]`: parses them, computes the SHA-256 of the event's text, compares it with the id, and
 * packs the event into `packed`. What is not surely right, or finds no room, is left to the caller: nothing is refused
 * here, and signatures and policies are not looked at. `items` gets what sluice_verify needs of each event that was
 * packed, one after another; their number is returned. Defined for every content of the frames.
 */
SLUICE_API uint32_t sluice_read(sluice_context *context, const sluice_frame_t *frames, uint32_t count, uint8_t *packed,
                                uint32_t packed_size, sluice_read_t *read, uint8_t *items);
SLUICE_API void sluice_counters(const sluice_context *context, sluice_counters_t *counters);
/**
 * Steers new connections to `port` among all processes that share it (SO_REUSEPORT): to the `count` sockets from the
 * one that began to listen as number `first` on, by chance; a count of 0 leaves it to the kernel again. This process
 * must be one of them. Returns 1, or 0 where that cannot be done here. Linux only; needs no privilege.
 */
SLUICE_API int32_t sluice_steer_listeners(uint32_t port, uint32_t first, uint32_t count);
/**
 * Finds the descriptor of this process's TCP connection from `peer_ip` (text, NUL-terminated) and `peer_port` to
 * `local_port`, and keeps it from later searches until it is released. Returns -1 where it was not found among the
 * first thousand that nobody has claimed. Linux only. Any thread.
 */
SLUICE_API int32_t sluice_claim_connection(const char *peer_ip, uint32_t peer_port, uint32_t local_port);
/** To be called before the descriptor closes; without it a later connection of that number is not found. */
SLUICE_API void sluice_release_connection(int32_t fd);
/** Has the kernel send whole segments only (1), or all that was written, at once (0). It waits 200 ms at most. */
SLUICE_API void sluice_cork_connection(int32_t fd, int32_t corked);

/** Gives freed memory back to the system, that of all threads; for a moment each waits that allocates. glibc only. */
SLUICE_API void sluice_trim_memory(void);

#endif
