/**
 * NIP-45 from outside: COUNT is exact, for one filter and for several, however many events there are.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { hash } from "node:crypto";
import { connect, type Message, type TestClient, type TestFilter } from "../support/client.ts";
import { naiveMatch, type PlainFilter } from "../support/naive_matcher.ts";
import { seededPrng } from "../support/prng.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, type TestKey, testKey } from "../support/sign.ts";
import { connectAs, RELAY_URL } from "./auth.ts";
import { authorization, headerOf, post } from "./management.ts";
import { freshKey, idsOf, nextEvent, sharedRelay, store, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay({ READER_WORKERS: "2", MAX_LIMIT: "1000", DEFAULT_LIMIT: "100" });
let lastCount = 0;

/** The answer to a COUNT. */
async function ask(client: TestClient, ...filters: unknown[]): Promise<Message> {
  const id = `count ${++lastCount}`;
  client.send(["COUNT", id, ...filters]);
  const answer = await client.next((message) => message[1] === id && message[0] !== "EVENT", 60_000);
  return answer;
}

/** The number that a COUNT brings, which must be said to be exact. */
async function count(client: TestClient, ...filters: TestFilter[]): Promise<number> {
  const answer = await ask(client, ...filters);
  assertEquals([answer[0], answer.length], ["COUNT", 3]);
  const body = answer[2] as { count: number };
  assertEquals(Object.keys(body), ["count"], "an exact count says nothing else");
  return body.count;
}

Deno.test("COUNT tells how many events a filter matches", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  assertEquals(await count(client, { authors }), 0);
  const events = Array.from(
    { length: 30 },
    (_, i) => signEvent(key, { kind: [1, 2, 7][i % 3]!, created_at: i, tags: [["t", `${i % 5}`]] }),
  );
  await store(client, ...events);
  const cases: [TestFilter, number][] = [
    [{ authors }, 30],
    [{ authors, kinds: [1] }, 10],
    [{ authors, kinds: [1, 2, 9] }, 20],
    [{ authors, "#t": ["0"] }, 6],
    [{ authors, "#t": ["0", "1"], kinds: [1] }, 4],
    [{ authors, since: 10, until: 19 }, 10],
    [{ authors, kinds: [] }, 0],
    [{ ids: events.slice(0, 7).map(({ id }) => id) }, 7],
    [{ authors, since: 20, until: 10 }, 0],
  ];
  for (const [filter, expected] of cases) {
    assertEquals(await count(client, filter), expected, JSON.stringify(filter));
  }
});

Deno.test("several filters are joined by OR, and an event that satisfies many counts once", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  const events = Array.from(
    { length: 60 },
    (_, i) => signEvent(key, { kind: [1, 2, 7][i % 3]!, created_at: i }),
  );
  await store(client, ...events);
  assertEquals(await count(client, { authors }, { authors }), 60);
  assertEquals(await count(client, { authors, kinds: [1] }, { authors, kinds: [2] }), 40);
  assertEquals(
    await count(client, { authors, kinds: [1] }, { authors, since: 30 }, { ids: [events[0]!.id] }),
    40,
  );
  assertEquals(await count(client, { authors, kinds: [9] }, { ids: [] }), 0);
});

Deno.test("a count goes beyond the limits of a REQ, and says the exact number of thousands", async () => {
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  const [key, other] = [freshKey(), freshKey()];
  const authors = [key.pubkey, other.pubkey];
  for (let batch = 0; batch < 5; batch++) {
    await store(
      client,
      ...Array.from(
        { length: 1_300 },
        (_, i) =>
          signEvent(i % 4 ? key : other, {
            created_at: i,
            content: `${batch}`,
            tags: [["t", "long"], ["r", `${i % 2}`]],
          }),
      ),
    );
  }
  assertEquals(await count(client, { authors }), 6_500);
  assertEquals(await count(client, { authors: [key.pubkey] }), 4_875);
  assertEquals(await count(client, { "#t": ["long"], "#r": ["0"] }), 3_250);
  assertEquals(await count(client, { authors, kinds: [1], limit: 10 }), 6_500);
  assertEquals(
    await count(client, { authors: [key.pubkey] }, { "#r": ["0"], authors }, { authors, until: 9 }),
    6_500,
  );
  assertEquals((await idsOf(client, { authors, limit: 100_000 })).length, 1_000);
});

