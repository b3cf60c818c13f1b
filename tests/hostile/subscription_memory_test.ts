/**
 * Tests of clients that subscribe to all that they may: what their filters take is bounded, one by one and together, and is
 * given back when they go.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { HELD_VALUE_BYTES, HELD_VALUES_MAX } from "../../lib/limits.ts";
import { metricOf } from "../pipeline/traffic.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { privateMiB } from "../support/footprint.ts";
import { startRelay } from "../support/relay.ts";

/** As many keys as fit a message of the usual length. */
const AUTHORS = 3_800;
const MIB = 1024 * 1024;
/** What threads may take for themselves meanwhile: what they have read and not yet thrown away. */
const SLACK_MIB = 120;
/** What may be left of it. */
const LEFT_MIB_MAX = 30;
/** Memory goes back when its thread has been idle for a while, ms. */
const GIVEN_BACK_MS_MAX = 90_000;

let last = 0;

/** Keys that nobody has asked for. */
function authors(count: number): string[] {
  return Array.from({ length: count }, () => (++last).toString(16).padStart(8, "0").repeat(8));
}

/** Returns null, or why it was refused. */
async function refusalOf(client: TestClient, verb: "REQ" | "COUNT", id: string, filter: object) {
  client.send([verb, id, filter]);
  const [type, , reason] = await client.next(([type, name]) => type !== "EVENT" && name === id, 60_000);
  return type === "CLOSED" ? String(reason) : null;
}

/** Subscribes until it is refused. Returns the subscriptions that are open. */
async function takeAll(client: TestClient, filter: () => object): Promise<number> {
  for (let n = 0;; n++) {
    const refusal = await refusalOf(client, "REQ", `all ${n}`, filter());
    if (refusal === null) continue;
    assertMatch(refusal, /^rate-limited: the filters of this connection hold more than 50000 values$/);
    return n;
  }
}

Deno.test("the filters of a connection hold so many values, and what it closes makes room", async () => {
  await using relay = await startRelay();
  await using client = await connect(relay.url);
  const filter = () => ({ authors: authors(AUTHORS), limit: 0 });
  const open = await takeAll(client, filter);
  assertEquals(open, Math.floor(HELD_VALUES_MAX / (AUTHORS + 4)));
  // Counts take of the same, for as long as they are under way; so does what replaces another.
  assertMatch(await refusalOf(client, "COUNT", "count", filter()) ?? "", /^rate-limited: the filters/);
  assertEquals(await refusalOf(client, "REQ", "all 0", filter()), null);
  assertEquals(await refusalOf(client, "COUNT", "count", { authors: authors(200) }), null);
  client.send(["CLOSE", "all 0"]);
  for (let n = 0; n < 20; n++) assertEquals(await refusalOf(client, "COUNT", "count", filter()), null);
  assertEquals(await refusalOf(client, "REQ", "again", filter()), null);
  // A long value counts as several.
  client.send(["CLOSE", "all 1"]);
  assertMatch(
    await refusalOf(client, "REQ", "long", { "#t": Array.from({ length: 4 }, () => "t".repeat(62_000)) }) ??
      "",
    /^$|rate-limited: the filters/,
  );
  await using other = await connect(relay.url);
  assertEquals(await refusalOf(other, "REQ", "mine", { authors: authors(200), kinds: [1, 6, 7] }), null);
});

Deno.test("timelines, mentions and long lists of a usual client are all served", async () => {
  await using relay = await startRelay();
  await using client = await connect(relay.url);
  const timeline = () => ({ authors: authors(200), kinds: [1, 6, 7], limit: 0 });
  for (let n = 0; n < 48; n++) {
    assertEquals(await refusalOf(client, "REQ", `timeline ${n}`, timeline()), null);
  }
  for (let n = 0; n < 6; n++) {
    const follows = { authors: authors(AUTHORS), kinds: [1], limit: 0 };
    assertEquals(await refusalOf(client, "REQ", `follows ${n}`, follows), null);
    const thread = { "#e": authors(300), "#p": authors(1), limit: 0 };
    assertEquals(await refusalOf(client, "REQ", `thread ${n}`, thread), null);
  }
});

Deno.test("what filters take is within its bound, and goes back when the clients go", async () => {
  await using relay = await startRelay();
  const before = await privateMiB(relay);
  const clients = await Promise.all(Array.from({ length: 16 }, () => connect(relay.url)));
  const shapes = [
    () => ({ authors: authors(AUTHORS), limit: 0 }),
    () => ({ "#p": authors(AUTHORS), limit: 0 }),
    () => ({ "#p": authors(1), authors: authors(AUTHORS), limit: 0 }),
    () => ({ "#t": authors(1_200).map((key) => "\u4e00" + key.slice(1)), limit: 0 }),
  ];
  for (const [n, client] of clients.entries()) await takeAll(client, shapes[n % shapes.length]!);
  const held = await metricOf(relay, "nostr_filter_values_held");
  assert(held > clients.length * (HELD_VALUES_MAX - AUTHORS - 100));
  const grownMiB = await privateMiB(relay) - before;
  assert(grownMiB < held * HELD_VALUE_BYTES / MIB + SLACK_MIB, `${held} values took ${grownMiB} MiB`);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await eventually(async () => await metricOf(relay, "nostr_filter_values_held") === 0, GIVEN_BACK_MS_MAX);
  await eventually(
    async () => await privateMiB(relay) - before < LEFT_MIB_MAX,
    GIVEN_BACK_MS_MAX,
    `private memory is within ${LEFT_MIB_MAX} MiB of its start`,
  );
});
