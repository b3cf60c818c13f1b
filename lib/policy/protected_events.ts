/**
 * Policy: protected events (NIP-70) come from their authors alone, and nobody passes them on inside a repost.
 * Runs on the thread that built it; no state.
 *
 * @module
 */
import type { EventPolicy, PolicyEvent } from "./policy.ts";

const KIND_REPOST = 6;
const KIND_GENERIC_REPOST = 16;
/** How JSON can write the string `-`. Content without either embeds no protected event, and is not parsed. */
const DASH = /"(?:-|\\u002[dD])"/;

/** Makes the policy. Cost: `walk`; only a repost that may embed a protected event is parsed. */
export function protectedEvents(): EventPolicy {
  return function fromItsAuthor(event, context) {
    if ((event.found?.isProtected ?? isProtected(event.tags)) && !context.authenticated.has(event.pubkey)) {
      return context.authenticated.size === 0
        ? "auth-required: this event may only be published by its author"
        : "restricted: this event may only be published by its author";
    }
    return embedsProtected(event) ? "blocked: a repost must not embed a protected event" : null;
  };
}

function isProtected(tags: unknown): boolean {
  return Array.isArray(tags) && tags.some((tag) => Array.isArray(tag) && tag[0] === "-");
}

/** The author of the repost makes no difference: NIP-70 has reposts embed no protected event at all. */
function embedsProtected(event: PolicyEvent): boolean {
  if (event.found?.mayEmbedProtected === false) return false;
  if (event.kind !== KIND_REPOST && event.kind !== KIND_GENERIC_REPOST) return false;
  if (!DASH.test(event.content)) return false;
  try {
    const embedded: unknown = JSON.parse(event.content);
    return typeof embedded === "object" && embedded !== null &&
      isProtected((embedded as Record<string, unknown>).tags);
  } catch {
    return false;
  }
}
