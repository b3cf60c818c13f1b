/**
 * NIP-67 from outside: an EOSE says "finish" or "more" only where that is so, and a page that the relay cuts off ends
 * between two seconds.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { signEvent, type TestEvent } from "../support/sign.ts";
import { freshKey, idsOf, sharedRelay, store } from "./shared_relay.ts";

const LIMIT_MAX = 60;
const LIMIT_DEFAULT = 25;
const relay = await sharedRelay({
  MAX_LIMIT: String(LIMIT_MAX),
  DEFAULT_LIMIT: String(LIMIT_DEFAULT),
  FLUSH_INTERVAL_MS: "50",
});

/** The hints of a query's EOSE, and the number of its events. */
async function hintOf(client: TestClient, ...filters: TestFilter[]): Promise<[unknown, number]> {
  const { events, eose } = await client.query(...filters);
  assertEquals([eose?.[0], eose?.length], ["EOSE", 3]);
  return [eose![2], events.length];
}

Deno.test("the EOSE says finish where everything was sent, and more where a limit cut it off", async () => {
  await using client = await connect(relay.url);
  const [key, other] = [freshKey(), freshKey()];
  const authors = [key.pubkey];
  const events = Array.from(
    { length: 20 },
    (_, i) => signEvent(key, { kind: i % 2 ? 1 : 7, created_at: 1_000 - i, tags: [["t", `${i % 4}`]] }),
  );
  await store(client, ...events, signEvent(other));
  const cases: [TestFilter[], string, number][] = [
    [[{ authors }], "finish", 20],
    [[{ authors, limit: 21 }], "finish", 20],
    [[{ authors, limit: 20 }], "finish", 20],
    [[{ authors, limit: 19 }], "more", 19],
    [[{ authors, limit: 1 }], "more", 1],
    [[{ authors, limit: 5, since: 996 }], "finish", 5],
    [[{ authors, limit: 5, since: 995 }], "more", 5],
    [[{ authors, kinds: [7], "#t": ["0"], limit: 5 }], "finish", 5],
    [[{ authors, kinds: [7], "#t": ["0"], limit: 4 }], "more", 4],
    [[{ ids: events.map(({ id }) => id), limit: 20 }], "finish", 20],
    [[{ ids: events.map(({ id }) => id), limit: 7 }], "more", 7],
    [[{ authors: [...authors, other.pubkey], limit: 21 }], "finish", 21],
    [[{ authors: [...authors, other.pubkey], limit: 20 }], "more", 20],
    [[{ authors, kinds: [] }], "finish", 0],
    [[{ authors, limit: 20 }, { authors: [other.pubkey], limit: 1 }], "finish", 21],
    [[{ authors, limit: 20 }, { authors, kinds: [7], limit: 3 }], "", 20],
    [[{ authors, kinds: [1], limit: 3 }, { authors, kinds: [7] }], "more", 13],
  ];
  for (const [filters, hint, count] of cases) {
    const expected: [unknown, number] = [hint === "" ? [] : [hint], count];
    assertEquals(await hintOf(client, ...filters), expected, JSON.stringify(filters));
  }
});

Deno.test("where nothing is known, the hint is empty: limit 0, and search", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await store(client, signEvent(key, { content: "completeness" }));
  assertEquals(await hintOf(client, { authors: [key.pubkey], limit: 0 }), [[], 0]);
  const search = { authors: [key.pubkey], search: "completeness" };
  await eventually(async () => (await idsOf(client, search)).length === 1);
  assertEquals(await hintOf(client, search), [[], 1]);
});

Deno.test("a page that the relay's own limit cuts off holds all events of its last second", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  const events = Array.from(
    { length: 100 },
    (_, i) => signEvent(key, { created_at: 1_000 - Math.floor(i / 9), content: `${i}` }),
  );
  await store(client, ...events);
  // 25 end within the third second of nine, 60 within the seventh; the client's own limit is kept to the event.
  assertEquals(await hintOf(client, { authors }), [["more"], 27]);
  assertEquals(await hintOf(client, { authors, limit: 1_000 }), [["more"], 63]);
  assertEquals(await hintOf(client, { authors, limit: 25 }), [["more"], 25]);
  assertEquals(await hintOf(client, { authors, until: 991 }), [["finish"], 19]);
  const seen = new Set<string>();
  let until = 2_000;
  for (let page = 0;; page++) {
    assert(page < 10, "the pages come to an end");
    const { events: found, eose } = await client.query({ authors, until });
    for (const { id } of found) seen.add(id);
    if (assertHint(eose![2]) === "finish") break;
    until = (found.at(-1) as TestEvent).created_at - 1;
  }
  assertEquals(seen.size, 100);
});

Deno.test("the hint of a query that went on to a reader is as right", async () => {
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  const key = freshKey();
  const authors = [key.pubkey];
  for (let batch = 0; batch < 4; batch++) {
    const rare = (i: number) => batch === 3 && i >= 970 ? [["r", "rare"]] : [];
    await store(
      client,
      ...Array.from({ length: 1_000 }, (_, i) =>
        signEvent(key, {
          created_at: 10_000 - batch * 1_000 - i,
          tags: [["t", "frequent"], ...rare(i)],
        })),
    );
  }
  const filter = { kinds: [1], authors, "#t": ["frequent"], "#r": ["rare"] };
  assertEquals(await hintOf(client, { ...filter, limit: 30 }), [["finish"], 30]);
  assertEquals(await hintOf(client, { ...filter, limit: 29 }), [["more"], 29]);
  assertEquals(await hintOf(client, { kinds: [1], authors, until: 6_000 }), [["finish"], 0]);
});

function assertHint(hints: unknown): "finish" | "more" {
  const [hint] = hints as ["finish" | "more"];
  assert(hint === "finish" || hint === "more");
  return hint;
}
