/**
 * The limits that NIP-11 shows, as one check of an event: cheap, and before its signature is looked at.
 * Runs on a verifier's thread; no state.
 *
 * @module
 */
import { KIND_AUTH } from "../nostr/auth.ts";
import { isLongerThan } from "../nostr/characters.ts";
import { expiresAt } from "../nostr/event.ts";
import { KIND_VANISH } from "../nostr/kinds.ts";
import { vanishFault } from "../nostr/vanish.ts";
import type { EventPolicy } from "./policy.ts";
import { workFault } from "./required_work.ts";

/** What an operator may set; names as in NIP-11's `limitation`. */
interface EventLimits {
  readonly MAX_EVENT_TAGS: number;
  /** Unicode characters. */
  readonly MAX_CONTENT_LENGTH: number;
  /** Seconds in the past; 0: any. */
  readonly CREATED_AT_LOWER_LIMIT: number;
  /** Seconds in the future. */
  readonly CREATED_AT_UPPER_LIMIT: number;
  /** Leading zero bits of the id (NIP-13). */
  readonly MIN_POW_DIFFICULTY: number;
}

/**
 * Makes the policy of the limits on size alone, which also bind events whose signatures are taken for granted. Cost:
 * `field`.
 */
export function sizeLimits(limits: Pick<EventLimits, "MAX_EVENT_TAGS" | "MAX_CONTENT_LENGTH">): EventPolicy {
  return function withinSizeLimits(event, { anySize }) {
    const { found } = event;
    if ((found ? found.tagCount : event.tags.length) > limits.MAX_EVENT_TAGS && !anySize) {
      return `invalid: the event has more than ${limits.MAX_EVENT_TAGS} tags`;
    }
    const isTooLong = found
      ? found.contentCharacters > limits.MAX_CONTENT_LENGTH
      : isLongerThan(event.content, limits.MAX_CONTENT_LENGTH);
    return isTooLong && !anySize
      ? `invalid: the content is longer than ${limits.MAX_CONTENT_LENGTH} characters`
      : null;
  };
}

/**
 * Makes the policy. Cost: `field`.
 */
export function eventLimits(limits: EventLimits): EventPolicy {
  const sizes = sizeLimits(limits);
  return function withinEventLimits(event, context) {
    if (event.kind === KIND_AUTH) return "invalid: kind 22242 belongs into an AUTH message";
    const { found } = event;
    const oversize = sizes(event, context);
    if (oversize !== null) return oversize;
    const { nowSeconds } = context;
    if (event.created_at > nowSeconds + limits.CREATED_AT_UPPER_LIMIT) {
      return `invalid: created_at is more than ${limits.CREATED_AT_UPPER_LIMIT} seconds in the future`;
    }
    if (limits.CREATED_AT_LOWER_LIMIT > 0 && event.created_at < nowSeconds - limits.CREATED_AT_LOWER_LIMIT) {
      return `invalid: created_at is more than ${limits.CREATED_AT_LOWER_LIMIT} seconds in the past`;
    }
    const expiry = found ? found.expiresAt : expiresAt(event);
    if (expiry > 0 && expiry <= nowSeconds) return "invalid: the event has expired";
    const fault = vanishFault(event);
    if (fault !== null) return `invalid: ${fault}`;
    // A relay that asks something of who writes follows a request to vanish all the same (NIP-62).
    if (event.kind === KIND_VANISH) return null;
    return workFault(event, { difficulty: limits.MIN_POW_DIFFICULTY, commitmentRequired: false });
  };
}