Deno.test("a count over several long filters equals the naive matcher's", async () => {
  await using client = await connect(relay.url);
  const prng = seededPrng("counts against the naive matcher");
  const keys = [freshKey(), freshKey(), freshKey()];
  const events = Array.from({ length: 1_500 }, (_, i) =>
    signEvent(prng.pick(keys), {
      kind: prng.pick([1, 1, 7, 40_000]),
      created_at: prng.int(100, 160),
      tags: [["t", prng.pick(["a", "b", "c"])], ["t", prng.pick(["a", "d"])]],
      content: `${i}`,
    }));
  await store(client, ...events);
  for (let round = 0; round < 40; round++) {
    const filters = Array.from({ length: prng.int(1, 4) }, (): PlainFilter => ({
      authors: prng.shuffle(keys).slice(0, prng.int(1, 3)).map(({ pubkey }) => pubkey),
      ...(prng.chance(0.5) ? { kinds: [prng.pick([1, 7]), prng.pick([7, 40_000])] } : {}),
      ...(prng.chance(0.5) ? { "#t": [prng.pick(["a", "b"]), prng.pick(["c", "d"])] } : {}),
      ...(prng.chance(0.3) ? { since: prng.int(100, 160) } : {}),
      ...(prng.chance(0.3) ? { until: prng.int(100, 160) } : {}),
    }));
    const expected = events.filter((event) => filters.some((filter) => naiveMatch(filter, event))).length;
    assertEquals(
      await count(client, ...filters as TestFilter[]),
      expected,
      `SEED=${prng.seed} ${JSON.stringify(filters)}`,
    );
  }
});

Deno.test("what was replaced or deleted does not count", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  const note = signEvent(key);
  await store(
    client,
    signEvent(key, { kind: 0, created_at: 1 }),
    signEvent(key, { kind: 0, created_at: 2 }),
    note,
  );
  assertEquals(await count(client, { authors }), 2);
  await store(client, signEvent(key, { kind: 5, tags: [["e", note.id]] }));
  assertEquals(await count(client, { authors }), 2);
  assertEquals(await count(client, { authors, kinds: [1] }), 0);
});

Deno.test("a COUNT opens no subscription and leaves one of the same id alone", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["COUNT", "only counted", { authors: [key.pubkey] }]);
  assertEquals(await client.next(), ["COUNT", "only counted", { count: 0 }]);
  client.send(["REQ", "both", { authors: [key.pubkey] }]);
  await untilEose(client, "both");
  client.send(["COUNT", "both", { authors: [key.pubkey] }]);
  assertEquals(await client.next(), ["COUNT", "both", { count: 0 }]);
  const event: TestEvent = signEvent(key);
  await store(client, event);
  assertEquals(await nextEvent(client, "both"), event);
  assertEquals(client.inbox, []);
});

Deno.test("a COUNT that is refused gets CLOSED with the reason", async () => {
  await using client = await connect(relay.url);
  for (
    const filters of [[], [{ ids: ["x"] }], [1], [{ unheard: [1] }], [{ kinds: "1" }], Array(21).fill({})]
  ) {
    const answer = await ask(client, ...filters);
    assertEquals([answer[0], answer.length], ["CLOSED", 3], JSON.stringify(filters));
    assertMatch(answer[2] as string, /^(invalid|unsupported): \S/);
  }
});

Deno.test("many counts at once are all answered, each under its own id", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await store(client, ...Array.from({ length: 50 }, (_, i) => signEvent(key, { created_at: i })));
  const answers = Array.from({ length: 150 }, (_, i) => count(client, { authors: [key.pubkey], until: i }));
  assertEquals(await Promise.all(answers), Array.from({ length: 150 }, (_, i) => Math.min(i + 1, 50)));
});

/** HyperLogLog as NIP-45 words it, digit by digit: registers of the pubkeys, from the hex that stands for the value. */
function registersOf(pubkeys: readonly string[], hex: string): string {
  const offset = parseInt(hex[32]!, 16) + 8;
  const registers = Array<number>(256).fill(0);
  for (const pubkey of pubkeys) {
    const bits = [...pubkey.slice(offset * 2 + 2, offset * 2 + 16)]
      .map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
    const zeros = bits.includes("1") ? bits.indexOf("1") : bits.length;
    const register = parseInt(pubkey.slice(offset * 2, offset * 2 + 2), 16);
    registers[register] = Math.max(registers[register]!, zeros + 1);
  }
  return registers.map((value) => value.toString(16).padStart(2, "0")).join("");
}

