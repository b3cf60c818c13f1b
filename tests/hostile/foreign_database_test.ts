/**
 * Databases from somebody else: a trigger or a view in one would delete or hide events behind every statement, and texts
 * may say anything. A start and a restore refuse them with the reason.
 *
 * @module
 */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { command } from "../pipeline/command.ts";
import { publishGood } from "../pipeline/traffic.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

const NOTES = 20;

/** Calls `test` with a directory of a store and its decisions that a relay has left. */
async function withStore(test: (dataDir: string, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-foreign-" });
  const dataDir = `${directory}/data`;
  try {
    await using relay = await startRelay({ dataDir });
    await using client = await connect(relay.url);
    await publishGood(
      client,
      Array.from({ length: NOTES }, (_, n) => signEvent(testKey(1), { content: `${n}` })),
    );
    await client.close();
    await relay.stop();
    await test(dataDir, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function change(path: string, statements: string): void {
  const db = new DatabaseSync(path);
  db.exec(statements);
  db.close();
}

const SPOILER = "BEGIN DELETE FROM body; END";

Deno.test("no relay starts, and no import runs, on a database with a foreign trigger", async () => {
  await withStore(async (dataDir) => {
    const spoilers = [
      [
        "events.db",
        `CREATE TRIGGER spoil AFTER INSERT ON body ${SPOILER}`,
        "DROP TRIGGER spoil",
        "trigger spoil",
      ],
      [
        "management.db",
        "CREATE TRIGGER spoil AFTER INSERT ON management_verdict BEGIN DELETE FROM management_verdict; END",
        "DROP TRIGGER spoil",
        "trigger spoil",
      ],
      [
        "search.db",
        "CREATE TRIGGER spoil AFTER INSERT ON cursor BEGIN DELETE FROM document; END",
        "DROP TRIGGER spoil",
        "trigger spoil",
      ],
    ] as const;
    for (const [file, spoil, mend, name] of spoilers) {
      change(`${dataDir}/${file}`, spoil);
      await assertRejects(() => startRelay({ dataDir }), Error, `${name} is none of this program's`);
      if (file === "events.db") {
        const imported = await command("import", dataDir, JSON.stringify(signEvent(testKey(2))));
        assertEquals(imported.code, 1);
        assertStringIncludes(imported.said, `${name} is none of this program's`);
      }
      change(`${dataDir}/${file}`, mend);
    }
    await using relay = await startRelay({ dataDir });
    await using client = await connect(relay.url);
    assertEquals((await client.query({ kinds: [1] })).events.length, NOTES);
  });
});

Deno.test("a restore refuses a foreign trigger, and events that are not what they say", async () => {
  await withStore(async (dataDir, directory) => {
    const backup = `${directory}/backup`;
    const spoilers: [string, string, string, string[]][] = [
      ["events.db", `CREATE TRIGGER spoil AFTER INSERT ON body ${SPOILER}`, "trigger spoil", []],
      [
        "management.db",
        "CREATE TRIGGER spoil AFTER INSERT ON management_verdict BEGIN DELETE FROM management_verdict; END",
        "trigger spoil",
        [],
      ],
      [
        "events.db",
        `UPDATE body SET text = replace(text, '"content":"7"', '"content":"8"')`,
        "of event 8 the id is not the hash of the event",
        [],
      ],
      [
        "events.db",
        `UPDATE body SET text = substr(text, 1, length(text) - 10) || '00000000"}' WHERE seq = 3`,
        "of event 3 the signature does not verify",
        ["--verify"],
      ],
    ];
    for (const [file, spoil, reason, words] of spoilers) {
      assertEquals((await command("backup", dataDir, "", [backup])).code, 0);
      change(`${backup}/${file}`, spoil);
      const restored = await command("restore", `${directory}/restored`, "", [backup, ...words]);
      assertEquals(restored.code, 1, restored.said);
      assertStringIncludes(restored.said, reason);
      await Deno.remove(backup, { recursive: true });
    }
    assertEquals((await command("backup", dataDir, "", [backup])).code, 0);
    change(`${backup}/events.db`, spoilers[3]![1]);
    assertEquals((await command("restore", `${directory}/restored`, "", [backup, "--no-verify"])).code, 0);
  });
});
