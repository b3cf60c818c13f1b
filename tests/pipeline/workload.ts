/**
 * A workload of many kinds of events, and what a relay that has them all holds: a plain map, too simple to be wrong.
 * Whatever order the events arrive in, the end is the same: deletions by id name events that nothing replaces, and
 * deletions by address name a time.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import type { Prng } from "../support/prng.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

/** Keys that sign a workload's events. */
const KEYS = 40;
/** Words of which each event with a text has one, so that searches find all of them in parts. */
export const WORDS = ["anchor", "beacon", "cobalt", "dynamo", "ember", "falcon", "garnet", "harbor"] as const;

/** `count` events: notes, profiles, lists, articles, reactions, and deletions of those. */
export function makeWorkload(prng: Prng, count: number): TestEvent[] {
  const start = Math.floor(Date.now() / 1000) - 200_000;
  const events: TestEvent[] = [];
  const notes: TestEvent[][] = Array.from({ length: KEYS }, () => []);
  for (let n = 0; n < count; n++) {
    const owner = prng.int(0, KEYS - 1);
    const key = testKey(owner);
    const created_at = start + prng.int(0, 100_000);
    const content = `${prng.pick(WORDS)} number ${n}`;
    const dice = prng.float();
    if (dice < 0.15) {
      events.push(signEvent(key, { kind: prng.pick([0, 3, 10_002]), created_at, content: profile(content) }));
    } else if (dice < 0.3) {
      const tags = [["d", `article ${prng.int(0, 4)}`], ["title", content]];
      events.push(signEvent(key, { kind: 30_023, created_at, content, tags }));
    } else if (dice < 0.36 && notes[owner]!.length > 0) {
      const tags = [["e", prng.pick(notes[owner]!).id], ["e", prng.hex(32)]];
      events.push(signEvent(key, { kind: 5, created_at, tags }));
    } else if (dice < 0.38) {
      const tags = [["a", `30023:${key.pubkey}:article ${prng.int(0, 4)}`]];
      events.push(signEvent(key, { kind: 5, created_at, tags }));
    } else {
      const tags = [["t", prng.pick(WORDS)], ["p", testKey(prng.int(0, KEYS - 1)).pubkey]];
      const event = signEvent(key, { kind: prng.pick([1, 1, 1, 7]), created_at, content, tags });
      notes[owner]!.push(event);
      events.push(event);
    }
  }
  return events;
}

function profile(about: string): string {
  return JSON.stringify({ name: "somebody", about });
}

/** The events of `all` that remain, by id. */
export function survivors(all: readonly TestEvent[]): Map<string, TestEvent> {
  const deleted = new Deletions(all);
  const alive = new Map<string, TestEvent>();
  const newest = new Map<string, TestEvent>();
  for (const event of all) {
    if (deleted.has(event)) continue;
    const address = addressOf(event);
    if (address === null) alive.set(event.id, event);
    else if (wins(event, newest.get(address))) newest.set(address, event);
  }
  for (const event of newest.values()) alive.set(event.id, event);
  return alive;
}

/**
 * What is wrong with what a relay holds, knowing that it acknowledged `acknowledged` and may have stored any of `sent`.
 *
 * @returns a sentence for each mistake.
 */
export function losses(
  held: ReadonlyMap<string, TestEvent>,
  acknowledged: readonly TestEvent[],
  sent: ReadonlyMap<string, TestEvent>,
): string[] {
  const wrong: string[] = [];
  const deleted = new Deletions([...held.values()]);
  const byAddress = new Map<string, TestEvent>();
  for (const event of held.values()) {
    if (JSON.stringify(event) !== JSON.stringify(sent.get(event.id))) wrong.push(`${event.id} was changed`);
    if (deleted.has(event)) wrong.push(`${event.id} is there beside its deletion`);
    const address = addressOf(event);
    if (address === null) continue;
    if (byAddress.has(address)) wrong.push(`${address} is there twice`);
    byAddress.set(address, event);
  }
  for (const event of acknowledged) {
    if (held.has(event.id) || deleted.has(event)) continue;
    const address = addressOf(event);
    const present = address === null ? undefined : byAddress.get(address);
    if (present === undefined || !wins(present, event)) {
      wrong.push(`${event.id} of kind ${event.kind} is lost`);
    }
  }
  return wrong;
}

/** What the deletion requests among some events name. */
class Deletions {
  readonly #ids = new Set<string>();
  readonly #until = new Map<string, number>();

  constructor(events: readonly TestEvent[]) {
    for (const { kind, pubkey, tags, created_at } of events) {
      if (kind !== 5) continue;
      for (const [name, value] of tags as [string, string][]) {
        if (name === "e") this.#ids.add(`${pubkey} ${value}`);
        else this.#until.set(value, Math.max(created_at, this.#until.get(value) ?? 0));
      }
    }
  }

  has(event: TestEvent): boolean {
    if (event.kind === 5) return false;
    if (this.#ids.has(`${event.pubkey} ${event.id}`)) return true;
    const address = addressOf(event);
    return address !== null && event.created_at <= (this.#until.get(address) ?? -1);
  }
}

function addressOf({ kind, pubkey, tags }: TestEvent): string | null {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return `${kind}:${pubkey}:`;
  if (kind < 30_000 || kind >= 40_000) return null;
  return `${kind}:${pubkey}:${tags.find((tag) => tag[0] === "d")?.[1] ?? ""}`;
}

/** Newest first, then the lowest id (NIP-01). */
function wins(event: TestEvent, other: TestEvent | undefined): boolean {
  if (other === undefined || event.created_at !== other.created_at) {
    return event.created_at > (other?.created_at ?? -1);
  }
  return event.id <= other.id;
}
