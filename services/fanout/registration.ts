/**
 * What registers a bot: the body of a request, or an event of the bot's own (kind 30935), which its signature proves.
 * Runs on the thread of the fan-out; no state.
 *
 * @module
 */
import type { Bot } from "../../lib/fanout/registry.ts";
import { FANOUT_NAME_CHARS_MAX } from "../../lib/limits.ts";
import { isHex64, type NostrEvent } from "../../lib/nostr/event.ts";

/** A bot registers itself: content `{"name", "nostr_pubkey"?, "eth_address"?}`. */
export const KIND_REGISTRATION = 30_935;

/** The bot that an event registers; null: it registers none. */
export function botOf({ pubkey, content }: NostrEvent): Bot | null {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const bot = readBot({ bot_pubkey: pubkey, ...value });
  // It speaks for its own key only.
  return typeof bot === "string" || bot.pubkey !== pubkey ? null : bot;
}

/** A bot as a request names it, or what is wrong with it. */
export function readBot(value: Readonly<Record<string, unknown>>): Bot | string {
  const { bot_pubkey: pubkey, name, nostr_pubkey: nostrPubkey = null, eth_address: ethAddress = null } =
    value;
  if (!isHex64(pubkey)) return "bot_pubkey is not 64 lowercase hex digits";
  if (!isShortText(name)) return `name is not a text of 1 to ${FANOUT_NAME_CHARS_MAX} characters`;
  if (nostrPubkey !== null && !isHex64(nostrPubkey)) return "nostr_pubkey is not 64 lowercase hex digits";
  if (ethAddress !== null && !isShortText(ethAddress)) {
    return `eth_address is not a text of 1 to ${FANOUT_NAME_CHARS_MAX} characters`;
  }
  return { pubkey, name, nostrPubkey, ethAddress };
}

function isShortText(value: unknown): value is string {
  // Postgres stores no NUL.
  return typeof value === "string" && value.length > 0 && value.length <= FANOUT_NAME_CHARS_MAX &&
    !value.includes("\0");
}
