/**
 * The operator's policy files from outside: the documented example decides, broken ones refuse, changed ones take over.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connectAs, RELAY_URL } from "../protocol/auth.ts";
import { freshKey, idsOf, store } from "../protocol/shared_relay.ts";
import { connect, type QueryResult, type TestClient, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent } from "../support/sign.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

interface Bench {
  readonly relay: TestRelay;
  readonly dir: string;
  write(text: string): Promise<void>;
}

async function withPolicy(
  text: string,
  env: Record<string, string>,
  test: (bench: Bench) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "sluice-policy-" });
  const write = async (text: string) => {
    await Deno.writeTextFile(`${dir}/policy.new`, text);
    await Deno.rename(`${dir}/policy.new`, `${dir}/policy.ts`);
  };
  await write(text);
  await using relay = await startRelay({
    env: {
      RELAY_URL,
      POLICY_FILES: `${dir}/policy.ts`,
      GATEWAY_WORKERS: "2",
      VERIFIER_WORKERS: "2",
      DATA_DIR: `${dir}/data`,
      ...env,
    },
  });
  await test({ relay, dir, write });
  assertEquals(await relay.stop(), { code: 0, signal: null });
  await Deno.remove(dir, { recursive: true });
}

async function failures(relay: TestRelay, failure: string): Promise<number> {
  const text = await (await fetch(`${relay.httpUrl}/metrics`)).text();
  return Number(
    text.match(new RegExp(`^nostr_policy_failures_total\\{failure="${failure}"\\} (\\d+)`, "m"))?.[1],
  );
}

function closed(result: QueryResult): unknown {
  return result.closed?.[2];
}

/** Enough connections to meet every gateway and every verifier. */
async function withClients(url: string, test: (client: TestClient) => Promise<void>): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(url)));
  await Promise.all(clients.map(test));
  await Promise.all(clients.map((client) => client.close()));
}

Deno.test("the documented example is sound TypeScript and does what it says", async () => {
  const document = await Deno.readTextFile(`${ROOT}docs/operating/policies.md`);
  const example = [...document.matchAll(/```ts\n([^]*?)```/g)].map(([, text]) => text!)
    .find((text) => text.includes("policy_file.ts"))!;
  const own = example.replace("/opt/sluice/", `file://${ROOT}`);
  assert(own !== example, "the example imports the relay's types");
  await withPolicy(own, {}, async ({ relay, dir }) => {
    const check = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--config", `${ROOT}deno.json`, `${dir}/policy.ts`],
      stdout: "null",
      stderr: "piped",
    }).output();
    assert(check.success, new TextDecoder().decode(check.stderr));
    const key = freshKey();
    await using stranger = await connect(relay.url);
    const article = signEvent(key, { kind: 30_023, tags: [["d", "a"]] });
    assertEquals(await stranger.publish(article), [
      "OK",
      article.id,
      false,
      "auth-required: prove your key to publish articles",
    ]);
    await store(stranger, signEvent(key));
    await using author = await connectAs(relay.url, key);
    await store(author, article);
    assertEquals(closed(await stranger.query({ search: "ab" })), "blocked: search for more than two letters");
    assertEquals(closed(await stranger.query({ search: "abc" })), undefined);
    stranger.send(["COUNT", "c", { search: "ab" }]);
    assertMatch(String((await stranger.nextOfType("CLOSED"))[2]), /^blocked: /);
  });
});

Deno.test("a policy file sees the sender and the whole event, and an answer without a prefix gets one", async () => {
  const policy = `
    export const event = (event, context) => {
      const { ip, connection } = context;
      return event.content === "tell" ? JSON.stringify([event.kind, event.tags, ip, typeof connection]) : null;
    };
    export const request = (filters, { ip, authenticated }) =>
      filters[0].limit === 77 ? "restricted: " + ip + " " + [...authenticated].length : null;`;
  await withPolicy(policy, {}, async ({ relay }) => {
    await using client = await connectAs(relay.url, freshKey());
    const [, , , message] = await client.publish(
      signEvent(freshKey(), { content: "tell", tags: [["x", "y"]] }),
    );
    assertEquals(message, 'blocked: [1,[["x","y"]],"127.0.0.1","number"]');
    assertEquals(closed(await client.query({ limit: 77 })), "restricted: 127.0.0.1 1");
    const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
    assert((await response.json()).limitation.restricted_writes);
  });
});

