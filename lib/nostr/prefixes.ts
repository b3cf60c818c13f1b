/**
 * The machine-readable beginnings of OK and CLOSED messages (NIP-01, NIP-42, NIP-43).
 * Runs on any thread; constants only.
 *
 * @module
 */

/** Every prefix this relay uses. */
export const PREFIXES = [
  "duplicate",
  "pow",
  "blocked",
  "rate-limited",
  "invalid",
  "restricted",
  "mute",
  "error",
  "auth-required",
  "unsupported",
  "info",
] as const;
type Prefix = typeof PREFIXES[number];

/** The prefix of a message, or null if it has none of ours. */
export function prefixOf(message: string): Prefix | null {
  const colon = message.indexOf(":");
  const prefix = message.slice(0, colon) as Prefix;
  return colon > 0 && PREFIXES.includes(prefix) ? prefix : null;
}
