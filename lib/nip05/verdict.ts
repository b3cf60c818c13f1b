/**
 * What a look-up of an identifier (NIP-05) can find.
 * Runs on any thread; constants only.
 *
 * @module
 */

/** Unknown: the domain gave no answer. */
export const VERDICTS = ["verified", "refuted", "unknown"] as const;

/** One of them. */
export type Verdict = typeof VERDICTS[number];
