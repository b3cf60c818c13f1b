/**
 * What the tests of the pipeline do to a relay again and again: publish much, read all of it back, look at its pages.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Death } from "../../lib/queue/fault_injection.ts";
import type { OkMessage, TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import type { TestRelay } from "../support/relay.ts";
import type { TestEvent } from "../support/sign.ts";

/** Ids of one request. */
const IDS_AT_ONCE = 1_000;
/** The longest wait for one OK, ms. */
const OK_MS_MAX = 30_000;

/**
 * Publishes with at most `window` events unanswered, and tells each OK.
 *
 * @returns the events that were not answered, because the connection ended.
 */
export async function publishAll(
  client: TestClient,
  events: readonly TestEvent[],
  window: number,
  onOk: (event: TestEvent, ok: OkMessage) => void = () => {},
): Promise<TestEvent[]> {
  const unanswered: TestEvent[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: window }, async () => {
    while (next < events.length) {
      const event = events[next++]!;
      try {
        onOk(event, await client.publish(event, OK_MS_MAX));
      } catch {
        unanswered.push(event);
      }
    }
  }));
  return unanswered;
}

/** Publishes and demands that every event is accepted. */
export async function publishGood(
  client: TestClient,
  events: readonly TestEvent[],
  window = 500,
): Promise<void> {
  const refused: string[] = [];
  const unanswered = await publishAll(client, events, window, (_, ok) => {
    if (!ok[2]) refused.push(ok[3]);
  });
  assertEquals({ refused, unanswered: unanswered.length }, { refused: [], unanswered: 0 });
}

/** Those of `ids` that the relay serves. */
export async function heldOf(client: TestClient, ids: readonly string[]): Promise<Map<string, TestEvent>> {
  const held = new Map<string, TestEvent>();
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    const { events, closed } = await client.query({
      ids: ids.slice(at, at + IDS_AT_ONCE),
      limit: IDS_AT_ONCE,
    });
    assertEquals(closed, undefined);
    for (const event of events) held.set(event.id, inOrder(event));
  }
  return held;
}

/** Compares two sets of ids; a failure names a few of each side. */
export function assertSameIds(actual: Iterable<string>, expected: Iterable<string>): void {
  const [has, wants] = [new Set(actual), new Set(expected)];
  const missing = wants.difference(has);
  const unexpected = has.difference(wants);
  assertEquals(
    { missing: [...missing].slice(0, 5), unexpected: [...unexpected].slice(0, 5), of: wants.size },
    { missing: [], unexpected: [], of: wants.size },
    `${missing.size} ids are missing, ${unexpected.size} are too many`,
  );
}

/** Members in the order in which the tests write them, so that texts can be compared. */
function inOrder({ id, pubkey, created_at, kind, tags, content, sig }: TestEvent): TestEvent {
  return { id, pubkey, created_at, kind, tags, content, sig };
}

/** The samples of `/metrics`, by name and labels as they stand there: `nostr_oks_total{result="accepted"}`. */
export async function metricsOf(relay: TestRelay, boundMs = 30_000): Promise<Map<string, number>> {
  const signal = AbortSignal.timeout(boundMs);
  const text = await (await fetch(`${relay.httpUrl}/metrics`, { signal })).text();
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

/** One sample of `/metrics`. */
export async function metricOf(relay: TestRelay, sample: string): Promise<number> {
  const value = (await metricsOf(relay)).get(sample);
  if (value === undefined) throw new Error(`Cannot find metric "${sample}": /metrics has none`);
  return value;
}

/** Waits until the search index holds every change of the log. */
export async function indexed(relay: TestRelay, boundMs = 30_000): Promise<void> {
  await eventually(
    async () => {
      const metrics = await metricsOf(relay);
      return metrics.get("nostr_search_available") === 1 && metrics.get("nostr_indexer_lag_events") === 0;
    },
    boundMs,
    "the search index has everything",
  );
}

/** Has a worker of the relay die in the middle of its next work. */
export async function crash(
  relay: TestRelay,
  actor: string,
  index = 0,
  death: Death = "error",
): Promise<void> {
  const connection = await Deno.connect({ transport: "unix", path: `${relay.dataDir}/control.sock` });
  await connection.write(
    new TextEncoder().encode(JSON.stringify({ command: "crash", actor, index, death }) + "\n"),
  );
  await connection.closeWrite();
  const answer = await new Response(connection.readable).text();
  if (answer.includes(`"error"`)) throw new Error(`Cannot crash ${actor} ${index}: ${answer}`);
}
