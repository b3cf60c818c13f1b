/**
 * NIP-50 from outside, its extensions apart: the same suite over the embedded index and over a real OpenSearch; and what
 * clients hear when the backend does not answer, or answers badly.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { MAPPING_VERSION } from "../../lib/search/opensearch/mapping.ts";
import { indexNames } from "../../lib/search/opensearch/migration.ts";
import { indexed } from "../pipeline/traffic.ts";
import { connect, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent } from "../support/sign.ts";
import { FLUSH, index, INDEXED_MS, searchBackends } from "./search_backends.ts";
import { freshKey, idsOf, nextEvent, store } from "./shared_relay.ts";

const testBoth = await searchBackends();

const ids = (events: readonly TestEvent[]) => events.map(({ id }) => id);

testBoth("a search finds events by their words, in any order, case and accent", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const events = ["The Quick brown Fox", "a lazy dog sleeps", "Crème brûlée 東京タワー"].map((content, i) =>
    signEvent(key, { content, created_at: 1_000 + i })
  );
  const [fox, dog, creme] = events as [TestEvent, TestEvent, TestEvent];
  await store(client, ...events);
  await eventually(async () => (await idsOf(client, { authors, search: "creme" })).length === 1, INDEXED_MS);
  const cases: [string, TestEvent[]][] = [
    ["fox", [fox]],
    ["FOX quick", [fox]],
    ['"quick brown"', [fox]],
    ['"brown quick"', []],
    ["fox dog", []],
    ["lazy", [dog]],
    ["brulee CRÈME", [creme]],
    ["東京", [creme]],
    ["nowhere", []],
    ["!!!", []],
  ];
  for (const [search, expected] of cases) {
    assertEquals(await idsOf(client, { authors, search }), ids(expected), search);
  }
});

testBoth("results come by how well they match, not by time, and limit cuts after ranking", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const filler = "many other words that have nothing to do with it ".repeat(8);
  const best = signEvent(key, { content: "marmalade marmalade", created_at: 1_000 });
  const middle = signEvent(key, { content: `marmalade ${filler.slice(0, 60)}`, created_at: 2_000 });
  const worst = signEvent(key, { content: `${filler} marmalade ${filler}`, created_at: 3_000 });
  const none = signEvent(key, { content: filler, created_at: 4_000 });
  await store(client, none);
  await index(client, { authors, search: "marmalade" }, worst, best, middle);
  const ranked = ids([best, middle, worst]);
  assertEquals(await idsOf(client, { authors, search: "marmalade" }), ranked);
  for (const limit of [1, 2, 3, 100]) {
    assertEquals(await idsOf(client, { authors, search: "marmalade", limit }), ranked.slice(0, limit));
  }
  assertEquals(await idsOf(client, { authors, search: "marmalade", limit: 0 }), []);
});

testBoth("a name or a title that fits ranks before a mention", async (client) => {
  const [key, other] = [freshKey(), freshKey()];
  const authors = [key.pubkey, other.pubkey];
  const profile = signEvent(other, {
    kind: 0,
    created_at: 1_000,
    content: JSON.stringify({ name: "quokka", about: "a person with a longer text about many things" }),
  });
  const article = signEvent(key, {
    kind: 30_023,
    created_at: 1_001,
    tags: [["d", "q"], ["title", "Quokka"]],
    content: "Animals of an island",
  });
  const note = signEvent(key, {
    content: "I saw a quokka today and some other animals of an island",
    created_at: 2_000,
  });
  // A word's rarity counts for each field by itself, so that there must be other names, titles and notes.
  const others = Array.from({ length: 60 }, (_, i) => [
    signEvent(freshKey(), { kind: 0, content: JSON.stringify({ name: `wombat ${i}`, about: "a person" }) }),
    signEvent(key, {
      kind: 30_023,
      tags: [["d", `${i}`], ["title", `Wombat ${i}`]],
      content: "Animals of a continent",
    }),
    signEvent(key, { content: `I saw wombat ${i} today` }),
  ]).flat();
  await store(client, ...others);
  await index(client, { authors, search: "quokka" }, note, profile, article);
  const found = await idsOf(client, { authors, search: "quokka" });
  assertEquals(found[2], note.id);
  assertEquals(await idsOf(client, { authors, search: "quokka", kinds: [0] }), [profile.id]);
});

testBoth("the other keys of a filter hold for a search too", async (client) => {
  const [key, other] = [freshKey(), freshKey()];
  const make = (author: typeof key, i: number, tags: string[][] = []) =>
    signEvent(author, {
      content: `zeppelin number ${i}`,
      created_at: 1_000 + i,
      kind: i % 2 ? 1 : 1_111,
      tags,
    });
  const events = [
    make(key, 0),
    make(key, 1, [["t", "air"]]),
    make(key, 2, [["t", "Air"], ["e", "a".repeat(64)]]),
    make(key, 3),
  ];
  const foreign = make(other, 1, [["t", "air"]]);
  const both = [key.pubkey, other.pubkey];
  await index(client, { authors: both, search: "zeppelin" }, ...events, foreign);
  const cases: [TestFilter, TestEvent[]][] = [
    [{ authors: [key.pubkey] }, events],
    [{ authors: both, kinds: [1] }, [events[1]!, events[3]!, foreign]],
    [{ authors: both, "#t": ["air"] }, [events[1]!, foreign]],
    [{ authors: both, "#e": ["a".repeat(64)] }, [events[2]!]],
    [{ authors: both, since: 1_001, until: 1_002 }, [events[1]!, events[2]!, foreign]],
    [{ authors: both, since: 1_003 }, [events[3]!]],
    [{ ids: [foreign.id, events[0]!.id] }, [foreign, events[0]!]],
    [{ authors: both, kinds: [] }, []],
    [{ authors: [key.pubkey], "#t": ["air"], kinds: [1_111] }, []],
  ];
  for (const [filter, expected] of cases) {
    const found = await idsOf(client, { ...filter, search: "zeppelin" });
    assertEquals(found.toSorted(), ids(expected).toSorted(), JSON.stringify(filter));
  }
});

testBoth(
  "extensions that are not known are ignored, and so are words of the filter's own syntax",
  async (client) => {
    const key = freshKey();
    const authors = [key.pubkey];
    const event = signEvent(key, { content: "obelisk of stone" });
    await index(client, { authors, search: "obelisk" }, event);
    for (
      const search of [
        "obelisk foo:bar",
        "zzz:9 obelisk",
        'obelisk x-y:"a b"',
        "include:spam obelisk",
        "obelisk nsfw:true",
      ]
    ) {
      assertEquals(await idsOf(client, { authors, search }), [event.id], search);
    }
    // What a backend's query language would take for syntax is text, and no error.
    for (
      const search of [
        "obelisk AND",
        "obelisk OR stone)",
        'obelisk"',
        "obelisk*",
        "NEAR(obelisk",
        "-obelisk",
        "{obelisk}",
        "^obelisk~2",
        "obelisk\\",
        "\u0000obelisk",
      ]
    ) {
      const { eose } = await client.query({ authors, search });
      assert(eose, search);
    }
  },
);

testBoth("what was deleted or replaced is not found, from the next search on", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const note = signEvent(key, { content: "xylophone once", created_at: 1_000 });
  const old = signEvent(key, {
    kind: 30_023,
    tags: [["d", "x"]],
    content: "xylophone draft",
    created_at: 1_000,
  });
  await index(client, { authors, search: "xylophone" }, note, old);
  await store(client, signEvent(key, { kind: 5, tags: [["e", note.id]], created_at: 1_001 }));
  assertEquals(await idsOf(client, { authors, search: "xylophone" }), [old.id]);
  const fresh = signEvent(key, {
    kind: 30_023,
    tags: [["d", "x"]],
    content: "xylophone final",
    created_at: 1_002,
  });
  await store(client, fresh);
  assert(!(await idsOf(client, { authors, search: "xylophone" })).includes(old.id));
  await eventually(async () => (await idsOf(client, { authors, search: "final" })).length === 1, INDEXED_MS);
  assertEquals(await idsOf(client, { authors, search: "xylophone" }), [fresh.id]);
});

testBoth("a search joins other filters by OR, each event once, and those stay live", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const events = ["saxophone one", "saxophone two", "trumpet"].map((content, i) =>
    signEvent(key, { content, created_at: 1_000 + i })
  );
  await store(client, ...events);
  await eventually(
    async () => (await idsOf(client, { authors, search: "trumpet" })).length === 1,
    INDEXED_MS,
  );
  const found = await idsOf(client, { authors, search: "saxophone" }, { authors, search: "one" }, {
    authors,
    search: "trumpet",
  }, {
    authors,
  });
  assertEquals(found.toSorted(), ids(events).toSorted());
  client.send(["REQ", "mixed", { authors, search: "trumpet" }, { authors, kinds: [7] }]);
  await client.next((message) => message[0] === "EOSE" && message[1] === "mixed");
  const reaction = signEvent(key, { kind: 7 });
  await store(client, reaction);
  await client.next((message) => message[0] === "EVENT" && (message[2] as TestEvent).id === reaction.id);
});

testBoth("COUNT counts what a search finds", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const events = Array.from(
    { length: 25 },
    (_, i) => signEvent(key, { content: `accordion ${i}`, created_at: i }),
  );
  await index(client, { authors, search: "accordion" }, ...events);
  client.send(["COUNT", "found", { authors, search: "accordion", since: 5 }]);
  assertEquals(await client.nextOfType("COUNT"), ["COUNT", "found", { count: 20 }]);
  client.send(["COUNT", "found", { authors, search: "accordion" }, { authors, until: 3 }]);
  assertEquals(await client.nextOfType("COUNT"), ["COUNT", "found", { count: 25 }]);
});

testBoth("a search without words says what the rest of the filter says", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const events = [3, 2, 1].map((i) => signEvent(key, { content: `blank ${i}`, created_at: i }));
  await index(client, { authors, search: "blank" }, ...events);
  for (const search of ["", "   ", "include:spam"]) {
    assertEquals(await idsOf(client, { authors, search }), ids(events), `"${search}"`);
  }
});

testBoth("a search text that is too long or no text is refused", async (client) => {
  for (const search of ["x".repeat(1_025), 1, null, ["x"], {}]) {
    const { closed } = await client.query({ search });
    assertMatch(closed?.[2] as string, /^invalid: .*search/);
  }
  assert((await client.query({ search: "x ".repeat(512) })).eose);
  assert((await client.query({ search: "漢".repeat(300), limit: 1 })).eose);
});

Deno.test("a backend that cannot be reached costs searches only: CLOSED with error, never EOSE", async (t) => {
  await using relay = await startRelay({
    env: { ...FLUSH, LOG_LEVEL: "error", OPENSEARCH_URL: `http://127.0.0.1:${freePort()}` },
  });
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  await t.step("a search is closed", async () => {
    for (
      const filters of [[{ search: "word" }], [{ authors }, { authors, search: "word" }], [{ search: "" }]]
    ) {
      const { closed, eose } = await client.query(...filters);
      assertEquals(eose, undefined);
      assertEquals(closed?.length, 3);
      assertMatch(closed?.[2] as string, /^error: \S/);
    }
    client.send(["COUNT", "count", { search: "word" }]);
    assertMatch((await client.nextOfType("CLOSED"))[2] as string, /^error: \S/);
  });
  await t.step("a closed search delivers nothing live", async () => {
    client.send(["REQ", "search", { authors }, { authors, search: "word" }]);
    await client.next((message) => message[0] === "CLOSED" && message[1] === "search");
    await store(client, signEvent(key, { content: "word" }));
    assertEquals(client.inbox, []);
  });
  await t.step("events and other queries go on", async () => {
    client.send(["REQ", "live", { authors, limit: 0 }]);
    await client.next((message) => message[0] === "EOSE");
    const event = signEvent(key, { content: "word again" });
    await store(client, event);
    assertEquals(await nextEvent(client, "live"), event);
    assertEquals((await idsOf(client, { authors })).length, 2);
    const health = await fetch(`${relay.httpUrl}/health`);
    assertEquals([health.status, (await health.json()).status], [200, "degraded"]);
  });
  await relay.stop();
});

/** Answers as an OpenSearch whose index is there and takes everything; its searches are another's. */
async function answerAsIndex(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const { index, searched, written } = indexNames("sluice");
  if (pathname.endsWith("/_bulk")) {
    const lines = (await request.text()).trimEnd().split("\n");
    const items = lines.filter((line) => line.startsWith('{"index":')).map(() => ({
      index: { status: 201 },
    }));
    return Response.json({ items });
  }
  const answers: Record<string, object> = {
    "/": { version: { number: "2.19.0" } },
    [`/_alias/${searched}`]: { [index]: {} },
    [`/${index}`]: {
      [index]: {
        aliases: { [searched]: {}, [written]: {} },
        mappings: { _meta: { version: MAPPING_VERSION } },
        settings: { index: { uuid: "one" } },
      },
    },
    [`/${index}/_refresh`]: {},
    [`/_cat/indices/${index}`]: [{ uuid: "one", "docs.count": "1" }],
  };
  return Response.json(answers[pathname]);
}

