/*
 * Strings and hex digits of JSON texts; see text.h. Sixteen bytes at a time where SSE2 is, as on every x86-64.
 */
#include "text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Bytes of a well-formed UTF-8 sequence that starts with a byte from 0x80 on (Unicode 15, table 3-7), or 0. */
static size_t sequence_bytes(const uint8_t *at, const uint8_t *end) {
    const size_t left = (size_t)(end - at);
    const uint8_t first = at[0];
    if (first < 0xc2 || left < 2) return 0;
    const uint8_t second = at[1];
    if (first < 0xe0) return (second & 0xc0) == 0x80 ? 2 : 0;
    if (left < 3 || (second & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80) return 0;
    if (first < 0xf0) {
        /* Neither longer than need be nor half of a surrogate pair. */
        if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
        return 3;
    }
    if (first > 0xf4 || left < 4 || (at[3] & 0xc0) != 0x80) return 0;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return 4;
}

/* What the letter of a short escape stands for, or 0. */
static uint8_t short_escape(uint8_t letter) {
    switch (letter) {
        case '"': return '"';
        case '\\': return '\\';
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return 0;
    }
}

static int low_digit(uint8_t digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Bytes of an escape that JSON.stringify writes: the short ones, and \u00XX for the other control characters; or 0. */
static size_t escape_bytes(const uint8_t *at, const uint8_t *end) {
    const size_t left = (size_t)(end - at);
    if (left < 2) return 0;
    if (short_escape(at[1]) != 0) return 2;
    if (left < 6 || at[1] != 'u' || at[2] != '0' || at[3] != '0' || (at[4] != '0' && at[4] != '1')) return 0;
    const int low = low_digit(at[5]);
    if (low < 0) return 0;
    const int has_short = at[4] == '0' && (low == 8 || low == 9 || low == 10 || low == 12 || low == 13);
    return has_short ? 0 : 6;
}

/* Passes bytes that stand for themselves in a string: ASCII without quote, backslash and control characters. */
static const uint8_t *plain_end(const uint8_t *at, const uint8_t *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    while (end - at >= 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes);
        const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        const int found = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(marks, low), bytes));
        if (found != 0) return at + __builtin_ctz((unsigned)found);
        at += 16;
    }
#endif
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') at++;
    return at;
}

const uint8_t *text_end(const uint8_t *at, const uint8_t *end, uint32_t *characters) {
    /* Bytes beyond the first of each character. */
    size_t further = 0;
    const uint8_t *start = at;
    while ((at = plain_end(at, end)) < end) {
        size_t bytes;
        if (*at == '"') {
            *characters += (uint32_t)((size_t)(at - start) - further);
            return at;
        }
        do {
            bytes = *at == '\\' ? escape_bytes(at, end) : *at >= 0x80 ? sequence_bytes(at, end) : 0;
            if (bytes == 0) return NULL;
            at += bytes;
            further += bytes - 1;
        } while (at < end && (*at >= 0x80 || *at == '\\'));
    }
    return NULL;
}

uint8_t text_unescape(const uint8_t **at) {
    const uint8_t *escape = *at;
    const uint8_t byte = short_escape(escape[1]);
    *at += byte != 0 ? 2 : 6;
    return byte != 0 ? byte : (uint8_t)((escape[4] - '0') << 4 | low_digit(escape[5]));
}

int text_from_hex(const uint8_t *hex, size_t bytes, uint8_t *out) {
#if defined(__SSE2__)
    for (size_t i = 0; i < bytes; i += 8) {
        const __m128i text = _mm_loadu_si128((const __m128i *)(hex + 2 * i));
        const __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0')), letter = _mm_sub_epi8(text, _mm_set1_epi8('a'));
        const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
        const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
        if (_mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) != 0xffff) return 0;
        const __m128i ten = _mm_add_epi8(letter, _mm_set1_epi8(10));
        const __m128i values = _mm_or_si128(_mm_and_si128(is_digit, digit), _mm_and_si128(is_letter, ten));
        /* In each pair the first digit is the low byte. */
        const __m128i pairs = _mm_or_si128(_mm_slli_epi16(values, 4), _mm_srli_epi16(values, 8));
        const __m128i low = _mm_and_si128(pairs, _mm_set1_epi16(0xff));
        _mm_storel_epi64((__m128i *)(out + i), _mm_packus_epi16(low, low));
    }
#else
    for (size_t i = 0; i < bytes; i++) {
        const int high = low_digit(hex[2 * i]), low = low_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return 0;
        out[i] = (uint8_t)(high << 4 | low);
    }
#endif
    return 1;
}