Deno.test("a policy that throws, loops or answers nonsense refuses, is counted, and the relay goes on", async () => {
  const policy = `
    const act = (word) => {
      if (word === "throw") throw new Error("boom");
      if (word === "hang") while (true);
      if (word === "undefined") return undefined;
      if (word === "promise") return Promise.resolve(null);
      return null;
    };
    export const event = (event) => act(event.content);
    export const request = (filters) => act(filters[0].tags[0]?.values[0]);`;
  await withPolicy(policy, {}, async ({ relay }) => {
    await withClients(relay.url, async (client) => {
      const key = freshKey();
      await store(client, signEvent(key, { content: "fine" }));
      for (const word of ["throw", "undefined", "promise"]) {
        const ok = await client.publish(signEvent(key, { content: word }));
        assertEquals(ok.slice(2), [false, "error: a policy of this relay failed"], word);
        const filter: TestFilter = { "#t": [word] };
        assertEquals(closed(await client.query(filter)), "error: a policy of this relay failed", word);
      }
      await store(client, signEvent(key, { content: "still fine" }));
    });
    await using client = await connect(relay.url);
    assertEquals((await client.publish(signEvent(freshKey(), { content: "hang" })))[2], false);
    assertMatch(String(closed(await client.query({ "#t": ["hang"] }))), /^error: /);
    await store(client, signEvent(freshKey()));
    assertEquals(await failures(relay, "threw"), 16);
    assertEquals(await failures(relay, "answer"), 32);
    assertEquals(await failures(relay, "slow"), 2);
    assertStringIncludes(relay.output(), "a policy file failed: it threw boom");
  });
});

Deno.test("a changed file decides in every thread, and one that cannot be loaded changes nothing", async () => {
  const policy = (word: string) => `
    export const event = () => "blocked: ${word} event";
    export const request = (filters) => filters[0].limit === 9 ? "blocked: ${word} request" : null;`;
  await withPolicy(policy("first"), {}, async ({ relay, write }) => {
    const decidesEverywhere = async (word: string) => {
      await withClients(relay.url, async (client) => {
        assertEquals((await client.publish(signEvent(freshKey())))[3], `blocked: ${word} event`);
        assertEquals(closed(await client.query({ limit: 9 })), `blocked: ${word} request`);
      });
    };
    const said = (words: string) =>
      eventually(() => relay.output().includes(words), 15_000, `the relay says "${words}"`);
    await decidesEverywhere("first");
    await write("export const event = (;");
    await said("Cannot load policy file");
    await decidesEverywhere("first");
    await write("export const event = 5;");
    await said('its export "event" is not a function');
    await decidesEverywhere("first");
    await write(policy("second"));
    await said("policy files changed");
    // A gateway takes milliseconds to load it.
    await using client = await connect(relay.url);
    await eventually(
      async () => closed(await client.query({ limit: 9 })) === "blocked: second request",
      10_000,
      "it decides",
    );
    await eventually(() => decidesEverywhere("second").then(() => true, () => false), 10_000, "everywhere");
  });
});

Deno.test("a relay does not start with a policy file that cannot be loaded", async () => {
  for (const text of ["export const other = 1;", "throw new Error('at the top');"]) {
    let message = "";
    await withPolicy(text, {}, () => Promise.resolve()).catch((error) => message = error.message);
    assertMatch(message, /Cannot (use|load) policy file/);
  }
});

Deno.test("what an import brings is asked about too, and comes from nobody", async () => {
  const policy = `export const event = (event, { connection, ip }) =>
    event.content === "no" && connection === null && ip === null ? "blocked: not imported" : null;`;
  await withPolicy(policy, {}, async ({ relay, dir }) => {
    const [no, yes] = [signEvent(freshKey(), { content: "no" }), signEvent(freshKey(), { content: "yes" })];
    const lines = `${JSON.stringify(no)}\n${JSON.stringify(yes)}\n`;
    const importAll = async () => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", `${ROOT}scripts/import.ts`],
        cwd: dir,
        env: { DATA_DIR: `${dir}/data`, POLICY_FILES: `${dir}/policy.ts` },
        stdin: "piped",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(lines));
      await writer.close();
      return new TextDecoder().decode((await child.output()).stderr);
    };
    assertStringIncludes(await importAll(), "stored 1, already there 0, refused 1");
    await using client = await connect(relay.url);
    assertEquals(await idsOf(client, { ids: [no.id, yes.id] }), [yes.id]);
    await relay.stop();
    assertStringIncludes(await importAll(), "stored 0, already there 1, refused 1");
  });
});
