/*
 * Fuzz of the frame reader, for the sanitizers: frames of odd pieces, spoiled, in memory that ends where they end, packed
 * into memory that may be too small. What was packed, read again as a frame, must pack into the same bytes.
 * `frames_fuzz seed amount`. That it agrees with JavaScript is tests/fuzz/frames.ts's to compare.
 */
#include "support.h"

#include "frames/frames.h"
#include "frames/pack.h"

#define FRAME_BYTES_MAX (96 * 1024)
#define TEXT_AT(keys) (88 + 8 * (size_t)(keys))

static uint8_t text[FRAME_BYTES_MAX];
static size_t used;
static uint64_t packed_in_all;

static void append(const char *piece) {
    const size_t length = strlen(piece);
    if (used + length > sizeof text) return;
    memcpy(text + used, piece, length);
    used += length;
}

static void append_hex(int digits) {
    while (digits-- > 0) append((const char[]){"0123456789abcdef"[random_below(16)], 0});
}

#define PICK(list) list[random_below(sizeof list / sizeof list[0])]

static void append_string(uint32_t pieces) {
    static const char *const PIECES[] = {
        "a",   "Hello, world ", "\\\"",         "\\\\",         "\\n",               "\\b",
        "-",   "\\u0000",      "\\u001f",      "\xc3\xa9",     "\xe6\xbc\xa2",     "\xf0\x9f\x8e\x89",
        "17",  "\\\"-\\\"",    "\\\\u002d",    "\xef\xbf\xbf", "0123456789abcdef", "[",
        "]",   ",",             " ",            "\x7f"};
    static const char *const ODD[] = {"\\/", "\\u0041", "\\ud83c", "\\u000a",         "\x80",
                                      "\n",  "\\",     "\xed\xa0\x80", "\xf4\x90\x80\x80"};
    append("\"");
    while (pieces-- > 0) append(random_below(400) == 0 ? PICK(ODD) : PICK(PIECES));
    append("\"");
}

static void append_space(void) {
    static const char *const SPACES[] = {" ", "\n", "\t", "\r", "  "};
    if (random_below(24) == 0) append(PICK(SPACES));
}

static void append_tags(void) {
    static const char *const NAMES[] = {"\"e\"", "\"p\"", "\"d\"", "\"t\"",   "\"-\"",
                                        "\"Z\"", "\"\"",  "\"\\n\"", "\"expiration\""};
    uint32_t count = random_below(random_below(50) == 0 ? 6000 : 6);
    append("[");
    for (uint32_t i = 0; i < count; i++) {
        append_space();
        append(i > 0 ? ",[" : "[");
        if (random_below(20) > 0) {
            append(PICK(NAMES));
            append_space();
            for (uint32_t strings = random_below(3); strings > 0; strings--) {
                append(",");
                append_string(random_below(4));
            }
        }
        append("]");
    }
    append("]");
}

static void append_field(int field) {
    const uint64_t word = random_word();
    char number[24];
    switch (field) {
        case 0: append("\"id\":\""), append_hex(64), append("\""); break;
        case 1: append("\"pubkey\":\""), append_hex(64), append("\""); break;
        case 2: append("\"sig\":\""), append_hex(128), append("\""); break;
        case 3:
            snprintf(number, sizeof number, "%llu", (unsigned long long)word >> random_below(64));
            append("\"created_at\":"), append(number);
            break;
        case 4:
            snprintf(number, sizeof number, "%u", random_below(66000));
            append("\"kind\":"), append(number);
            break;
        case 5: append("\"tags\":"), append_tags(); break;
        default: append("\"content\":"), append_string(random_below(random_below(30) == 0 ? 2000 : 20));
    }
}

static void make_frame(void) {
    const int first = (int)random_below(7), step = 1 + (int)random_below(6);
    used = 0;
    append("[\"EVENT\",{");
    for (int i = 0; i < 7; i++) {
        append_space();
        append_field((first + i * step) % 7);
        append_space();
        if (i < 6) append(",");
    }
    append("}]");
}

static void spoil(void) {
    const size_t at = random_below((uint32_t)used), end = at + random_below(12);
    static const uint8_t BYTES[] = "\"\\,:[]{}u0\n \x80\xf0";
    switch (random_below(4)) {
        case 0: text[at] ^= (uint8_t)(1 << random_below(8)); break;
        case 1: text[at] = PICK(BYTES); break;
        case 2: used = at; break;
        default:
            if (end < used) {
                memmove(text + at, text + end, used - end);
                used -= end - at;
            }
    }
}

/* Packs the frame in memory of exactly its size and `room` bytes; the packed event is the caller's to free. */
static uint8_t *pack(frames *reader, size_t room, size_t *bytes, event **parsed) {
    uint8_t digest[32], *frame = malloc(used), *packed = malloc(room);
    memcpy(frame, text, used);
    *bytes = frames_pack(reader, frame, used, packed, room, parsed, digest);
    if (*bytes > 0) {
        check(*bytes <= room, "a packed event lies inside its memory", *bytes);
        check(pack_may_embed_protected(*parsed) == 0 || (*parsed)->kind == 6 || (*parsed)->kind == 16, "reposts embed", 0);
    }
    free(frame);
    return packed;
}

/* The text inside a packed event, as a frame. */
static void wrap(const uint8_t *packed, size_t bytes, uint32_t keys) {
    used = 0;
    append("[\"EVENT\",");
    memcpy(text + used, packed + TEXT_AT(keys), bytes - TEXT_AT(keys));
    used += bytes - TEXT_AT(keys);
    append("]");
}

static void try_frame(frames *reader, uint64_t number) {
    size_t bytes, bytes_again;
    event *parsed;
    const size_t ample = 3 * used + 1024;
    uint8_t *packed = pack(reader, random_below(8) == 0 ? random_below((uint32_t)ample) + 1 : ample, &bytes, &parsed);
    if (bytes > 0) {
        packed_in_all++;
        wrap(packed, bytes, parsed->keys.count);
        uint8_t *again = pack(reader, 3 * used + 1024, &bytes_again, &parsed);
        check(bytes == bytes_again && memcmp(packed, again, bytes) == 0, "what was packed packs alike", number);
        free(again);
    }
    free(packed);
}

/* A frame must lie inside its source, whatever its entry says. */
static void try_places(frames *reader) {
    uint8_t memory[64] = {0}, packed[64], items[SLUICE_ITEM_BYTES * 4];
    sluice_read_t read[4];
    sluice_frame_t batch[4] = {{3, 0, 65, 0}, {3, 65, 0, 0}, {3, 0xffffffff, 2, 0}, {SLUICE_SOURCES_MAX, 0, 1, 0}};
    check(!frames_attach(reader, SLUICE_SOURCES_MAX, memory, 64), "sources have numbers up to a bound", 0);
    frames_attach(reader, 3, memory, 64);
    check(frames_read(reader, batch, 4, packed, sizeof packed, read, items) == 0, "no frame beyond its source", 0);
}

int main(int argc, char **argv) {
    const uint64_t amount = begin(argc, argv, 20000);
    frames *reader = frames_open(sha256_blocks_best());
    try_places(reader);
    for (uint64_t i = 0; i < amount && failures == 0; i++) {
        make_frame();
        if (random_below(2) == 0) {
            for (uint32_t n = random_below(4); n > 0 && used > 0; n--) spoil();
        }
        if (used > 0) try_frame(reader, i);
    }
    check(amount < 1000 || packed_in_all > amount / 10, "many frames are packed", packed_in_all);
    printf("%llu packed\n", (unsigned long long)packed_in_all);
    frames_close(reader);
    return end();
}
