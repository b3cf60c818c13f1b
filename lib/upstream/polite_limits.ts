/**
 * What another relay allows, by its information document (NIP-11). The document is a stranger's: what has a wrong type or
 * makes no sense counts as not said, and what is generous is made use of within bounds.
 * Runs on any thread; no state.
 *
 * @module
 */
import {
  UPSTREAM_LIMIT_DEFAULT,
  UPSTREAM_LIMIT_MAX,
  UPSTREAM_MESSAGE_BYTES_DEFAULT,
  UPSTREAM_MESSAGE_BYTES_MAX,
  UPSTREAM_MESSAGE_BYTES_MIN,
  UPSTREAM_SUBSCRIPTIONS_DEFAULT,
  UPSTREAM_SUBSCRIPTIONS_MAX,
} from "../limits.ts";
import type { PoliteLimits } from "./relay_conversation.ts";

const NIP_NEGENTROPY = 77;

/** Of a relay whose document cannot be read. Whether it compares sets is tried. */
export const UNKNOWN_LIMITS: PoliteLimits = politeLimits({ supported_nips: [NIP_NEGENTROPY] });

/**
 * The limits that a document states, or the defaults.
 *
 * @param document Parsed JSON of any shape.
 *
 * @example Usage
 * ```ts
 * import { politeLimits } from "./polite_limits.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const limits = politeLimits({ supported_nips: [1, 77], limitation: { max_limit: 100, max_subscriptions: "many" } });
 * assertEquals(limits.limitMax, 100);
 * assertEquals(limits.reconciles, true);
 * ```
 */
export function politeLimits(document: unknown): PoliteLimits {
  const { limitation, supported_nips: nips } = objectOf(document);
  const { max_subscriptions, max_limit, max_message_length } = objectOf(limitation);
  return {
    subscriptionsMax: within(max_subscriptions, {
      least: 1,
      most: UPSTREAM_SUBSCRIPTIONS_MAX,
      otherwise: UPSTREAM_SUBSCRIPTIONS_DEFAULT,
    }),
    limitMax: within(max_limit, { least: 1, most: UPSTREAM_LIMIT_MAX, otherwise: UPSTREAM_LIMIT_DEFAULT }),
    messageBytesMax: within(max_message_length, {
      least: UPSTREAM_MESSAGE_BYTES_MIN,
      most: UPSTREAM_MESSAGE_BYTES_MAX,
      otherwise: UPSTREAM_MESSAGE_BYTES_DEFAULT,
    }),
    reconciles: Array.isArray(nips) && nips.includes(NIP_NEGENTROPY),
  };
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : {};
}

function within(
  value: unknown,
  { least, most, otherwise }: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least) return otherwise;
  return Math.min(Math.floor(value), most);
}
