/**
 * A stream: which events go which way between this relay and a set of others. Types only; any thread.
 *
 * @module
 */

/** Which way: `down` reads from the others, `up` sends to them. */
export type Direction = "up" | "down" | "both";

/** See the module's text. */
export interface Stream {
  /** Unique; durable cursors are kept under it. */
  readonly name: string;
  readonly direction: Direction;
  /** A filter of NIP-01 as JSON, already checked; `limit` has no meaning here. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** The other relays, normalized (`lib/nostr/relay_url.ts`). */
  readonly urls: readonly string[];
  /** Plugins as of strfry, commands of the shell: asked about each event that goes up, or comes down; null: none. */
  readonly pluginUp: string | null;
  readonly pluginDown: string | null;
}
