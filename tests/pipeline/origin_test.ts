/** Tests of origins: one that dies and lives again has every outcome of its new life, and none of the old. */
import { assertEquals } from "@std/assert";
import { usedBytesOf } from "../../lib/queue/lane.ts";
import type { Source } from "../../wire/source.ts";
import { DataPath } from "../support/data_path.ts";
import { eventually } from "../support/eventually.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import type { OriginStart, Told } from "./origin_worker.ts";

/** Two workers are started and compiled meanwhile. */
const BOUND_MS = 60_000;
const BAD_SIGNATURE = "invalid: the signature does not verify";
const DUPLICATE = "duplicate: already have this event";

/** One life of the origin. */
class Life implements Disposable {
  readonly #worker = new Worker(new URL("origin_worker.ts", import.meta.url), { type: "module" });
  readonly told: Told[] = [];

  constructor({ memory }: DataPath, epoch: number, source: Source, events: readonly TestEvent[]) {
    this.#worker.onmessage = ({ data }) => this.told.push(data);
    const texts = events.map((event) => JSON.stringify(event));
    this.#worker.postMessage({ memory, epoch, source, events: texts } satisfies OriginStart);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

function notes(name: string, count: number): TestEvent[] {
  return Array.from({ length: count }, (_, n) => signEvent(testKey(n % 5), { content: `${name} ${n}` }));
}

function forged(event: TestEvent): TestEvent {
  return { ...event, sig: event.sig.replace(/^../, (hex) => hex === "00" ? "01" : "00") };
}

function byId(told: readonly Told[]): Told[] {
  return told.toSorted(([a], [b]) => a < b ? -1 : 1);
}

Deno.test("an origin that is killed and resumes has every outcome of its new life, and none of its old one", async () => {
  await using path = new DataPath();
  await path.start("verifier");
  const [refused, ...unanswered] = notes("first life", 100);
  {
    using first = new Life(path, 1, "upstream", [forged(refused!), ...unanswered]);
    // There is no store yet, so that what is not refused stays unanswered.
    await eventually(() => first.told.length > 0, BOUND_MS);
    assertEquals(first.told, [[refused!.id, false, BAD_SIGNATURE]]);
  }
  await path.start("store");
  await eventually(() => usedBytesOf(path.memory.outcomes[0]!) > 0, BOUND_MS);
  const fresh = notes("second life", 100);
  const last = signEvent(testKey(1), { content: "forged" });
  // It does not know what became of the events of its old life, and sends some again: none was lost.
  const again = unanswered.slice(0, 10);
  using second = new Life(path, 2, "upstream", [...again, ...fresh, forged(last)]);
  const expected: Told[] = [
    ...again.map(({ id }): Told => [id, true, DUPLICATE]),
    ...fresh.map(({ id }): Told => [id, true, ""]),
    [last.id, false, BAD_SIGNATURE],
  ];
  await eventually(() => second.told.length >= expected.length, BOUND_MS);
  assertEquals(byId(second.told), byId(expected));
  assertEquals(usedBytesOf(path.memory.outcomes[0]!), 0);
});

Deno.test("policies about a sender apply to clients; what another relay sends is verified, and stored", async () => {
  const env = { AUTH_TO_WRITE: "true", RELAY_URL: "ws://relay.example", EVENTS_PER_MINUTE_AUTHOR: "1" };
  await using path = new DataPath(env);
  for (const actor of ["verifier", "store"] as const) await path.start(actor);
  const [note, other] = notes("by whom", 2);
  const lives: [Source, string][] = [["client", "auth-required:"], ["upstream", ""], ["replica", DUPLICATE]];
  for (const [epoch, [source, message]] of lives.entries()) {
    using life = new Life(path, epoch + 1, source, [note!, forged(other!)]);
    await eventually(() => life.told.length === 2, BOUND_MS);
    const [told, ofForged] = life.told.toSorted(([id]) => id === note!.id ? -1 : 1);
    assertEquals([told![1], told![2].slice(0, message.length)], [source !== "client", message]);
    assertEquals(ofForged![1], false);
  }
});
