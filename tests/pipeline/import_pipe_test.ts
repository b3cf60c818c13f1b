/**
 * An import whose input is a live pipe, packed, wrong in places, or ended by Ctrl-C: beside a running relay and alone.
 * Runs in the test process; the commands and the relay are processes of their own.
 *
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { openForFollowing } from "../../lib/store/keep/open.ts";
import { storePath } from "../../runtime/data_paths.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command, startCommand } from "./command.ts";

const relay = await startRelay();

function notes(what: string, count: number): TestEvent[] {
  return Array.from({ length: count }, (_, n) => signEvent(testKey(n % 5), { content: `${what} ${n}` }));
}

const jsonl = (events: readonly TestEvent[]) =>
  events.map((event) => JSON.stringify(event)).join("\n") + "\n";

/** Calls `test` with the relay's data directory, and with one that no relay serves. */
async function besideAndAlone(test: (dataDir: string, where: string) => Promise<void>): Promise<void> {
  await test(relay.dataDir, "beside");
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-import-" });
  try {
    await test(dataDir, "alone");
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Which of these are stored. */
function storedOf(dataDir: string, events: readonly TestEvent[]): number {
  const db = openForFollowing(storePath(dataDir));
  try {
    const texts = db.prepare("SELECT text FROM body").all().map(({ text }) => String(text)).join("\n");
    return events.filter(({ id }) => texts.includes(id)).length;
  } finally {
    db.close();
  }
}

Deno.test("an event that a live pipe brings is stored before the next one comes", () =>
  besideAndAlone(async (dataDir, where) => {
    await using running = startCommand("import", dataDir);
    for (const event of notes(`live ${where}`, 3)) {
      await running.write(jsonl([event]));
      await eventually(() => storedOf(dataDir, [event]) === 1, 10_000, `${where}: the event is stored`);
    }
    await running.endInput();
    assertEquals((await running.ended).code, 0);
  }));

Deno.test("each refused line is named by its number, its id and the reason", () =>
  besideAndAlone(async (dataDir, where) => {
    const [a, b, c, d] = notes(`wrong ${where}`, 4);
    const spoiled = { ...b!, sig: "00".repeat(64) };
    const forged = { ...d!, content: "forged" };
    const { code, said } = await command(
      "import",
      dataDir,
      `${jsonl([a!])}\nnonsense\n${jsonl([spoiled, c!])}[]\n${jsonl([forged])}`,
    );
    assertEquals(code, 3, said);
    assertStringIncludes(said, "line 3: invalid: the message is not JSON\n");
    assertStringIncludes(said, `line 4, id ${b!.id}: invalid: the signature does not verify\n`);
    assertMatch(said, /line 6: invalid: /);
    assertStringIncludes(said, `line 7, id ${d!.id}: invalid: the id is not the hash of the event\n`);
    assertMatch(said, /read 6, stored 2, already there 0, refused 4/);
  }));

Deno.test("input packed by gzip, in several members too, is unpacked; what is packed otherwise is named", () =>
  besideAndAlone(async (dataDir, where) => {
    const events = notes(`packed ${where}`, 40);
    const members = [events.slice(0, 15), events.slice(15)].map((part) => gzipSync(jsonl(part)));
    const packed = new Uint8Array(Buffer.concat(members));
    const { code, said } = await command("import", dataDir, packed);
    assertEquals(code, 0, said);
    assertEquals(storedOf(dataDir, events), 40);
    const cut = await command("import", dataDir, packed.slice(0, packed.length - 30));
    assertEquals(cut.code, 1);
    assertMatch(cut.said, /Cannot unpack standard input: unexpected end of file/);
    const zstd = await command("import", dataDir, Uint8Array.fromHex("28b52ffd2400010000"));
    assertEquals(zstd.code, 1);
    assertMatch(zstd.said, /packed by zstd; try: zstd -dc FILE \| deno task import/);
  }));

Deno.test("Ctrl-C ends an import, which says how far it came; all of that is stored, and no half line counts", () =>
  besideAndAlone(async (dataDir, where) => {
    const events = notes(`stopped ${where}`, 50);
    await using running = startCommand("import", dataDir);
    await running.write(jsonl(events) + JSON.stringify(events[0]!).slice(0, 80));
    await eventually(() => storedOf(dataDir, events) === 50, 10_000, `${where}: the events are stored`);
    running.signal("SIGINT");
    const { code, said } = await running.ended;
    assertEquals(code, 130, said);
    assertMatch(said, /read 50, stored 50, already there 0, refused 0/);
    assertMatch(said, /stopped after 50 events; those that were stored are on disk/);
  }));
