/**
 * What a publish costs where many are subscribed and few match: `deno task bench subscriptions [--sizes 100,10000,1000000]
 * [--matching N] [--events E]`. Files subscriptions as a gateway does, of authors, mentions, replies and hashtags that
 * nobody writes, and some that every event matches; prints one line of JSON a size: time to find whom an event is for,
 * and memory a subscription. No sockets: what a delivery costs, `fanout` measures.
 * Runs in the bench's own process.
 *
 * @module
 */
import { memoryUsage } from "node:process";
import { parseFilter } from "../lib/nostr/filter.ts";
import { eventFacts } from "../lib/nostr/packed_event.ts";
import { KEY_HASH_WORDS, KeyHash } from "../lib/nostr/key_hash.ts";
import { idKey, pubkeyKey } from "../lib/nostr/keys.ts";
import { type LiveEvent, SubscriptionIndex } from "../lib/subscription/subscription_index.ts";
import { readFlags } from "./flags.ts";
import { authorOf, idOfEvent } from "./made_store.ts";
import { printResult } from "./output.ts";

const LIMITS = { limitMax: 5_000, limitDefault: 500 };
/** The author whose events everybody matches that is to match; others are known by higher numbers. */
const WRITER = 0;

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const defaults = { sizes: ["100", "10000", "1000000"], matching: 10, events: 20_000 };
  const { sizes, matching, events } = readFlags(words, defaults);
  for (const subscriptions of sizes.map(Number)) {
    await printResult({ scenario: "subscriptions", ...measure(subscriptions, matching, events) });
  }
}

/** Measures one size. */
export function measure(subscriptions: number, matching: number, events: number): Record<string, number> {
  const before = memoryUsage().heapUsed;
  const index = new SubscriptionIndex<{ number: number }>({
    hash: new KeyHash(crypto.getRandomValues(new Uint32Array(KEY_HASH_WORDS))),
  });
  for (let number = 0; number < subscriptions; number++) {
    index.add({ number }, [
      parseFilter(number < matching ? { authors: [authorOf(WRITER)] } : other(number), LIMITS),
    ]);
  }
  const heapBytes = memoryUsage().heapUsed - before;
  const published = Array.from({ length: 100 }, (_, number) => liveEvent(number));
  let deliveries = 0;
  const publish = (count: number) => {
    for (let number = 0; number < count; number++) index.match(published[number % 100]!, () => deliveries++);
  };
  publish(events >> 2);
  deliveries = 0;
  const started = performance.now();
  publish(events);
  const micros = (performance.now() - started) * 1_000 / events;
  return {
    subscriptions,
    matching,
    deliveries_per_event: deliveries / events,
    us_per_event: Math.round(micros * 100) / 100,
    heap_bytes_per_subscription: Math.round(heapBytes / subscriptions),
  };
}

/** What others ask for, and this writer never does. */
function other(number: number): Record<string, unknown> {
  const key = authorOf(number + 1);
  if (number % 4 === 0) return { authors: [key], kinds: [0, 3] };
  if (number % 4 === 1) return { "#p": [key], kinds: [1, 6, 7] };
  return number % 4 === 2 ? { "#e": [idOfEvent(number)] } : { "#t": [`topic ${number}`], since: 1 };
}

function liveEvent(number: number): LiveEvent {
  const tags = [["e", idOfEvent(2 ** 31 - number)], ["p", authorOf(2 ** 31 - number)], ["t", "common"]];
  const event = {
    id: idOfEvent(number),
    pubkey: authorOf(WRITER),
    created_at: number,
    kind: 1,
    tags,
    content: "",
    sig: "",
  };
  const { text, tagKeys } = eventFacts(event);
  return {
    kind: 1,
    createdAt: number,
    idKey: idKey(event.id),
    pubkeyKey: pubkeyKey(event.pubkey),
    tagKeys,
    text,
  };
}
