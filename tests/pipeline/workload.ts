/**
 * A workload of many kinds of events. What a relay that has them all holds is for `tests/support/event_model.ts` to say:
 * whatever order the events arrive in, the end is the same. Deletions by id name events that nothing replaces and that
 * are no younger, and deletions by address name a time.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import { EventModel } from "../support/event_model.ts";
import type { Prng } from "../support/prng.ts";
import { signEvent, type TestEvent, type TestKey, testKey } from "../support/sign.ts";

/** Keys that sign a workload's events. */
const KEYS = 40;
/** Words of which each event with a text has one, so that searches find all of them in parts. */
export const WORDS = ["anchor", "beacon", "cobalt", "dynamo", "ember", "falcon", "garnet", "harbor"] as const;
/** The span of `created_at`, seconds. */
const SPAN_SECONDS = 100_000;
/** Shares of what only a hard workload has. */
const VANISH_SHARE = 0.0015;
const EPHEMERAL_SHARE = 0.05;
const WRAP_SHARE = 0.05;

/** What a test decides about its workload. */
interface WorkloadOptions {
  /** The number of the first of the keys that sign. */
  readonly firstKey?: number;
  /** Requests to vanish (NIP-62), gift wraps and ephemeral events as well. */
  readonly isHard?: boolean;
  /** When all that can expires (NIP-40), Unix seconds: requests to delete and to vanish never do. */
  readonly expiresAt?: number;
}

/** `count` events: notes, profiles, lists, articles, reactions, and deletions of those. */
export function makeWorkload(prng: Prng, count: number, options: WorkloadOptions = {}): TestEvent[] {
  const start = Math.floor(Date.now() / 1000) - 200_000;
  const notes = new Map<string, TestEvent[]>();
  const key = () => testKey((options.firstKey ?? 0) + prng.int(0, KEYS - 1));
  const life = options.expiresAt === undefined ? [] : [["expiration", String(options.expiresAt)]];
  return Array.from({ length: count }, (_, n) => {
    const owner = key();
    const created_at = start + prng.int(0, SPAN_SECONDS);
    const content = `${prng.pick(WORDS)} number ${n}`;
    if (options.isHard) {
      const event = hardEvent(prng, owner, { recipient: key(), created_at, life });
      if (event !== null) return event;
    }
    const dice = prng.float();
    if (dice < 0.15) {
      const kind = prng.pick([0, 3, 10_002]);
      return signEvent(owner, { kind, created_at, content: profile(content), tags: life });
    }
    if (dice < 0.3) {
      const tags = [["d", `article ${prng.int(0, 4)}`], ["title", content], ...life];
      return signEvent(owner, { kind: 30_023, created_at, content, tags });
    }
    const mine = notes.get(owner.pubkey) ?? [];
    notes.set(owner.pubkey, mine);
    if (dice < 0.36 && mine.length > 0) {
      const target = prng.pick(mine);
      const tags = [["e", target.id], ["e", prng.hex(32)]];
      return signEvent(owner, { kind: 5, created_at: Math.max(created_at, target.created_at), tags });
    }
    if (dice < 0.38) {
      const tags = [["a", `30023:${owner.pubkey}:article ${prng.int(0, 4)}`]];
      return signEvent(owner, { kind: 5, created_at, tags });
    }
    const tags = [["t", prng.pick(WORDS)], ["p", key().pubkey], ...life];
    const event = signEvent(owner, { kind: prng.pick([1, 1, 1, 7]), created_at, content, tags });
    mine.push(event);
    return event;
  });
}

/** What an event of a hard workload is made of, besides its author. */
interface HardParts {
  readonly recipient: TestKey;
  readonly created_at: number;
  /** The tag that ends it, where it ends. */
  readonly life: string[][];
}

function hardEvent(prng: Prng, owner: TestKey, { recipient, created_at, life }: HardParts): TestEvent | null {
  const dice = prng.float();
  if (dice < VANISH_SHARE) {
    return signEvent(owner, { kind: 62, created_at, tags: [["relay", "ALL_RELAYS"]] });
  }
  if (dice < VANISH_SHARE + EPHEMERAL_SHARE) {
    return signEvent(owner, { kind: 20_001, created_at, content: prng.hex(20) });
  }
  if (dice > VANISH_SHARE + EPHEMERAL_SHARE + WRAP_SHARE) return null;
  const tags = [["p", recipient.pubkey], ...life];
  return signEvent(owner, { kind: 1059, created_at, content: prng.hex(40), tags });
}

function profile(about: string): string {
  return JSON.stringify({ name: "somebody", about });
}

/** The events of `all` that remain, by id. */
export function survivors(all: readonly TestEvent[]): Map<string, TestEvent> {
  const alive = EventModel.of(all).survivors();
  return new Map(all.filter(({ id }) => alive.has(id)).map((event) => [event.id, event]));
}