Deno.test("the counts that NIP-45 lists come with HyperLogLog registers of the authors", async () => {
  await using client = await connect(relay.url);
  const authors = Array.from({ length: 40 }, freshKey);
  const prng = seededPrng("HyperLogLog");
  const [id, pubkey] = [prng.hex(32), prng.hex(32)];
  const address = `30023:${pubkey}:article`;
  const cases: [letter: string, value: string, kinds: number[], hex: string][] = [
    ["e", id, [7], id],
    ["e", id, [6], id],
    ["e", id, [1], id],
    ["E", id, [1111], id],
    ["p", pubkey, [3], pubkey],
    ["q", address, [1111, 1], pubkey],
    ["q", "not hex", [1, 1111], hash("sha256", "not hex", "hex")],
  ];
  for (const [letter, value, kinds, hex] of cases) {
    const events = authors.map((key, i) =>
      signEvent(key, {
        kind: kinds[i % kinds.length]!,
        tags: [[letter, value]],
        content: `${letter} ${kinds}`,
      })
    );
    // A second event of one author counts as an event, not as an author.
    if (kinds[0] !== 3) {
      events.push(signEvent(authors[0]!, { kind: kinds[0]!, tags: [[letter, value]], content: "2" }));
    }
    await store(client, ...events);
    const [, , body] = await ask(client, { [`#${letter}`]: [value], kinds });
    const hll = registersOf(authors.map((key) => key.pubkey), hex);
    assertEquals(body, { count: events.length, hll }, `SEED=${prng.seed} ${letter} ${kinds}`);
  }
  const unheard = prng.hex(32);
  const [, , empty] = await ask(client, { "#e": [unheard], kinds: [7] });
  assertEquals(empty, { count: 0, hll: "00".repeat(256) });
});

Deno.test("who is banned, and whose events are private, is in no count and in no register", async () => {
  const admin = testKey(45);
  const env = { LOG_LEVEL: "error", RELAY_ADMINS: admin.pubkey, PRIVATE_KINDS: "1111", RELAY_URL };
  await using relay = await startRelay({ env });
  const [asking, other, banned] = [freshKey(), freshKey(), freshKey()];
  await using client = await connectAs(relay.url, asking);
  await using stranger = await connect(relay.url);
  const q = "cd".repeat(32);
  const quotes = [asking, other, banned].flatMap((key) =>
    [1, 1_111].map((kind) => signEvent(key, { kind, tags: [["q", q]] }))
  );
  await store(stranger, ...quotes);
  const filter = { "#q": [q], kinds: [1_111, 1] };
  const counted = async (...keys: TestKey[]) => {
    const [, , body] = await ask(client, filter);
    const { count, hll } = body as { count: number; hll: string };
    return { count, isRight: hll === registersOf(keys.map(({ pubkey }) => pubkey), q) };
  };
  const manage = async (method: string, param: string) => {
    const body = JSON.stringify({ method, params: [param] });
    const url = RELAY_URL.replace(/^ws/, "http");
    const reply = await post(relay.httpUrl, body, headerOf(authorization(admin, url, body)));
    assertEquals(reply.body, { result: true });
  };
  // Their own comment, and everybody's notes.
  assertEquals(await counted(asking, other, banned), { count: 4, isRight: true });
  await manage("banpubkey", banned.pubkey);
  assertEquals(await counted(asking, other), { count: 3, isRight: true });
  await manage("banevent", quotes[2]!.id);
  assertEquals(
    await counted(asking),
    { count: 2, isRight: true },
    "of the other one only a private event is left",
  );
  await manage("unbanpubkey", banned.pubkey);
  assertEquals(await counted(asking, banned), { count: 3, isRight: true });
  assertEquals((await ask(stranger, filter))[0], "CLOSED");
  await client.close();
  await stranger.close();
  await relay.stop();
});

Deno.test("other counts bring no registers", async () => {
  await using client = await connect(relay.url);
  const e = "ab".repeat(32);
  for (
    const filters of [
      [{ "#e": [e] }],
      [{ "#e": [e], kinds: [7, 6] }],
      [{ "#e": [e, "cd".repeat(32)], kinds: [7] }],
      [{ "#e": [e], "#p": [e], kinds: [7] }],
      [{ "#e": [e], kinds: [7], since: 1 }],
      [{ "#e": [e], kinds: [7] }, { "#e": [e], kinds: [6] }],
      [{ kinds: [7] }],
    ]
  ) {
    const [, , body] = await ask(client, ...filters);
    assertEquals(Object.keys(body as object), ["count"], JSON.stringify(filters));
  }
});
