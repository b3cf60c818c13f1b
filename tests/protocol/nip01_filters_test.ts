/**
 * NIP-01 from outside: what each key of a filter selects, alone and together, and in which order events come.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestFilter } from "../support/client.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { freshKey, idsOf, nextEvent, sharedRelay, store, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay();

/** NIP-01's order: the newest first, and the lowest id first of those of one second. */
function inOrder(events: readonly TestEvent[]): TestEvent[] {
  return events.toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
}

Deno.test("each key of a filter selects by its own field, and all keys of one must hold", async () => {
  await using client = await connect(relay.url);
  const [alice, bob] = [freshKey(), freshKey()];
  const e = "e".repeat(64), p = bob.pubkey;
  const [note, tagged, reaction, foreign] = [
    signEvent(alice, { created_at: 1_000 }),
    signEvent(alice, { created_at: 2_000, tags: [["e", e], ["p", p], ["t", "a"], ["T", "A"], ["r", ""]] }),
    signEvent(alice, { created_at: 3_000, kind: 7, tags: [["e", e], ["t", "b"]] }),
    signEvent(bob, { created_at: 2_000, tags: [["t", "a"], ["e", e]] }),
  ] as [TestEvent, TestEvent, TestEvent, TestEvent];
  await store(client, note, tagged, reaction, foreign);
  const authors = [alice.pubkey];
  const cases: [TestFilter, TestEvent[]][] = [
    [{ ids: [note.id] }, [note]],
    [{ ids: [note.id, foreign.id, e] }, [note, foreign]],
    [{ ids: [note.id], authors: [bob.pubkey] }, []],
    [{ authors }, [note, tagged, reaction]],
    [{ authors: [alice.pubkey, bob.pubkey] }, [note, tagged, reaction, foreign]],
    [{ authors, kinds: [1] }, [note, tagged]],
    [{ authors, kinds: [7, 1] }, [note, tagged, reaction]],
    [{ authors, kinds: [2] }, []],
    [{ authors, "#e": [e] }, [tagged, reaction]],
    [{ "#e": [e], "#t": ["a"] }, [tagged, foreign]],
    [{ authors, "#t": ["a", "b"] }, [tagged, reaction]],
    [{ "#p": [p], "#t": ["a"], kinds: [1] }, [tagged]],
    [{ authors, "#T": ["A"] }, [tagged]],
    [{ authors, "#T": ["a"] }, []],
    [{ authors, "#t": ["A"] }, []],
    [{ authors, "#r": [""] }, [tagged]],
    [{ authors, "#r": ["", "x"], "#t": ["a"] }, [tagged]],
    [{ authors, since: 2_000 }, [tagged, reaction]],
    [{ authors, until: 2_000 }, [note, tagged]],
    [{ authors, since: 2_000, until: 2_000 }, [tagged]],
    [{ authors, since: 2_001, until: 2_999 }, []],
    [{ authors, since: 3_000, until: 1_000 }, []],
    [{ authors, since: 0 }, [note, tagged, reaction]],
    [{ authors, since: -5, until: Number.MAX_SAFE_INTEGER }, [note, tagged, reaction]],
    [{ authors: [...authors, ...authors], kinds: [1, 1] }, [note, tagged]],
    [{ kinds: [7], "#e": [e], authors, ids: [reaction.id], since: 1, until: 9_999, limit: 9 }, [reaction]],
  ];
  const found = await Promise.all(cases.map(([filter]) => idsOf(client, filter)));
  for (const [i, [filter, expected]] of cases.entries()) {
    assertEquals(found[i], inOrder(expected).map(({ id }) => id), JSON.stringify(filter));
  }
});

Deno.test("a list without values selects nothing, stored or live", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await store(client, signEvent(key));
  const filters: TestFilter[] = [
    { ids: [] },
    { authors: [] },
    { authors: [key.pubkey], kinds: [] },
    { authors: [key.pubkey], "#t": [] },
    { authors: [key.pubkey], "#e": [], kinds: [1] },
  ];
  client.send(["REQ", "nothing", ...filters]);
  assertEquals(await untilEose(client, "nothing"), []);
  await store(client, signEvent(key, { content: "live" }));
  for (const filter of filters) assertEquals(await idsOf(client, filter), [], JSON.stringify(filter));
  assertEquals(client.inbox, []);
});

Deno.test("only the first value of a tag is indexed, and only where the name is one letter", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  await store(
    client,
    signEvent(key, { tags: [["t", "first", "second"], ["title", "x"], ["1", "one"], ["x"]] }),
  );
  assertEquals((await idsOf(client, { authors, "#t": ["first"] })).length, 1);
  assertEquals(await idsOf(client, { authors, "#t": ["second"] }), []);
  assertEquals(await idsOf(client, { authors, "#x": [""] }), []);
  for (const name of ["#title", "#1", "#", "t", "#-", "#é"]) {
    const { closed } = await client.query({ authors, [name]: ["x"] });
    assertMatch(closed?.[2] as string, /^(unsupported|invalid): \S/, name);
  }
});

