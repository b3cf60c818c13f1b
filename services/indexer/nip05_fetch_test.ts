/**
 * Tests of looking identifiers up, against a TLS server on loopback, and of what is not called at all.
 * Run on the main thread; each test has a server of its own.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NIP05_ANSWER_BYTES_MAX } from "../../lib/limits.ts";
import { checkIdentity, NIP05_MEANS, type Nip05Answer, type Nip05Means } from "./nip05_fetch.ts";

const TLS = new URL("../../tests/support/opensearch/tls/", import.meta.url);
const [cert, key, ca] = await Promise.all(
  ["server.pem", "server.key", "ca.pem"].map((name) => Deno.readTextFile(new URL(name, TLS))),
);
const AUTHOR = "a".repeat(64);
const ASKED = { author: AUTHOR, name: "bob", domain: "localhost" };
const NAMED = { names: { bob: AUTHOR, eve: "e".repeat(64) } };
/** Longer than a loaded machine takes; what waits for it in vain ends by a shorter one. */
const MS = 20_000;

interface Server {
  readonly means: Nip05Means;
  /** Method, path with query, and host of each. */
  readonly requests: string[];
}

/** Serves `answer`; the means reach it under any name. */
async function serving(
  answer: (request: Request) => Response | Promise<Response>,
  test: (server: Server) => Promise<void>,
): Promise<void> {
  const requests: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: cert!, key: key!, onListen: () => {} },
    (request) => {
      const { pathname, search } = new URL(request.url);
      requests.push(`${request.method} ${pathname}${search} ${request.headers.get("host")}`);
      return answer(request);
    },
  );
  const means = {
    resolve: () => Promise.resolve(["127.0.0.1"]),
    mayCall: () => true,
    port: server.addr.port,
    caCerts: [ca!],
    msMax: MS,
  };
  try {
    await test({ means, requests });
  } finally {
    await server.shutdown();
  }
}

/** What is said of one answer. */
async function verdictOn(answer: (request: Request) => Response, changes: Partial<typeof ASKED> = {}) {
  let said: Nip05Answer | undefined;
  await serving(answer, async ({ means }) => {
    said = await checkIdentity({ ...ASKED, ...changes }, means);
  });
  return said!.verdict;
}

Deno.test("an author whom the domain names is verified, by the well-known address and nothing else", async () => {
  await serving(() => Response.json(NAMED), async ({ means, requests }) => {
    assertEquals(await checkIdentity(ASKED, means), { verdict: "verified", reason: "named" });
    assertEquals(requests, ["GET /.well-known/nostr.json?name=bob localhost"]);
  });
});

Deno.test("another key, another name, no name, no JSON and a missing page refute", async () => {
  assertEquals(await verdictOn(() => Response.json(NAMED), { author: "b".repeat(64) }), "refuted");
  assertEquals(await verdictOn(() => Response.json(NAMED), { name: "toString" }), "refuted");
  for (const body of ["", "<html>", "null", "[]", '{"names":null}', '{"names":{"bob":1}}']) {
    assertEquals(await verdictOn(() => new Response(body)), "refuted", body);
  }
  assertEquals(await verdictOn(() => Response.json(NAMED, { status: 404 })), "refuted");
  assertEquals(await verdictOn(() => Response.json(NAMED, { status: 503 })), "unknown");
});

Deno.test("a redirect is not followed, whatever its body says", async () => {
  for (const status of [301, 302, 307, 308]) {
    let followed = 0;
    const verdict = await verdictOn((request) => {
      if (new URL(request.url).pathname !== "/.well-known/nostr.json") followed++;
      return Response.json(NAMED, { status, headers: { Location: "/elsewhere" } });
    });
    assertEquals([verdict, followed], ["refuted", 0], String(status));
  }
});

Deno.test("a private address is not called, not even beside a public one", async () => {
  await serving(() => Response.json(NAMED), async ({ means, requests }) => {
    const { mayCall } = NIP05_MEANS;
    for (
      const addresses of [
        ["127.0.0.1"],
        ["::1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
      ]
    ) {
      const answer = await checkIdentity(ASKED, {
        ...means,
        mayCall,
        resolve: () => Promise.resolve(addresses),
      });
      assertEquals(answer.verdict, "refuted");
      assertStringIncludes(answer.reason, "not a public address");
    }
    assertEquals(requests, []);
  });
});

Deno.test("a domain without an address, or whose look-up fails, is unknown", async () => {
  await serving(() => Response.json(NAMED), async ({ means }) => {
    const by = async (resolve: Nip05Means["resolve"]) =>
      (await checkIdentity(ASKED, { ...means, resolve })).verdict;
    assertEquals(await by(() => Promise.resolve([])), "unknown");
    assertEquals(await by(() => Promise.reject(new Error("no such name"))), "unknown");
  });
});

Deno.test("a certificate of another name, or of nobody who is known, is not believed", async () => {
  await serving(() => Response.json(NAMED), async ({ means, requests }) => {
    assertEquals((await checkIdentity({ ...ASKED, domain: "x.example" }, means)).verdict, "unknown");
    assertEquals((await checkIdentity(ASKED, { ...means, caCerts: [] })).verdict, "unknown");
    assertEquals(requests, []);
  });
});

Deno.test("an answer that is too long is not read to its end", async () => {
  let sent = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += 65_536;
          if (sent > 64 * NIP05_ANSWER_BYTES_MAX) return controller.close();
          controller.enqueue(new Uint8Array(65_536).fill(32));
        },
      }),
    );
  await serving(endless, async ({ means }) => {
    const answer = await checkIdentity(ASKED, means);
    assertEquals(answer.verdict, "unknown");
    assertStringIncludes(answer.reason, "longer than");
  });
  assert(sent < 64 * NIP05_ANSWER_BYTES_MAX, `${sent} bytes were sent`);
});

Deno.test("whoever answers slowly, never ends, or does not answer at all is given up", async () => {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  await serving(async () => {
    await over;
    return Response.json(NAMED);
  }, async ({ means }) => {
    const answer = await checkIdentity(ASKED, { ...means, msMax: 300 });
    assertEquals(answer, { verdict: "unknown", reason: "no answer within 300 ms" });
    const never = { ...means, msMax: 50, resolve: () => new Promise<string[]>(() => {}) };
    assertEquals((await checkIdentity(ASKED, never)).verdict, "unknown");
    end();
  });
});
