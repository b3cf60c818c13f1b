/** Tests of backup and restore: a backup taken while events arrive holds what was acknowledged, and serves again. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { call } from "../protocol/management.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command } from "./command.ts";
import { assertSameIds, heldOf, publishAll, publishGood } from "./traffic.ts";

const ADMIN = testKey(77);

function notes(count: number, word: string): TestEvent[] {
  return Array.from({ length: count }, (_, n) => signEvent(testKey(n % 5), { content: `${word} ${n}` }));
}

/** A directory of the test's own, which goes with it. */
async function withDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-backup-" });
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a backup beside a relay that writes holds all that was acknowledged before, and serves", async () => {
  await withDirectory(async (directory) => {
    await using relay = await startRelay();
    await relay.restart({ RELAY_URL: relay.url, RELAY_PUBKEY: ADMIN.pubkey });
    await using client = await connect(relay.url, { timeoutMs: 30_000 });
    const before = notes(2_000, "before");
    await publishGood(client, before);
    const doomed = before[0]!;
    const owner = [0, 1, 2, 3, 4].map(testKey).find(({ pubkey }) => pubkey === doomed.pubkey)!;
    await publishGood(client, [signEvent(owner, { kind: 5, tags: [["e", doomed.id]] })]);
    const banned = testKey(50).pubkey;
    await call(relay.httpUrl, ADMIN, "banpubkey", banned, "spam");
    // Writes go on for as long as the backup takes.
    let isCopying = true;
    const during: TestEvent[] = [];
    const writing = (async () => {
      for (let round = 0; isCopying; round++) {
        const batch = notes(200, `during ${round}`);
        during.push(...batch);
        await publishGood(client, batch, 50);
      }
    })();
    const backup = `${directory}/backup`;
    const made = await command("backup", relay.dataDir, "", [backup]);
    isCopying = false;
    await writing;
    assertEquals(made.code, 0, made.said);
    assertEquals((await Array.fromAsync(Deno.readDir(backup), ({ name }) => name)).sort(), [
      "events.db",
      "management.db",
    ]);

    const dataDir = `${directory}/data`;
    assertEquals((await command("restore", dataDir, "", [backup])).code, 0);
    await using second = await startRelay({ dataDir, env: { FLUSH_INTERVAL_MS: "50" } });
    await using reader = await connect(second.url, { timeoutMs: 30_000 });
    const held = await heldOf(reader, [...before, ...during].map(({ id }) => id));
    const kept = before.slice(1).map(({ id }) => id);
    assertSameIds(kept.filter((id) => held.has(id)), kept);
    assert(!held.has(doomed.id), "what was deleted stays deleted");
    // One connection's events are stored in its order, so that a part of them is their beginning.
    const marks = during.map(({ id }) => held.has(id));
    const missing = marks.indexOf(false);
    assert(missing < 0 || !marks.slice(missing).includes(true), "the backup is one moment");
    await publishGood(reader, notes(10, "after"));
    await publishAll(reader, [signEvent(testKey(50))], 1, (_, ok) => assertEquals(ok[2], false));
    assertEquals((await reader.publish(doomed))[2], false);
    await eventually(async () => (await reader.query({ search: "before", limit: 10 })).events.length === 10);
  });
});

Deno.test("a backup without a relay holds what is in the write-ahead log only", async () => {
  await withDirectory(async (directory) => {
    await using relay = await startRelay();
    const events = notes(300, "killed");
    {
      await using client = await connect(relay.url);
      await publishGood(client, events);
    }
    await relay.kill();
    assertEquals((await command("backup", relay.dataDir, "", [`${directory}/backup`])).code, 0);
    await using second = await startRelay({ dataDir: `${directory}/backup` });
    await using reader = await connect(second.url);
    assertSameIds((await heldOf(reader, events.map(({ id }) => id))).keys(), events.map(({ id }) => id));
  });
});

Deno.test("a backup is there whole or not at all, and never in place of another", async () => {
  await withDirectory(async (directory) => {
    await using relay = await startRelay();
    const target = `${directory}/backup`;
    await Deno.mkdir(`${target}.partial`);
    await Deno.writeTextFile(`${target}.partial/events.db`, "of a backup that was cut short");
    assertEquals((await command("backup", relay.dataDir, "", [target])).code, 0);
    await assertRejects(() => Deno.lstat(`${target}.partial`), Deno.errors.NotFound);
    const again = await command("backup", relay.dataDir, "", [target]);
    assertEquals(again.code, 1);
    assertStringIncludes(again.said, `Cannot make backup "${target}": the directory is there already`);
    const nothing = await command("backup", `${directory}/empty`, "", [`${directory}/other`]);
    assertEquals(nothing.code, 1);
    assertStringIncludes(nothing.said, "there is no store in it");
    await assertRejects(() => Deno.lstat(`${directory}/other`), Deno.errors.NotFound);
  });
});

Deno.test("a restore refuses a directory in use, one that holds a store, and a backup that is damaged", async () => {
  await withDirectory(async (directory) => {
    await using relay = await startRelay();
    {
      await using client = await connect(relay.url);
      await publishGood(client, notes(500, "kept"));
    }
    const backup = `${directory}/backup`;
    assertEquals((await command("backup", relay.dataDir, "", [backup])).code, 0);
    const used = await command("restore", relay.dataDir, "", [backup]);
    assertEquals(used.code, 1);
    assertStringIncludes(used.said, "a relay is running on it");
    await relay.stop();
    const full = await command("restore", relay.dataDir, "", [backup]);
    assertEquals(full.code, 1);
    assertStringIncludes(full.said, "is there already");
    const bytes = await Deno.readFile(`${backup}/events.db`);
    bytes.fill(0x5a, 5 * 8192, 7 * 8192);
    await Deno.writeFile(`${backup}/events.db`, bytes);
    const damaged = await command("restore", `${directory}/data`, "", [backup]);
    assertEquals(damaged.code, 1);
    assertStringIncludes(damaged.said, `Cannot trust database "${backup}/events.db": `);
    await assertRejects(() => Deno.lstat(`${directory}/data/events.db`), Deno.errors.NotFound);
  });
});
