/**
 * The plugin's inbox: the events that the write plugin decides about, as a verifier writes them into its lane. What is
 * accepted goes on into the verifier's lane to the store, in the store's own form.
 *
 * ```
 *   asked lane:  as the store's packed lane (wire/packed.ts): header, packed event
 *                 then: JSON of an EventSource, UTF-8, to the record's end
 * ```
 *
 * Written on verifiers' threads, read on the plugin's.
 *
 * @module
 */

/** The one record type of these lanes. */
export const ASKED = 1;

/** Who sent an event. */
export interface EventSource {
  /** The client's address; empty: the operator imports it. */
  readonly address: string;
  /** The keys that it has proved (NIP-42). */
  readonly keys: readonly string[];
}

/** The most bytes of an {@linkcode EventSource} with so many keys. */
export function sourceBytesMax(keys: number): number {
  return 128 + keys * 67;
}
