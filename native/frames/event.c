/*
 * The parser of one frame; see event.h. A cursor moves through the frame, and each step says whether it went well.
 */
#include "event.h"

#include <string.h>

#define KIND_MAX 65535u
/* 2^53 - 1: up to here integers in JSON are exact. */
#define CREATED_AT_MAX 9007199254740991u
/* Digits that an expiration may have: lib/nostr/event.ts. */
#define EXPIRATION_DIGITS_MAX 15

typedef struct {
    const uint8_t *at, *end;
    /* White space that was passed. */
    size_t spaces;
} cursor;

enum { FIELD_ID, FIELD_PUBKEY, FIELD_CREATED_AT, FIELD_KIND, FIELD_TAGS, FIELD_CONTENT, FIELD_SIG, FIELDS, NO_FIELD };
static const struct {
    const char *text;
    size_t length;
} FIELD_NAMES[FIELDS] = {{"\"id\"", 4},     {"\"pubkey\"", 8},  {"\"created_at\"", 12}, {"\"kind\"", 6},
                         {"\"tags\"", 6}, {"\"content\"", 9}, {"\"sig\"", 5}};

/* The next byte that is no white space, or 0 at the end. */
static uint8_t peek(cursor *c) {
    while (c->at < c->end) {
        const uint8_t byte = *c->at;
        if (byte > ' ') return byte;
        if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t') return 0;
        c->at++;
        c->spaces++;
    }
    return 0;
}

static int take(cursor *c, uint8_t byte) {
    if (peek(c) != byte) return 0;
    c->at++;
    return 1;
}

static int take_text(cursor *c, const char *text, size_t length) {
    peek(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0) return 0;
    c->at += length;
    return 1;
}

/* A string; `string` is what is inside its quotes. */
static int take_string(cursor *c, span *string, uint32_t *characters) {
    if (!take(c, '"')) return 0;
    string->at = c->at;
    const uint8_t *quote = text_end(c->at, c->end, characters);
    if (quote == NULL) return 0;
    string->length = (size_t)(quote - c->at);
    c->at = quote + 1;
    return 1;
}

static int take_hex(cursor *c, const uint8_t **hex, size_t bytes, uint8_t *out) {
    if (!take(c, '"') || (size_t)(c->end - c->at) < 2 * bytes + 1 || c->at[2 * bytes] != '"') return 0;
    *hex = c->at;
    c->at += 2 * bytes + 1;
    return text_from_hex(*hex, bytes, out);
}

/* A whole number as JavaScript writes it, up to `max`. What follows it is for the caller to look at. */
static int take_number(cursor *c, span *digits, uint64_t max, uint64_t *number) {
    uint64_t value = 0;
    peek(c);
    digits->at = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - digits->at < 17) {
        value = value * 10 + (*c->at++ - '0');
    }
    digits->length = (size_t)(c->at - digits->at);
    *number = value;
    return digits->length > 0 && (digits->length == 1 || digits->at[0] != '0') && value <= max;
}

static int is_letter(uint8_t byte) { return (byte | 32) >= 'a' && (byte | 32) <= 'z'; }

/* 0: the text is no expiration. */
static uint64_t read_expiration(span text) {
    uint64_t value = 0;
    if (text.length == 0 || text.length > EXPIRATION_DIGITS_MAX) return 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') return 0;
        value = value * 10 + (text.at[i] - '0');
    }
    return value == 0 ? 1 : value;
}

/* Notes what a tag says by its first two strings, of which there are `strings`. */
static int note_tag(event *e, span name, span value, size_t strings) {
    if (strings == 0) return 1;
    if (name.length == 1) {
        if (name.at[0] == '-') e->is_protected = 1;
        if (name.at[0] == 'd' && !e->has_d) {
            e->has_d = 1;
            if (strings > 1) e->d = value;
        }
        if (strings < 2 || !is_letter(name.at[0])) return 1;
        return key_set_add(&e->keys, key_finish(key_feed_string(key_begin(name.at[0]), value)));
    }
    if (strings > 1 && e->expires_at == 0 && name.length == 10 && memcmp(name.at, "expiration", 10) == 0) {
        e->expires_at = read_expiration(value);
    }
    return 1;
}

