/**
 * Events whose ids share the 52 bits that indexes hold, as anybody finds them in a minute: each is stored, sent, counted
 * and deleted for itself.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { SCAN_CHUNK_ROWS_MAX } from "../../lib/limits.ts";
import { store } from "../protocol/shared_relay.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

const KEY = testKey(1);
const OTHER = testKey(2);
const CREATED_AT = 1_700_000_000;
/** Contents whose notes by `KEY` have ids with the same first 13 digits, two and two; found by hashing 2^27 of them. */
const PAIRS = [["4301326", "14304228"], ["19702912", "119745201"]]
  .map((contents) => contents.map((content) => signEvent(KEY, { content, created_at: CREATED_AT })))
  // Within a second the lowest id comes first, whichever was stored first.
  .map((pair) => pair.toSorted((a, b) => a.id < b.id ? -1 : 1));
const TIED = PAIRS.flat();
const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);

Deno.test("the pairs are pairs", () => {
  for (const [a, b] of PAIRS) assertEquals([a!.id.slice(0, 13), a!.id !== b!.id], [b!.id.slice(0, 13), true]);
});

Deno.test("wherever a page ends, none of two events that share a key is missed or sent twice", async () => {
  await using relay = await startRelay();
  await using client = await connect(relay.url);
  // So many that a fetch of SQLite ends between the two.
  const newer = Array.from(
    { length: SCAN_CHUNK_ROWS_MAX - 1 },
    (_, n) => signEvent(OTHER, { created_at: CREATED_AT + 1 + n }),
  ).toReversed();
  await store(client, ...TIED.toReversed(), ...newer);
  const authors = [KEY.pubkey, OTHER.pubkey];
  const all = [...idsOf(newer), ...idsOf(TIED)];
  for (const filter of [{ kinds: [1] }, { authors }, { authors, kinds: [1] }, {}, { kinds: [1, 7] }]) {
    for (const cut of [1, 2, 3]) {
      const limit = newer.length + cut;
      const { events, eose } = await client.query({ ...filter, limit });
      const where = `${JSON.stringify(filter)} limit ${limit}`;
      assertEquals(idsOf(events), all.slice(0, limit), where);
      assertEquals(eose?.[2], ["more"], where);
    }
    const { events, eose } = await client.query({ ...filter, limit: 1_000 });
    assertEquals([idsOf(events), eose?.[2]], [all, ["finish"]], JSON.stringify(filter));
  }
});

Deno.test("two ids that share a key are two ids, in a query, live, in a COUNT and in a deletion", async () => {
  await using relay = await startRelay();
  await using client = await connect(relay.url);
  await using live = await connect(relay.url);
  const [low, high] = PAIRS[0]! as [typeof TIED[0], typeof TIED[0]];
  live.send(["REQ", "one", { ids: [high.id] }]);
  await live.next(([type]) => type === "EOSE");
  await store(client, high, low);
  assertEquals(await client.publish(high), ["OK", high.id, true, "duplicate: already have this event"]);
  assertEquals(idsOf((await client.query({ ids: [low.id, high.id] })).events), [low.id, high.id]);
  assertEquals(idsOf((await client.query({ ids: [low.id, high.id], limit: 1 })).events), [low.id]);
  for (const { id } of [low, high]) assertEquals(idsOf((await client.query({ ids: [id] })).events), [id]);
  client.send(["COUNT", "both", { ids: [low.id, high.id] }]);
  const [, , counted] = await client.next(([type]) => type === "COUNT");
  assertEquals((counted as { count: number }).count, 2);
  await store(client, signEvent(KEY, { kind: 5, tags: [["e", low.id]] }));
  assertEquals(idsOf((await client.query({ ids: [low.id, high.id] })).events), [high.id]);
  assertEquals((await client.publish(low))[2], false);
  const sent = await live.next(([type]) => type === "EVENT");
  assertEquals((sent[2] as { id: string }).id, high.id);
  live.send(["REQ", "end", { limit: 0 }]);
  assertEquals((await live.next(() => true))[0], "EOSE", "nothing else came");
});
