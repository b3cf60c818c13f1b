/*
 * The two texts of a parsed event, and the event packed for the store: lib/nostr/packed_event.ts, byte for byte.
 * Re-entrant.
 */
#ifndef SLUICE_FRAMES_PACK_H
#define SLUICE_FRAMES_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "frames/event.h"

/** The most bytes that pack_event writes. */
size_t pack_bytes_max(const event *e);
/** Packs an event at `to`; returns the bytes. */
size_t pack_event(const event *e, uint8_t *to);

/** The most bytes of pack_id_text. */
size_t pack_id_text_bytes_max(const event *e);
/** Writes the text whose SHA-256 is the id (NIP-01); returns its bytes. */
size_t pack_id_text(const event *e, uint8_t *to);

/** Whether the content of a repost may hold the string `-` as JSON; where it does not, no protected event is in it. */
int pack_may_embed_protected(const event *e);

#endif
