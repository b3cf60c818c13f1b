/*
 * The way of each frame of a batch: parse, pack, hash, compare the id; see frames.h.
 */
#include "frames/frames.h"

#include <stdlib.h>
#include <string.h>

#include "frames/pack.h"

typedef struct {
    const uint8_t *bytes;
    size_t size;
} memory;

struct frames {
    sha256_blocks *blocks;
    memory sources[SLUICE_SOURCES_MAX];
    /* The one that is being read. */
    event event;
};

frames *frames_open(sha256_blocks *blocks) {
    frames *reader = calloc(1, sizeof *reader);
    if (reader != NULL) reader->blocks = blocks;
    return reader;
}

void frames_close(frames *reader) { free(reader); }

int frames_attach(frames *reader, uint32_t source, const uint8_t *bytes, uint32_t size) {
    if (source >= SLUICE_SOURCES_MAX) return 0;
    reader->sources[source] = (memory){bytes, size};
    return 1;
}

size_t frames_pack(frames *reader, const uint8_t *frame, size_t length, uint8_t *packed, size_t room, event **parsed,
                   uint8_t digest[32]) {
    event *e = &reader->event;
    if (!event_parse(e, frame, length)) return 0;
    /* The text that is hashed lies behind the packed event for as long as it is needed. */
    if (pack_bytes_max(e) + pack_id_text_bytes_max(e) > room) return 0;
    const size_t bytes = pack_event(e, packed);
    const size_t text_bytes = pack_id_text(e, packed + bytes);
    sha256(reader->blocks, packed + bytes, text_bytes, digest);
    *parsed = e;
    return bytes;
}

static void write_item(uint8_t *item, const event *e) {
    memcpy(item, e->id, 32);
    memcpy(item + SLUICE_KEY_OFFSET, e->key, 32);
    memcpy(item + SLUICE_SIGNATURE_OFFSET, e->signature, 64);
}

/* The frame's bytes, or NULL where they are not inside their source. */
static const uint8_t *bytes_of(const frames *reader, const sluice_frame_t *frame) {
    if (frame->source >= SLUICE_SOURCES_MAX) return NULL;
    const memory *source = &reader->sources[frame->source];
    if (frame->offset > source->size || frame->length > source->size - frame->offset) return NULL;
    return source->bytes + frame->offset;
}

uint32_t frames_read(frames *reader, const sluice_frame_t *batch, uint32_t count, uint8_t *packed, uint32_t packed_size,
                     sluice_read_t *read, uint8_t *items) {
    uint32_t found = 0, at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *frame = bytes_of(reader, batch + i);
        event *e = NULL;
        uint8_t digest[32];
        read[i] = (sluice_read_t){0};
        if (frame == NULL) continue;
        const size_t bytes = frames_pack(reader, frame, batch[i].length, packed + at, packed_size - at, &e, digest);
        if (bytes == 0 || memcmp(digest, e->id, 32) != 0) continue;
        read[i].packed_at = at;
        read[i].packed_bytes = (uint32_t)bytes;
        read[i].tags = e->tags;
        read[i].content_characters = e->characters;
        read[i].traits = (e->is_protected ? SLUICE_PROTECTED : 0) |
                         (pack_may_embed_protected(e) ? SLUICE_MAY_EMBED_PROTECTED : 0);
        write_item(items + (size_t)SLUICE_ITEM_BYTES * found++, e);
        /* There is room for the next multiple of 8: the hashed text was longer. */
        at += (uint32_t)(bytes + 7) & ~7u;
    }
    return found;
}