static int take_tag(cursor *c, event *e) {
    span name = {0}, value = {0}, other;
    uint32_t characters = 0;
    size_t strings = 0;
    if (!take(c, '[')) return 0;
    if (peek(c) != ']') {
        do {
            if (!take_string(c, strings == 0 ? &name : strings == 1 ? &value : &other, &characters)) return 0;
            strings++;
        } while (take(c, ','));
    }
    e->tags++;
    return take(c, ']') && note_tag(e, name, value, strings);
}

static int take_tags(cursor *c, event *e) {
    if (peek(c) != '[') return 0;
    const uint8_t *start = c->at++;
    const size_t spaces = c->spaces;
    if (peek(c) != ']') {
        do {
            if (!take_tag(c, e)) return 0;
        } while (take(c, ','));
    }
    if (!take(c, ']')) return 0;
    e->tags_text = (span){start, (size_t)(c->at - start)};
    e->tags_are_spaced = c->spaces != spaces;
    return 1;
}

static int take_content(cursor *c, event *e) {
    span inside;
    if (!take_string(c, &inside, &e->characters)) return 0;
    e->content_text = (span){inside.at - 1, inside.length + 2};
    return 1;
}

/* The one field whose name begins with these letters. */
static int field_like(uint8_t first, uint8_t second) {
    switch (first) {
        case 'i': return FIELD_ID;
        case 'p': return FIELD_PUBKEY;
        case 'c': return second == 'r' ? FIELD_CREATED_AT : FIELD_CONTENT;
        case 'k': return FIELD_KIND;
        case 't': return FIELD_TAGS;
        default: return FIELD_SIG;
    }
}

static int take_field_name(cursor *c) {
    if (peek(c) != '"' || c->end - c->at < 3) return NO_FIELD;
    const int field = field_like(c->at[1], c->at[2]);
    return take_text(c, FIELD_NAMES[field].text, FIELD_NAMES[field].length) ? field : NO_FIELD;
}

static int take_field_value(cursor *c, event *e, int field) {
    uint64_t kind;
    switch (field) {
        case FIELD_ID: return take_hex(c, &e->id_hex, 32, e->id);
        case FIELD_PUBKEY: return take_hex(c, &e->key_hex, 32, e->key);
        case FIELD_SIG: return take_hex(c, &e->signature_hex, 64, e->signature);
        case FIELD_CREATED_AT: return take_number(c, &e->created_at_text, CREATED_AT_MAX, &e->created_at);
        case FIELD_TAGS: return take_tags(c, e);
        case FIELD_CONTENT: return take_content(c, e);
        case FIELD_KIND:
            if (!take_number(c, &e->kind_text, KIND_MAX, &kind)) return 0;
            e->kind = (uint32_t)kind;
            return 1;
        default: return 0;
    }
}

static void clear(event *e) {
    e->tags = e->characters = 0;
    e->d = (span){0};
    e->has_d = e->is_protected = 0;
    e->expires_at = 0;
    key_set_clear(&e->keys);
}

int event_parse(event *e, const uint8_t *frame, size_t length) {
    cursor c = {frame, frame + length, 0};
    uint32_t seen = 0;
    clear(e);
    if (!take(&c, '[') || !take_text(&c, "\"EVENT\"", 7) || !take(&c, ',') || !take(&c, '{')) return 0;
    do {
        const int field = take_field_name(&c);
        if (field == NO_FIELD || (seen >> field & 1)) return 0;
        seen |= 1u << field;
        if (!take(&c, ':') || !take_field_value(&c, e, field)) return 0;
    } while (take(&c, ','));
    if (seen != (1u << FIELDS) - 1 || !take(&c, '}') || !take(&c, ']')) return 0;
    peek(&c);
    return c.at == c.end;
}
