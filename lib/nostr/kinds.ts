/**
 * What a kind says about storage (NIP-01).
 * Runs on any thread; no state.
 *
 * @module
 */

/** How a relay keeps events of a kind. */
type KindClass = "regular" | "replaceable" | "addressable" | "ephemeral";

/**
 * The class of a kind, by NIP-01's ranges.
 *
 * @example Usage
 * ```ts
 * import { kindClass } from "./kinds.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(kindClass(1), "regular");
 * assertEquals(kindClass(0), "replaceable");
 * assertEquals(kindClass(30_023), "addressable");
 * assertEquals(kindClass(20_001), "ephemeral");
 * ```
 */
export function kindClass(kind: number): KindClass {
  if (kind >= 30_000 && kind < 40_000) return "addressable";
  if (kind >= 20_000 && kind < 30_000) return "ephemeral";
  if ((kind >= 10_000 && kind < 20_000) || kind === 0 || kind === 3) return "replaceable";
  return "regular";
}

/** An author's request to delete events (NIP-09). */
export const KIND_DELETION = 5;
/** Where an author writes and reads (NIP-65). */
export const KIND_RELAY_LIST = 10_002;
/** A key has become a member of the relay, or is none any more; signed by the relay, like the next three (NIP-43). */
export const KIND_MEMBER_ADDED = 8_000;
export const KIND_MEMBER_REMOVED = 8_001;
/** The relay's members. */
export const KIND_MEMBERS = 13_534;
/** An invite code, made when it is asked for. */
export const KIND_INVITE = 28_935;
/** A role that members may have. */
export const KIND_ROLE = 33_534;
/** A user's request to become a member of the relay (NIP-43), and to be none any more. */
export const KIND_JOIN = 28_934;
export const KIND_LEAVE = 28_936;
/** An author's request that a relay forgets them (NIP-62). */
export const KIND_VANISH = 62;
/** A message that only its recipient, named in a `p` tag, can open (NIP-59). */
export const KIND_GIFT_WRAP = 1059;
