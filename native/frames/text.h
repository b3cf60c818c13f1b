/*
 * Texts as they stand in JSON: where a string ends, and whether JSON.stringify would write it just so.
 * Re-entrant; every read is inside [at, end).
 */
#ifndef SLUICE_FRAMES_TEXT_H
#define SLUICE_FRAMES_TEXT_H

#include <stddef.h>
#include <stdint.h>

/** A part of a frame. */
typedef struct {
    const uint8_t *at;
    size_t length;
} span;

/**
 * Scans a string from behind its opening quote. Returns the place of its closing quote, or NULL where the string is
 * anything but UTF-8 with the escapes that JSON.stringify writes, and only where it writes them.
 * Adds the Unicode characters that the string stands for to `*characters`.
 */
const uint8_t *text_end(const uint8_t *at, const uint8_t *end, uint32_t *characters);

/** The byte that an escape of a scanned string stands for; `*at` is at the backslash, and behind the escape after. */
uint8_t text_unescape(const uint8_t **at);

/** Decodes `bytes` bytes (a multiple of 8) of lowercase hex; 0 where it is something else. Reads 2 * bytes. */
int text_from_hex(const uint8_t *hex, size_t bytes, uint8_t *out);

#endif
