/**
 * Tests of a relay whose upstream relays lie, each in its own way, all at once. Run on the main thread; relays belong to
 * the tests.
 *
 * @module
 */
import { assert } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import * as lies from "../support/relay_lies.ts";
import { startRelay } from "../support/relay.ts";
import { type Lie, type SimulatedRelay, startSimulatedRelay } from "../support/simulated_relay.ts";
import { ALLOWED, has, notes, publishAll, shown } from "./support.ts";

/** Each lie, with the kind of failure that it leads to; `invalid` is a quarantine. */
const LIES: readonly (readonly [name: string, lie: Lie, failure: string])[] = [
  ["events that nobody asked for", lies.sendsUnasked, "garbage"],
  ["wrong ids", lies.sendsWrongIds, "invalid"],
  ["forged signatures", lies.forgesSignatures, "invalid"],
  ["a frame of 64 MB", lies.sendsLongFrame, "too-large"],
  ["what is not JSON", lies.sendsGarbage, "garbage"],
  ["binary messages", lies.sendsBinary, "garbage"],
  ["what is not UTF-8", lies.sendsWrongText, "garbage"],
  ["notices without end", lies.sendsNotices, "garbage"],
  ["challenges without end", lies.challengesForEver, "auth"],
  ["the end of each connection", lies.closesAtOnce, "closed"],
  ["a redirect", lies.answers("302 Found\r\nLocation: ws://127.0.0.1:1"), "redirect"],
  ["a refusal", lies.answers("403 Forbidden"), "http"],
];
/** How much the process may grow meanwhile, bytes. */
const GROWTH_MAX = 300e6;

async function residentBytes(httpUrl: string): Promise<number> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (.+)$/m.exec(text)![1]);
}

Deno.test("relays that lie are told apart and cost little, and an honest one among them loses nothing", async () => {
  await using open = new AsyncDisposableStack();
  const relays: SimulatedRelay[] = [];
  for (const [, lie] of LIES) {
    relays.push(open.use(await startSimulatedRelay({ events: notes(50), lie, document: null })));
  }
  const history = notes(200);
  await using honest = await startSimulatedRelay({ events: history });
  const urls = [...relays, honest].map(({ url }) => url);
  await using relay = await startRelay({
    env: {
      ...ALLOWED,
      UPSTREAM_RELAYS: urls.join(","),
      UPSTREAM_PER_HOST_MAX: "100",
      RELAY_SECRET_KEY: "5".repeat(64),
    },
  });
  const before = await residentBytes(relay.httpUrl);
  await using client = await connect(relay.url);
  for (const [n, [name, , failure]] of LIES.entries()) {
    const shows = async () => {
      const one = (await shown(relay)).get(relays[n]!.url);
      return one?.failure === failure && one.failureText !== "";
    };
    await eventually(shows, 30_000, `${name} is a failure of kind ${failure}`).catch(async (error) => {
      throw new Error(`${error.message}: ${JSON.stringify((await shown(relay)).get(relays[n]!.url))}`);
    });
  }
  await eventually(() => has(client, history), 10_000, "what the honest one has is here");
  const live = notes(3);
  for (const event of live) honest.add(event);
  await eventually(() => has(client, live), 10_000, "what it gets is here");
  await publishAll(client, notes(20));
  const growth = await residentBytes(relay.httpUrl) - before;
  assert(growth < GROWTH_MAX, `it has grown by ${growth} bytes`);
  await relay.stop();
});
