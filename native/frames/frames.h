/*
 * Reads a batch of frames where they lie, in memory that was named before. See sluice_read in sluice.h.
 * A reader belongs to the thread that opened it.
 */
#ifndef SLUICE_FRAMES_H
#define SLUICE_FRAMES_H

#include <stdint.h>

#include "frames/event.h"
#include "sha256.h"
#include "sluice.h"

typedef struct frames frames;

/** Opens a reader that hashes with `blocks`; NULL without memory. */
frames *frames_open(sha256_blocks *blocks);
void frames_close(frames *reader);

/** See sluice_attach. */
int frames_attach(frames *reader, uint32_t source, const uint8_t *bytes, uint32_t size);
/** See sluice_read. */
uint32_t frames_read(frames *reader, const sluice_frame_t *batch, uint32_t count, uint8_t *packed, uint32_t packed_size,
                     sluice_read_t *read, uint8_t *items);

/**
 * Packs the event of one frame at `packed` if its parts are right. 0: they are not, or `room` bytes are too few.
 * `digest` becomes the SHA-256 of its text, which is not compared with its id.
 */
size_t frames_pack(frames *reader, const uint8_t *frame, size_t length, uint8_t *packed, size_t room, event **parsed,
                   uint8_t digest[32]);

#endif
