/**
 * AND filters from outside: `&t` wants an event to have every value (the draft NIP-91), in REQ, COUNT, search and live.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { signEvent } from "../support/sign.ts";
import { freshKey, idsOf, nextEvent, sharedRelay, store, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay({ FLUSH_INTERVAL_MS: "50" });

function tagged(...values: string[]): string[][] {
  return values.map((value) => ["t", value]);
}

Deno.test("an event must have every value of an & list, in one tag each", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  const e = "ab".repeat(32);
  const [cat, both, all, none] = [
    signEvent(key, { created_at: 4, tags: tagged("cat"), content: "meow" }),
    signEvent(key, { created_at: 3, tags: [...tagged("meme", "cat"), ["e", e]], content: "meow" }),
    signEvent(key, { created_at: 2, tags: tagged("white", "cat", "meme"), content: "meow" }),
    signEvent(key, { created_at: 1, tags: [["t", "cat", "meme"], ["T", "meme"]], content: "meow" }),
  ].map((event) => event) as [ReturnType<typeof signEvent>, ...ReturnType<typeof signEvent>[]];
  await store(client, cat, both!, all!, none!);
  const cases: [TestFilter, (typeof cat | undefined)[]][] = [
    [{ "&t": ["cat"] }, [cat, both, all, none]],
    [{ "&t": ["meme", "cat"] }, [both, all]],
    [{ "&t": ["meme", "cat", "white"] }, [all]],
    [{ "&t": ["meme", "dog"] }, []],
    [{ "&t": ["meme", "meme"] }, [both, all]],
    [{ "&t": ["cat"], "#t": ["white", "black"] }, [all]],
    // The values of the & list are no choice of the # list any more.
    [{ "&t": ["cat"], "#t": ["cat", "white"] }, [all]],
    [{ "&t": ["cat", "meme"], "#t": ["cat"] }, [both, all]],
    [{ "&t": ["cat"], "#e": [e] }, [both]],
    [{ "&t": ["cat"], "&e": [e], kinds: [1] }, [both]],
    [{ "&t": ["cat"], "&T": ["meme"] }, [none]],
    [{ "&t": [] }, []],
    [{ "&t": ["cat"], "#t": [] }, []],
    [{ "&t": ["meme", "cat"], limit: 1 }, [both]],
  ];
  for (const [filter, expected] of cases) {
    const ids = expected.map((event) => event!.id);
    assertEquals(await idsOf(client, { authors, ...filter }), ids, JSON.stringify(filter));
    if (filter.limit !== undefined) continue;
    client.send(["COUNT", "count", { authors, ...filter }]);
    assertEquals((await client.nextOfType("COUNT"))[2], { count: ids.length }, JSON.stringify(filter));
  }
  await eventually(async () => (await idsOf(client, { authors, search: "meow" })).length === 4);
  const found = await idsOf(client, { authors, search: "meow", "&t": ["meme", "cat"] });
  assertEquals(found.toSorted(), [both!.id, all!.id].toSorted());
});

Deno.test("a live subscription with an & list gets what has every value, and nothing else", async () => {
  await using client = await connect(relay.url);
  await using publisher = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "live", { "&t": ["sun", "sea"], since: 1 }]);
  await untilEose(client, "live");
  const [sun, sea, both] = [["sun"], ["sea"], ["sea", "x", "sun"]]
    .map((values) => signEvent(key, { tags: tagged(...values) }));
  const ephemeral = signEvent(key, { kind: 20_001, tags: tagged("sun", "sea") });
  await store(publisher, sun!, sea!, both!, ephemeral);
  assertEquals(await nextEvent(client, "live"), both);
  assertEquals(await nextEvent(client, "live"), ephemeral);
  assertEquals(client.inbox, []);
});

Deno.test("a frequent value beside a rare one is found, whichever is named first", async () => {
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  const key = freshKey();
  const frequent = Array.from(
    { length: 2_500 },
    (_, i) => signEvent(key, { created_at: 10_000 - i, tags: tagged("frequent", `${i % 10}`) }),
  );
  const rare = signEvent(key, { created_at: 1, tags: tagged("frequent", "rare") });
  await store(client, ...frequent.slice(1_250));
  await store(client, ...frequent.slice(0, 1_250), rare);
  assertEquals(await idsOf(client, { "&t": ["frequent", "rare"] }), [rare.id]);
  assertEquals(await idsOf(client, { "&t": ["rare", "frequent"] }), [rare.id]);
  const some = frequent.filter((_, i) => i % 10 === 3).map(({ id }) => id);
  assertEquals(await idsOf(client, { "&t": ["frequent", "3"], limit: 1_000 }), some);
});

Deno.test("an & list that is none, or too long, is refused", async () => {
  await using client = await connect(relay.url);
  const cases: TestFilter[] = [
    { "&t": "cat" },
    { "&t": [1] },
    { "&e": ["short"] },
    { "&tt": ["x"] },
    { "&": ["x"] },
    { "&t": Array.from({ length: 51 }, (_, i) => `${i}`) },
  ];
  for (const filter of cases) {
    const { closed } = await client.query(filter);
    assertMatch(closed?.[2] as string, /^(invalid|unsupported): \S/, JSON.stringify(filter));
  }
});
