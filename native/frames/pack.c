/*
 * Packs events; see pack.h.
 */
#define _GNU_SOURCE
#include "pack.h"

#include <string.h>

#define KIND_DELETION 5
#define KIND_REPOST 6
#define KIND_GENERIC_REPOST 16

/* Flags and offsets of lib/nostr/packed_event.ts. */
#define FLAG_ADDRESS 1u
#define FLAG_EPHEMERAL 2u
#define FLAG_DELETION 4u
#define FIXED_BYTES 88
#define ID_AT 56

static const char NAME_ID[] = "{\"id\":\"", NAME_PUBKEY[] = "\",\"pubkey\":\"", NAME_CREATED_AT[] = "\",\"created_at\":",
                  NAME_KIND[] = ",\"kind\":", NAME_TAGS[] = ",\"tags\":", NAME_CONTENT[] = ",\"content\":",
                  NAME_SIG[] = ",\"sig\":\"", END[] = "\"}", ID_TEXT_START[] = "[0,\"";

/* Appends a literal or a span and moves on. */
#define LITERAL(to, text) ((uint8_t *)memcpy(to, text, sizeof text - 1) + sizeof text - 1)

static uint8_t *append(uint8_t *to, span text) {
    memcpy(to, text.at, text.length);
    return to + text.length;
}

/* Copies scanned tags without the white space outside of strings. */
static uint8_t *append_tight(uint8_t *to, span text) {
    const uint8_t *at = text.at, *end = text.at + text.length;
    int in_string = 0;
    while (at < end) {
        const uint8_t byte = *at++;
        if (!in_string && byte <= ' ') continue;
        *to++ = byte;
        if (byte == '"') in_string = !in_string;
        /* What is escaped ends no string. */
        if (byte == '\\') *to++ = *at++;
    }
    return to;
}

static uint8_t *append_tags(uint8_t *to, const event *e) {
    return e->tags_are_spaced ? append_tight(to, e->tags_text) : append(to, e->tags_text);
}

static int is_addressable(uint32_t kind) { return kind >= 30000 && kind < 40000; }

/* Replaceable and addressable kinds (NIP-01). */
static int has_address(uint32_t kind) {
    return is_addressable(kind) || (kind >= 10000 && kind < 20000) || kind == 0 || kind == 3;
}

static uint64_t address_key(const event *e) {
    key_hash hash = key_feed(key_begin(e->kind), e->key_hex, 64);
    return key_finish(is_addressable(e->kind) ? key_feed_string(hash, e->d) : hash);
}

static uint32_t flags_of(uint32_t kind) {
    return (has_address(kind) ? FLAG_ADDRESS : 0) | (kind >= 20000 && kind < 30000 ? FLAG_EPHEMERAL : 0) |
           (kind == KIND_DELETION ? FLAG_DELETION : 0);
}

/* The first 13 hex digits of 32 bytes, and the last. */
static uint64_t first_digits(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 0; i < 7; i++) value = value << 8 | bytes[i];
    return value >> 4;
}

static uint64_t last_digits(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 25; i < 32; i++) value = value << 8 | bytes[i];
    return value & 0xfffffffffffffu;
}

/* All numbers here are below 2^53, and so exact. */
static uint8_t *append_double(uint8_t *to, uint64_t number) {
    const double value = (double)number;
    memcpy(to, &value, 8);
    return to + 8;
}

static uint8_t *append_word(uint8_t *to, uint32_t word) {
    memcpy(to, &word, 4);
    return to + 4;
}

static uint8_t *append_event_text(const event *e, uint8_t *to) {
    to = LITERAL(to, NAME_ID);
    to = append(to, (span){e->id_hex, 64});
    to = LITERAL(to, NAME_PUBKEY);
    to = append(to, (span){e->key_hex, 64});
    to = LITERAL(to, NAME_CREATED_AT);
    to = append(to, e->created_at_text);
    to = LITERAL(to, NAME_KIND);
    to = append(to, e->kind_text);
    to = LITERAL(to, NAME_TAGS);
    to = append_tags(to, e);
    to = LITERAL(to, NAME_CONTENT);
    to = append(to, e->content_text);
    to = LITERAL(to, NAME_SIG);
    to = append(to, (span){e->signature_hex, 128});
    return LITERAL(to, END);
}

/* The parts of an event's texts that come from the frame in lengths of their own. */
static size_t variable_bytes(const event *e) {
    return e->created_at_text.length + e->kind_text.length + e->tags_text.length + e->content_text.length;
}

size_t pack_bytes_max(const event *e) {
    const size_t names = sizeof NAME_ID + sizeof NAME_PUBKEY + sizeof NAME_CREATED_AT + sizeof NAME_KIND +
                         sizeof NAME_TAGS + sizeof NAME_CONTENT + sizeof NAME_SIG + sizeof END;
    return FIXED_BYTES + (size_t)8 * e->keys.count + variable_bytes(e) + 64 + 64 + 128 + names;
}

size_t pack_event(const event *e, uint8_t *to) {
    uint8_t *at = append_double(to, e->created_at);
    at = append_double(at, e->expires_at);
    at = append_double(at, first_digits(e->id));
    at = append_double(at, last_digits(e->key));
    at = append_double(at, has_address(e->kind) ? address_key(e) : 0);
    at = append_word(at, e->kind);
    at = append_word(at, flags_of(e->kind));
    at = append_word(at, e->keys.count);
    uint8_t *text_bytes = at;
    memcpy(to + ID_AT, e->id, 32);
    at = to + FIXED_BYTES;
    for (uint32_t i = 0; i < e->keys.count; i++) at = append_double(at, e->keys.keys[i]);
    uint8_t *end = append_event_text(e, at);
    append_word(text_bytes, (uint32_t)(end - at));
    return (size_t)(end - to);
}

size_t pack_id_text_bytes_max(const event *e) {
    /* The brackets, 0, and commas. */
    return variable_bytes(e) + 64 + sizeof ID_TEXT_START + 8;
}

size_t pack_id_text(const event *e, uint8_t *to) {
    uint8_t *at = LITERAL(to, ID_TEXT_START);
    at = append(at, (span){e->key_hex, 64});
    *at++ = '"';
    *at++ = ',';
    at = append(at, e->created_at_text);
    *at++ = ',';
    at = append(at, e->kind_text);
    *at++ = ',';
    at = append_tags(at, e);
    *at++ = ',';
    at = append(at, e->content_text);
    *at++ = ']';
    return (size_t)(at - to);
}

int pack_may_embed_protected(const event *e) {
    if (e->kind != KIND_REPOST && e->kind != KIND_GENERIC_REPOST) return 0;
    const span content = e->content_text;
    return memmem(content.at, content.length, "\\\"-\\\"", 5) != NULL ||
           memmem(content.at, content.length, "\\\\u002", 6) != NULL;
}
