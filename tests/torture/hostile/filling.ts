/**
 * Messages and events as full as the relay's limits allow. Runs on any thread; no state.
 *
 * @module
 */
import { signEvent, type TestEvent, type TestKey } from "../../support/sign.ts";
import type { ToldLimits } from "./attack.ts";

/** Room in a message for its verb, its ids and the names of members, bytes. */
const FRAMING_BYTES = 2_000;

/** As many of the items, each as JSON writes it, as one message holds, beside `others` more bytes. */
export function fitting<Item>(limits: ToldLimits, items: readonly Item[], others = 0): Item[] {
  let bytes = FRAMING_BYTES + others;
  let count = 0;
  for (; count < items.length; count++) {
    bytes += JSON.stringify(items[count]).length + 1;
    if (bytes > limits.max_message_length) break;
  }
  return items.slice(0, count);
}

/** As many tags as an event may have and its message holds. */
export function fullTags(limits: ToldLimits, tags: readonly string[][]): string[][] {
  return fitting(limits, tags.slice(0, limits.max_event_tags));
}

/** An event with as long a content as is allowed, up to `chars`. */
export function longEvent(limits: ToldLimits, key: TestKey, content: string): TestEvent {
  const chars = Math.min(limits.max_content_length, limits.max_message_length - FRAMING_BYTES);
  return signEvent(key, { content: content.slice(0, chars) });
}

/** An event that looks right and has no signature. */
export function unsigned(event: TestEvent): TestEvent {
  return { ...event, sig: "0".repeat(128) };
}

/** A name of 64 hex digits that no event and nobody has. */
export function hexOf(n: number): string {
  return n.toString(16).padStart(64, "0");
}
