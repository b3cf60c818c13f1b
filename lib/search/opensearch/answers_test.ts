/** Tests of what the index makes of each kind of answer, against a server that says what the test wants. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OPENSEARCH_MATCHES_MAX, OPENSEARCH_SEARCH_MS_MAX, SEARCHES_UNANSWERED_MAX } from "../../limits.ts";
import { addition, note, NOW } from "../search_test_fixture.ts";
import { type IndexChange, SearchUnavailableError } from "../search_index.ts";
import { OpenSearchIndex, type OpenSearchOptions } from "./opensearch_index.ts";

type Answer = (request: Request) => Response | Promise<Response>;

/** Runs `run` with an index whose server answers by `answer`. */
async function against(
  answer: Answer,
  run: (index: OpenSearchIndex) => Promise<void>,
  options: Partial<OpenSearchOptions> = {},
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  const index = new OpenSearchIndex({
    url: `http://127.0.0.1:${server.addr.port}`,
    index: "sluice",
    ...options,
  });
  try {
    await run(index);
  } finally {
    await index.close();
  }
}

const APPLES = { filter: { tags: [], limit: 10, search: "apple" }, now: NOW };
const CHANGES: readonly IndexChange[] = [1, 2, 3].map((seq) => addition(seq, note("apple")));

function itemsOf(...items: (number | [status: number, type: string])[]): Answer {
  return () =>
    Response.json({
      items: items.map((item) => {
        const [status, type] = typeof item === "number" ? [item] : item;
        return { index: { status, ...(type ? { error: { type, reason: "because" } } : {}) } };
      }),
    });
}

for (
  const [status, type] of [
    [429, "opensearch_rejected_execution_exception"],
    [503, "unavailable_shards_exception"],
    [403, "cluster_block_exception"],
    [409, "version_conflict_engine_exception"],
    [500, "illegal_state_exception"],
  ] as const
) {
  Deno.test(`OpenSearchIndex wants a change repeated after status ${status}`, async () => {
    await against(itemsOf(201, [status, type], 200), async (index) => {
      const reason = `${status} ${type}: because`;
      const expected = {
        retry: [{ position: 1, reason, isSuspect: status === 409 || status === 500 }],
        rejected: [],
        cursorStored: false,
      };
      assertEquals(await index.apply(CHANGES), expected);
    });
  });
}

for (
  const type of ["mapper_parsing_exception", "strict_dynamic_mapping_exception", "illegal_argument_exception"]
) {
  Deno.test(`OpenSearchIndex sets a change aside after ${type}`, async () => {
    await against(itemsOf(201, 201, [400, type]), async (index) => {
      const rejected = [{ position: 2, reason: `400 ${type}: because` }];
      assertEquals(await index.apply(CHANGES), { retry: [], rejected, cursorStored: false });
    });
  });
}

Deno.test("OpenSearchIndex takes it for an outage if no change was taken", async () => {
  const refused = [429, "rejected_execution_exception"] as [number, string];
  await against(itemsOf(refused, refused, refused), async (index) => {
    await assertRejects(
      () => index.apply(CHANGES),
      SearchUnavailableError,
      "429 rejected_execution_exception",
    );
  });
});

Deno.test("OpenSearchIndex names the last of several changes to one id", async () => {
  const twice = [CHANGES[0]!, CHANGES[1]!, CHANGES[0]!];
  await against(itemsOf(201, [429, "busy"]), async (index) => {
    assertEquals((await index.apply(twice)).retry.map(({ position }) => position), [2]);
  });
});

Deno.test("OpenSearchIndex does not believe an answer of another length", async () => {
  await against(itemsOf(201), async (index) => {
    await assertRejects(() => index.apply(CHANGES), SearchUnavailableError, "1 items for 3 operations");
  });
  await against(() => Response.json({}), async (index) => {
    await assertRejects(() => index.apply(CHANGES), SearchUnavailableError, "0 items for 3 operations");
  });
});

Deno.test("OpenSearchIndex halves a bulk that is too long, down to the one change that is", async () => {
  const long = note("x".repeat(10_000));
  const changes = [...CHANGES, addition(4, long)];
  const taken: string[] = [];
  async function answer(request: Request): Promise<Response> {
    const text = await request.text();
    if (text.length > 5_000) return new Response("too long", { status: 413 });
    const lines = text.trimEnd().split("\n").filter((line) => line.startsWith('{"index"'));
    taken.push(...lines.map((line) => JSON.parse(line).index._id));
    return Response.json({ items: lines.map(() => ({ index: { status: 201 } })) });
  }
  await against(answer, async (index) => {
    const { retry, rejected } = await index.apply(changes);
    assertEquals(retry, []);
    assertEquals(rejected.map(({ position }) => position), [3]);
    assertEquals(taken, changes.slice(0, 3).map((change) => change.type === "add" ? change.document.id : ""));
  });
});

for (const status of [400, 401, 403, 404, 429, 500, 502, 503, 504]) {
  Deno.test(`OpenSearchIndex is unavailable after status ${status}, and answers again afterwards`, async () => {
    let fails = true;
    function answer(): Response {
      if (fails) {
        return Response.json({ error: { type: "some_exception", reason: "because" }, status }, { status });
      }
      return Response.json({
        timed_out: false,
        _shards: { failed: 0 },
        hits: { hits: [{ sort: [1.5, 100, "a"] }] },
      });
    }
    await against(answer, async (index) => {
      const error = await assertRejects(
        () => index.search(APPLES),
        SearchUnavailableError,
        "some_exception because",
      );
      assert(error.message.includes(`status ${status}`), error.message);
      await assertRejects(() => index.apply(CHANGES), SearchUnavailableError);
      await assertRejects(() => index.prepare(), SearchUnavailableError);
      await assertRejects(() => index.count(), SearchUnavailableError);
      fails = false;
      assertEquals(await index.search(APPLES), { ids: ["a"] });
    });
  });
}