Deno.test("every letter is indexed, small and capital apart", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const letters = [..."abcdfghijklmnoqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  const events = letters.map((letter) => signEvent(key, { tags: [[letter, `value of ${letter}`]] }));
  await store(client, ...events);
  const values = letters.map((letter) => `value of ${letter}`);
  const found = await Promise.all(letters.map((letter) => idsOf(client, { [`#${letter}`]: values })));
  assertEquals(found, events.map(({ id }) => [id]));
});

Deno.test("tag values are compared exactly: case, white space, Unicode forms, quotes, controls", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const values = [
    "a",
    "A",
    " a",
    "a ",
    "é",
    "e\u0301",
    'a"b',
    "a\\b",
    "a\nb",
    "\u0000",
    "a\u0000",
    "🎉",
    "\u007f",
    "[]",
  ];
  const events = values.map((value) => signEvent(key, { tags: [["t", value]] }));
  client.send(["REQ", "live", { authors: [key.pubkey], "#t": values }]);
  await untilEose(client, "live");
  await store(client, ...events);
  for (const event of events) assertEquals(await nextEvent(client, "live"), event);
  const authors = [key.pubkey];
  for (
    const rest of [{}, { authors }, { authors, kinds: [1], since: 0 }, {
      authors,
      ids: events.map(({ id }) => id),
    }]
  ) {
    const found = await Promise.all(values.map((value) => idsOf(client, { "#t": [value], ...rest })));
    assertEquals(
      found.map((ids) => ids.filter((id) => events.some((event) => event.id === id))),
      events.map(({ id }) => [id]),
    );
  }
});

Deno.test("a value of any length is found, along the index and beside it, and live", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  const values = [1_000, 1_025, 10_000, 100_000].map((length) =>
    "long value ".repeat(length).slice(0, length)
  );
  const events = values.map((value) => signEvent(key, { tags: [["r", value]] }));
  client.send(["REQ", "live", { "#r": [values[3]] }]);
  await untilEose(client, "live");
  await store(client, ...events);
  assertEquals(await nextEvent(client, "live"), events[3]);
  for (const rest of [{}, { authors }, { ids: events.map(({ id }) => id) }]) {
    const found = await Promise.all(values.map((value) => idsOf(client, { "#r": [value], ...rest })));
    assertEquals(found, events.map(({ id }) => [id]));
  }
  assertEquals(await idsOf(client, { "#r": values.map((value) => value.slice(1)) }), []);
});

Deno.test("ids, authors, #e and #p take exactly 64 lowercase hex digits, and nothing else", async () => {
  await using client = await connect(relay.url);
  const event = signEvent(freshKey());
  await store(client, event);
  const wrong = [
    event.id.slice(0, 63),
    event.id.slice(0, 8),
    event.id.toUpperCase(),
    event.id.slice(0, 63) + "g",
    event.id + "00",
    ` ${event.id.slice(1)}`,
    "",
    1,
    null,
    [event.id],
  ];
  for (const name of ["ids", "authors", "#e", "#p"]) {
    for (const value of wrong) {
      const { closed, events } = await client.query({ [name]: [event.id, value] });
      assertEquals(events, []);
      assertMatch(closed?.[2] as string, /^invalid: \S/, `${name} ${value}`);
    }
  }
});

Deno.test("several filters of a REQ are joined by OR, and each event comes once", async () => {
  await using client = await connect(relay.url);
  const [alice, bob] = [freshKey(), freshKey()];
  const events = Array.from(
    { length: 20 },
    (_, i) => signEvent(i % 2 ? alice : bob, { kind: i % 3, created_at: 100 + i, tags: [["t", `${i % 4}`]] }),
  );
  // Kind 0 is replaceable: of each author only the newest remains.
  for (const event of events) await client.publish(event);
  const live = events.filter((event) =>
    event.kind !== 0 ||
    !events.some((other) =>
      other.kind === 0 && other.pubkey === event.pubkey && other.created_at > event.created_at
    )
  );
  const filters = [{ authors: [alice.pubkey] }, { authors: [alice.pubkey, bob.pubkey], kinds: [1, 0] }, {
    "#t": ["2"],
    authors: [bob.pubkey],
  }, { ids: [live[0]!.id, live[0]!.id] }];
  const expected = live.filter((event) =>
    event.pubkey === alice.pubkey || event.kind < 2 || event.tags[0]![1] === "2" || event.id === live[0]!.id
  );
  const found = await idsOf(client, ...filters);
  assertEquals(found.toSorted(), expected.map(({ id }) => id).toSorted());
  assert(expected.length < live.length);
});

