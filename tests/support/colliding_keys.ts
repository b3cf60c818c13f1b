/**
 * Texts whose 52-bit keys (`lib/nostr/keys.ts`) are the same, as a stranger finds them: the keys of `topic1`, `topic2` and
 * so on were kept in a table until one came twice, which took a core a minute (birthday of 2^26).
 * Constants only.
 *
 * @module
 */

/** Two values of `t` tags with one key. */
export const TWIN_TOPICS = ["topic26442509", "topic44476249"] as const;
/** Two others. */
export const OTHER_TWIN_TOPICS = ["topic60651589", "topic96671407"] as const;
