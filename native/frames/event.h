/*
 * One event of a frame, parsed: where its parts stand, and what is counted on the way.
 * Re-entrant; the parts point into the frame.
 *
 * Only what JavaScript would surely take, and would write again byte for byte, is taken: all seven fields once and no
 * other, whole numbers in plain digits, strings with the escapes that JSON.stringify writes. White space may stand
 * anywhere. All else is left to JavaScript, which knows what is wrong with it, if anything is.
 */
#ifndef SLUICE_FRAMES_EVENT_H
#define SLUICE_FRAMES_EVENT_H

#include <stdint.h>

#include "frames/keys.h"
#include "frames/text.h"

typedef struct {
    uint8_t id[32], key[32], signature[64];
    /* The same as they stand there, in hex. */
    const uint8_t *id_hex, *key_hex, *signature_hex;
    uint64_t created_at;
    uint32_t kind;
    /* Digits, and JSON texts with brackets and quotes. */
    span created_at_text, kind_text, tags_text, content_text;
    /* White space stands between the tags' parts, and has to go. */
    int tags_are_spaced;
    uint32_t tags;
    /* Unicode characters of the content. */
    uint32_t characters;
    /* Of the first d tag: inside the quotes; empty where there is none or it has no value. */
    span d;
    int has_d;
    /* Seconds (NIP-40), or 0: never. */
    uint64_t expires_at;
    /* A tag `-` (NIP-70). */
    int is_protected;
    /* The keys under which its tags are found. */
    key_set keys;
} event;

/** Parses `["EVENT",{...}]`; 0: JavaScript has to. */
int event_parse(event *e, const uint8_t *frame, size_t length);

#endif