Deno.test("a backend's answer for a part of the index, an error, or nonsense is a failure", async () => {
  let answer: () => Response = () => new Response("{}", { status: 503 });
  await using backend = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const isSearch = new URL(request.url).pathname.endsWith("/_search");
    return isSearch ? answer() : answerAsIndex(request);
  });
  await using relay = await startRelay({
    env: { ...FLUSH, LOG_LEVEL: "error", OPENSEARCH_URL: `http://127.0.0.1:${backend.addr.port}` },
  });
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { content: "found" });
  await store(client, event);
  await indexed(relay);
  // As OpenSearch writes hits sorted by score, time and id; the second is an event that the store does not have.
  const hits = {
    hits: { hits: [event.id, "0".repeat(64)].map((id) => ({ _id: id, sort: [1, event.created_at, id] })) },
  };
  const bad: (() => Response)[] = [
    () => Response.json({ timed_out: true, _shards: { failed: 0 }, ...hits }),
    () => Response.json({ timed_out: false, _shards: { failed: 1 }, ...hits }),
    () =>
      Response.json({ error: { type: "search_phase_execution_exception", reason: "no" } }, { status: 500 }),
    () => Response.json({ error: { type: "index_not_found_exception" } }, { status: 404 }),
    () => new Response("<html>a proxy's page</html>", { headers: { "content-type": "text/html" } }),
    () => new Response("{", { headers: { "content-type": "application/json" } }),
    () => Response.json(null),
    () => Response.json({}),
  ];
  for (const [i, response] of bad.entries()) {
    answer = response;
    const { closed, events } = await client.query({ search: "found" });
    assertEquals(events, [], `answer ${i}`);
    assertMatch(closed?.[2] as string, /^error: \S/, `answer ${i}`);
  }
  answer = () => Response.json({ timed_out: false, _shards: { failed: 0 }, ...hits });
  assertEquals(await idsOf(client, { search: "found" }), [event.id]);
  assertEquals(await idsOf(client, { search: "found", kinds: [7] }), [], "the store has the last word");
  answer = () => Response.json({ timed_out: false, _shards: { failed: 0 } });
  assertEquals(await idsOf(client, { search: "found" }), []);
  await client.close();
  await relay.stop();
});
