/**
 * Settings that change while the relay runs: by their file or at SIGHUP, in every thread, as a whole or not at all.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RELAY_URL } from "../protocol/auth.ts";
import { freshKey, idsOf, nowSeconds, store, untilEose } from "../protocol/shared_relay.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent } from "../support/sign.ts";

const THREADS = { GATEWAY_WORKERS: "3", VERIFIER_WORKERS: "3", READER_WORKERS: "2" };

/** A relay whose settings file a test writes. */
interface Bench {
  readonly relay: TestRelay;
  /** Writes the file anew and waits until the relay's log says the words, or until its name is the one that is set. */
  change(settings: Record<string, string>, words?: string): Promise<void>;
  /** The same, by SIGHUP: the relay need not notice the file. */
  signal(settings: Record<string, string>, words: string): Promise<void>;
}

async function withSettings(
  settings: Record<string, string>,
  env: Record<string, string>,
  test: (bench: Bench) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "sluice-reload-" });
  const file = `${dir}/settings`;
  const write = async (values: Record<string, string>) => {
    const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
    await Deno.writeTextFile(`${file}.new`, lines.join(""));
    await Deno.rename(`${file}.new`, file);
  };
  await write(settings);
  await using relay = await startRelay({ env: { ...THREADS, DATA_DIR: dir, ...env }, settingsFile: file });
  const said = async (words: string, act: () => Promise<void>) => {
    const before = relay.output().length;
    await act();
    await eventually(() => relay.output().slice(before).includes(words), 15_000, `the relay says "${words}"`);
  };
  await test({
    relay,
    change: async (values, words) => {
      if (words !== undefined) return await said(words, () => write(values));
      await write(values);
      const isNamed = async () => (await information(relay)).name === values.RELAY_NAME;
      await eventually(isNamed, 15_000, `the relay is called "${values.RELAY_NAME}"`);
    },
    signal: (values, words) =>
      said(words, async () => {
        await write(values);
        Deno.kill(relay.pid, "SIGHUP");
      }),
  });
  assertEquals(await relay.stop(), { code: 0, signal: null });
  await Deno.remove(dir, { recursive: true });
}

/** Enough connections to meet every gateway and every verifier. */
async function withClients(url: string, test: (clients: TestClient[]) => Promise<void>): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 12 }, () => connect(url)));
  await test(clients);
  await Promise.all(clients.map((client) => client.close()));
}

async function information(relay: TestRelay): Promise<Record<string, unknown>> {
  const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
  return await response.json();
}

Deno.test("a changed file changes limits, policies and texts in every thread, and connections stay", async () => {
  await withSettings({ RELAY_NAME: "Before" }, {}, async ({ relay, change }) => {
    await withClients(relay.url, async (clients) => {
      const key = freshKey();
      const before = signEvent(key, { kind: 1 });
      await store(clients[0]!, before);
      const settings = {
        RELAY_NAME: "After",
        MAX_SUBSCRIPTIONS: "1",
        MAX_CONTENT_LENGTH: "10",
        CREATED_AT_LOWER_LIMIT: "1000",
        DENIED_KINDS: "7",
        PRIVATE_KINDS: "4,1",
        NEGENTROPY_EVENTS_MAX: "5",
      };
      await change(settings, "MAX_SUBSCRIPTIONS");
      for (let n = 0; n < 6; n++) {
        const { name, limitation } = await information(relay) as { name: string; limitation: unknown };
        assertEquals(name, "After");
        const shown = limitation as Record<string, number>;
        assertEquals(
          [shown.max_subscriptions, shown.max_content_length, shown.created_at_lower_limit],
          [1, 10, 1_000],
        );
      }
      await Promise.all(clients.map(async (client, n) => {
        const refused = [
          signEvent(key, { content: `more than ten ${n}` }),
          signEvent(key, { created_at: nowSeconds() - 2_000 - n }),
          signEvent(key, { kind: 7, content: `${n}` }),
        ];
        for (const event of refused) {
          assertMatch((await client.publish(event))[3], /^(invalid|blocked): \S/);
        }
        await store(client, signEvent(key, { kind: 6, content: `${n}` }));
        assertEquals(await idsOf(client, { ids: [before.id] }), [], "private now");
        client.send(["REQ", "one", { limit: 0 }]);
        await untilEose(client, "one");
        client.send(["REQ", "two", { limit: 0 }]);
        assertMatch((await client.nextOfType("CLOSED"))[2] as string, /^rate-limited: more than 1 /);
        client.send(["NEG-OPEN", "n", { kinds: [6] }, "6100000000000000"]);
        assertMatch(String((await client.nextOfType("NEG-ERR"))[2]), /^blocked: /);
      }));
    });
    // Without the file the defaults hold again.
    await change({}, "MAX_SUBSCRIPTIONS");
    assertEquals((await information(relay)).name, "Sluice");
  });
});

