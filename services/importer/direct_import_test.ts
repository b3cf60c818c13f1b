/**
 * Tests of an import without a relay: whose events it takes, and how it ends when its worker dies.
 * Run on the test's thread, with the import's own worker; the data directories are the tests' own.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { readConfig } from "../../lib/config/config.ts";
import { MANAGEMENT_VERSION_BYTES, ManagementWriter } from "../../lib/management/change_log.ts";
import { signEvent, testKey } from "../../tests/support/sign.ts";
import { openForFollowing } from "../../lib/store/keep/open.ts";
import { managementPath, storePath } from "../../runtime/data_paths.ts";
import { checkPolicyFiles, policyFilesOf } from "../../runtime/policy_files.ts";
import { DirectImport } from "./direct_import.ts";
import { startIntake } from "./intake_thread.ts";

const LINES = [0, 1, 2, 3].map((key) =>
  new TextEncoder().encode(JSON.stringify(signEvent(testKey(key), { content: `of ${key}` })) + "\n")
);

/** Imports pieces into a directory. */
async function importInto(
  dataDir: string,
  pieces: AsyncIterable<Uint8Array>,
  settings: Record<string, string> = {},
) {
  const config = readConfig({ VERIFY_TIER: "wasm", ...settings, DATA_DIR: dataDir });
  const files = policyFilesOf({ config, policyVersions: await checkPolicyFiles(config) });
  const target = await DirectImport.open(
    { config, libraryPath: null, verify: true, limits: true, files },
    () => {},
  );
  return await target.run(pieces);
}

/** What a promise gives, unless it takes longer. */
async function deadline<Value>(promise: Promise<Value>, ms: number): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function inDataDir(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-import-" });
  try {
    await test(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

Deno.test("an import takes the events of whom the operator has allowed, and not of whom he has banned", () =>
  inDataDir(async (dataDir) => {
    const version = new SharedArrayBuffer(MANAGEMENT_VERSION_BYTES);
    const writer = new ManagementWriter(managementPath(dataDir), version, { nowSeconds: () => 1 });
    writer.run((state) => state.decide("pubkey", testKey(1).pubkey, "allowed", "joined"));
    writer.run((state) => state.decide("pubkey", testKey(2).pubkey, "banned", ""));
    writer.close();
    const lines = () => ReadableStream.from(LINES);
    const listed = { ALLOWED_PUBKEYS: `${testKey(0).pubkey},${testKey(2).pubkey}` };
    const { stored, refused } = await importInto(dataDir, lines(), listed);
    assertEquals([stored, refused], [2, 2]);
    const open = await importInto(dataDir, lines());
    assertEquals([open.stored, open.duplicates, open.refused], [1, 2, 1], "who is banned is everywhere");
  }));

Deno.test("an import leaves no event to be settled by the relay that starts after it", () =>
  inDataDir(async (dataDir) => {
    await importInto(dataDir, ReadableStream.from(LINES));
    const db = openForFollowing(storePath(dataDir));
    const rows = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n;
    assertEquals([rows("event"), rows("fresh_event")], [LINES.length, 0]);
    db.close();
  }));

Deno.test("lines for a worker that has died are refused with the reason, also where it died between two calls", () =>
  inDataDir(async (dataDir) => {
    const path = `${dataDir}/policy.js`;
    await Deno.writeTextFile(
      path,
      "export const event = () => { setTimeout(() => { throw new Error('bad'); }); return null; };",
    );
    const config = readConfig({ VERIFY_TIER: "wasm", POLICY_FILES: path, DATA_DIR: dataDir });
    const files = policyFilesOf({ config, policyVersions: ["1"] });
    const intake = await startIntake({
      config,
      libraryPath: null,
      verify: true,
      limits: true,
      files,
      decisions: [],
    });
    const decide = async () => {
      const line = LINES[0]!.slice();
      const { lines } = await deadline(intake.decide(line), 20_000);
      assertEquals(lines, 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await assertRejects(
      async () => {
        for (let n = 0; n < 1_000; n++) await decide();
      },
      Error,
      "Cannot import: its worker died",
    );
    await assertRejects(() => deadline(intake.decide(LINES[0]!.slice()), 20_000), Error, "its worker died");
    intake.end();
  }));