Deno.test("OpenSearchIndex asks for a bound of time and of matches", async () => {
  let asked: Record<string, unknown> = {};
  await against(async (request) => {
    asked = await request.json();
    return Response.json({ timed_out: false, _shards: { failed: 0 } });
  }, async (index) => {
    assertEquals(await index.search(APPLES), { ids: [] });
  });
  assertEquals(asked.timeout, `${OPENSEARCH_SEARCH_MS_MAX}ms`);
  assertEquals(asked.terminate_after, OPENSEARCH_MATCHES_MAX);
});

Deno.test("OpenSearchIndex never takes a part of the hits for all", async () => {
  const parts = [
    { timed_out: true, _shards: { failed: 0 } },
    { timed_out: false, _shards: { failed: 1 } },
    { timed_out: false, terminated_early: true, _shards: { failed: 0 } },
  ];
  for (const part of parts) {
    await against(
      () => Response.json({ ...part, hits: { hits: [{ sort: [1.5, 100, "a"] }] } }),
      async (index) => {
        await assertRejects(() => index.search(APPLES), SearchUnavailableError, "a part of the index");
      },
    );
  }
});

Deno.test("OpenSearchIndex is unavailable where the answer is no JSON of OpenSearch", async () => {
  for (const answer of ["<html>", "", "null", "[]", '{"hits"']) {
    const headers = { "content-type": "application/json" };
    await against(() => new Response(answer, { headers }), async (index) => {
      await assertRejects(() => index.search(APPLES), SearchUnavailableError);
      await assertRejects(() => index.apply(CHANGES), SearchUnavailableError);
    });
  }
});

Deno.test("OpenSearchIndex is unavailable where nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const index = new OpenSearchIndex({ url, index: "sluice" });
  for (let attempt = 0; attempt < 3; attempt++) {
    await assertRejects(() => index.search(APPLES), SearchUnavailableError, url);
    await assertRejects(() => index.apply(CHANGES), SearchUnavailableError);
    await assertRejects(() => index.prepare(), SearchUnavailableError);
  }
  await index.close();
});

Deno.test("OpenSearchIndex waits no longer than its bound, for an answer's beginning or its end", async () => {
  const hold = Promise.withResolvers<void>();
  await against(() => hold.promise.then(() => new Response()), async (index) => {
    await assertRejects(() => index.search(APPLES), SearchUnavailableError);
    hold.resolve();
  }, { timeoutMs: 100 });

  const half = () =>
    new Response(
      new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('{"timed_out":')) }),
      { headers: { "content-type": "application/json" } },
    );
  await against(half, async (index) => {
    await assertRejects(() => index.search(APPLES), SearchUnavailableError, "100 ms");
  }, { timeoutMs: 100 });
});

Deno.test("OpenSearchIndex refuses the search after SEARCHES_UNANSWERED_MAX unanswered ones", async () => {
  const hold = Promise.withResolvers<void>();
  const answer = { timed_out: false, _shards: { failed: 0 } };
  await against(() => hold.promise.then(() => Response.json(answer)), async (index) => {
    const waiting = Array.from({ length: SEARCHES_UNANSWERED_MAX }, () => index.search(APPLES));
    await assertRejects(() => index.search(APPLES), SearchUnavailableError, "unanswered");
    hold.resolve();
    for (const answer of await Promise.all(waiting)) assertEquals(answer, { ids: [] });
    assertEquals(await index.search(APPLES), { ids: [] });
  });
});

Deno.test("OpenSearchIndex sends its user, and shows the address without it", async () => {
  const seen: (string | null)[] = [];
  function answer(request: Request): Response {
    seen.push(request.headers.get("authorization"));
    return Response.json({ timed_out: false, _shards: { failed: 0 } });
  }
  await against(answer, async (index) => {
    await index.search(APPLES);
    const { host } = new URL(index.description.split(" at ")[1]!);
    const inUrl = new OpenSearchIndex({ url: `http://relay:p%40ss@${host}/`, index: "sluice" });
    await inUrl.search(APPLES);
    assertEquals(inUrl.description, `opensearch at http://${host}`);
    await inUrl.close();
  }, { user: "relay", password: "p@ss" });
  assertEquals(seen, Array(2).fill(`Basic ${btoa("relay:p@ss")}`));
});

const TLS = new URL("../../../tests/support/opensearch/tls/", import.meta.url);

/** A certificate for 127.0.0.1, valid for a century, by an authority that signs nothing else. */
function tlsFile(name: "ca.pem" | "server.pem" | "server.key"): string {
  return Deno.readTextFileSync(new URL(name, TLS));
}

Deno.test("OpenSearchIndex trusts a server by the given authority, and no other", async () => {
  const certificate = { cert: tlsFile("server.pem"), key: tlsFile("server.key") };
  const answer = () => Response.json({ timed_out: false, _shards: { failed: 0 } });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {}, ...certificate }, answer);
  const url = `https://127.0.0.1:${server.addr.port}`;
  async function search(options: Partial<OpenSearchOptions>): Promise<unknown> {
    const index = new OpenSearchIndex({ url, index: "sluice", ...options });
    return await index.search(APPLES).finally(() => index.close());
  }
  assertEquals(await search({ ca: tlsFile("ca.pem") }), { ids: [] });
  assertEquals(await search({ rejectUnauthorized: false }), { ids: [] });
  await assertRejects(() => search({}), SearchUnavailableError);
});
