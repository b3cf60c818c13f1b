/**
 * A stream: which events go which way between this relay and a set of others; and what a file of streams says. Types only;
 * any thread.
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

/** What a file of streams says. */
export interface RoutingConfig {
  readonly streams: readonly Stream[];
  /** The longest that a connection attempt takes, ms; null: the file does not say. */
  readonly connectMsMax: number | null;
  /** Settings (`lib/config/settings.ts`) that the file gives, as texts of the environment, which goes before them. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the file says that means nothing here, for the log: a sentence each. */
  readonly ignored: readonly string[];
}