Deno.test("what is invalid or contradicts itself is refused as a whole, with every reason", async () => {
  await withSettings({ RELAY_NAME: "Before" }, {}, async ({ relay, change, signal }) => {
    await change({ RELAY_NAME: "After", MAX_LIMIT: "many", MAX_FILTRS: "3" }, "is refused");
    assertStringIncludes(relay.output(), 'Cannot read MAX_LIMIT "many": an integer');
    assertStringIncludes(relay.output(), "MAX_FILTERS is one");
    assertEquals((await information(relay)).name, "Before");
    // RELAY_URL needs a restart, and AUTH_TO_WRITE needs RELAY_URL.
    await signal({ RELAY_NAME: "After", AUTH_TO_WRITE: "true", RELAY_URL }, "is refused");
    assertStringIncludes(relay.output(), "Cannot change RELAY_URL: that needs a restart");
    assertEquals((await information(relay)).name, "Before");
    await using client = await connect(relay.url);
    await store(client, signEvent(freshKey()));
    await signal({ RELAY_NAME: "After" }, "RELAY_NAME changed");
    assertEquals((await information(relay)).name, "After");
  });
});

Deno.test("settings that need a restart are named, keep their values, and the others change", async () => {
  const present = { RELAY_NAME: "Before", CACHE_MB: "16" };
  await withSettings(present, {}, async ({ relay, signal }) => {
    const next = { RELAY_NAME: "After", CACHE_MB: "32", PORT: "1", WRITE_PLUGIN: "cat" };
    await signal(next, "CACHE_MB, WRITE_PLUGIN will change at the next start");
    // PORT is set in the environment, which wins.
    assertStringIncludes(relay.output(), "SIGHUP: RELAY_NAME changed");
    assertEquals((await information(relay)).name, "After");
    await signal(next, "SIGHUP: nothing changes");
  });
});

Deno.test("an address that is denied now is cut off, and the log tells as much as it is set to", async () => {
  const env = { REAL_IP_HEADER: "X-Forwarded-For" };
  await withSettings({}, env, async ({ relay, change, signal }) => {
    const from = (ip: string) => connect(relay.url, { headers: { "X-Forwarded-For": ip } });
    const denied = await Promise.all(Array.from({ length: 6 }, () => from("203.0.113.7")));
    await using other = await from("192.0.2.1");
    await signal({ DENIED_ADDRESSES: "203.0.113.0/24" }, "DENIED_ADDRESSES changed");
    for (const client of denied) assertEquals((await client.closed).code, 1008);
    await store(other, signEvent(freshKey()));
    const before = relay.output().length;
    // What changes is information, and no longer said; a refusal is an error, and it comes after the change.
    await signal({ LOG_LEVEL: "error", RELAY_NAME: "quiet", MAX_LIMIT: "0" }, "is refused");
    await change({ LOG_LEVEL: "error", RELAY_NAME: "quiet" });
    await signal({ RELAY_NAME: "loud", MAX_LIMIT: "0" }, "is refused");
    assertEquals((await information(relay)).name, "quiet");
    assert(!relay.output().slice(before).includes("changed"));
  });
});

Deno.test("a write plugin is exchanged and taken out of use while the relay runs", async () => {
  const dir = await Deno.makeTempDir({ prefix: "sluice-plugin-" });
  const plugin = (word: string) =>
    `while read -r line; do id=$(printf %s "$line" | sed 's/.*"event":{"id":"\\([0-9a-f]*\\)".*/\\1/'); ` +
    `printf '{"id":"%s","action":"reject","msg":"blocked: ${word}"}\\n' "$id"; done`;
  for (const word of ["first", "second"]) {
    await Deno.writeTextFile(`${dir}/${word}`, `#!/bin/sh\n${plugin(word)}\n`, { mode: 0o755 });
  }
  const settings = (word: string) => ({ WRITE_PLUGIN: `${dir}/${word}` });
  await withSettings(settings("first"), {}, async ({ relay, signal }) => {
    await using client = await connect(relay.url);
    const answer = async () => (await client.publish(signEvent(freshKey())))[3];
    assertEquals(await answer(), "blocked: first");
    await signal(settings("second"), "WRITE_PLUGIN changed");
    assertEquals(await answer(), "blocked: second");
    await signal({}, "WRITE_PLUGIN changed");
    assertEquals(await answer(), "");
    await signal({ WRITE_PLUGIN: "/opt/elsewhere" }, "WRITE_PLUGIN will change at the next start");
    assertEquals(await answer(), "");
    await signal(settings("first"), "WRITE_PLUGIN changed");
    assertEquals(await answer(), "blocked: first");
  });
  await Deno.remove(dir, { recursive: true });
});