Deno.test("limit gives the newest, limit 0 gives none and a subscription that lives", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  const events = inOrder(
    Array.from({ length: 30 }, (_, i) => signEvent(key, { created_at: 5_000 + i, kind: i % 2 + 1 })),
  );
  await store(client, ...events);
  for (const limit of [1, 7, 29, 30, 31, 1_000_000]) {
    assertEquals(await idsOf(client, { authors, limit }), events.slice(0, limit).map(({ id }) => id));
  }
  const ofEach = await idsOf(client, { authors, kinds: [1], limit: 2 }, { authors, kinds: [2], limit: 3 });
  const newest = (kind: number, count: number) =>
    events.filter((event) => event.kind === kind).slice(0, count);
  assertEquals(ofEach.toSorted(), [...newest(1, 2), ...newest(2, 3)].map(({ id }) => id).toSorted());
  client.send(["REQ", "live", { authors, limit: 0 }]);
  assertEquals(await untilEose(client, "live"), []);
  for (const content of ["one", "two", "three"]) {
    const event = signEvent(key, { content });
    await store(client, event);
    assertEquals(await nextEvent(client, "live"), event);
  }
});

Deno.test("a limit bounds the stored part only", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "live", { authors: [key.pubkey], limit: 1 }]);
  await untilEose(client, "live");
  const events = Array.from({ length: 5 }, (_, i) => signEvent(key, { content: `${i}` }));
  await store(client, ...events);
  for (const event of events) assertEquals(await nextEvent(client, "live"), event);
});

Deno.test("events of one second come in the order of their ids, also across a limit and many authors", async () => {
  await using client = await connect(relay.url);
  const keys = [freshKey(), freshKey(), freshKey()];
  const authors = keys.map(({ pubkey }) => pubkey);
  const events = inOrder(Array.from({ length: 300 }, (_, i) =>
    signEvent(keys[i % 3]!, {
      created_at: 7_000 + Math.floor(i / 100),
      kind: 1 + i % 2,
      content: `${i}`,
      tags: [["t", "tie"], ["t", `tie ${i % 2}`]],
    })));
  await store(client, ...events);
  const all = events.map(({ id }) => id);
  const filters = [{ authors }, { authors, kinds: [1, 2] }, { "#t": ["tie", "tie 0"], authors }, {
    ids: all,
  }];
  for (const limit of [1, 50, 99, 100, 101, 250, 300]) {
    const found = await Promise.all(filters.map((filter) => idsOf(client, { ...filter, limit })));
    for (const ids of found) assertEquals(ids, all.slice(0, limit), `limit ${limit}`);
  }
});

Deno.test("since and until are inclusive for live events too", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "window", { authors: [key.pubkey], since: 1_000, until: 2_000 }]);
  await untilEose(client, "window");
  const events = [999, 1_000, 1_500, 2_000, 2_001].map((created_at) => signEvent(key, { created_at }));
  await store(client, ...events);
  for (const event of events.slice(1, 4)) assertEquals(await nextEvent(client, "window"), event);
  assertEquals(client.inbox, []);
});

Deno.test("created_at may be anything from 1970 on", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const events = [0, 1, 1_700_000_000].map((created_at) => signEvent(key, { created_at }));
  await store(client, ...events);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), inOrder(events).map(({ id }) => id));
  assertEquals(await idsOf(client, { authors: [key.pubkey], until: 0 }), [events[0]!.id]);
  assertEquals(await idsOf(client, { authors: [key.pubkey], until: -1 }), []);
});

Deno.test("a filter of a wrong shape is refused as invalid or unsupported", async () => {
  await using client = await connect(relay.url);
  const wrong: unknown[] = [
    null,
    1,
    "{}",
    [],
    [{}],
    true,
    { ids: "a".repeat(64) },
    { ids: {} },
    { ids: null },
    { authors: null },
    { kinds: 1 },
    { kinds: ["1"] },
    { kinds: [1.5] },
    { kinds: [-1] },
    { kinds: [65_536] },
    { kinds: [null] },
    { since: "1" },
    { since: 1.5 },
    { since: null },
    { until: {} },
    { until: 2 ** 60 },
    { limit: "1" },
    { limit: -1 },
    { limit: 0.5 },
    { limit: null },
    { search: 1 },
    { "#t": "t" },
    { "#t": [1] },
    { "#t": [null] },
    { "#t": [["t"]] },
    { "#t": {} },
    { "#tt": ["t"] },
    { "&t": "t" },
    { nonsense: 1 },
    { ["__proto__"]: 1 },
    { constructor: [] },
  ];
  for (const filter of wrong) {
    client.send(["REQ", "wrong", filter]);
    const closed = await client.next();
    assertEquals(closed.slice(0, 2), ["CLOSED", "wrong"], JSON.stringify(filter));
    assertMatch(closed[2] as string, /^(invalid|unsupported): \S/);
  }
});

Deno.test("a filter that names nobody's keys is answered with EOSE alone", async () => {
  await using client = await connect(relay.url);
  assertEquals(await idsOf(client, { authors: [testKey(1).pubkey] }), []);
  assertEquals(await idsOf(client, { ids: ["0".repeat(64)] }), []);
  assertEquals(await idsOf(client, { authors: ["0".repeat(64)], kinds: [65_535] }), []);
});
