/**
 * The commands for other relays against relays that do not play their part.
 * Runs in the test process, with the simulated relays; the commands are processes of their own.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { startSimulatedRelay } from "../support/simulated_relay.ts";
import { command } from "../pipeline/command.ts";

const events = Array.from(
  { length: 30 },
  (_, n) => signEvent(testKey(n % 3), { content: `odd ${n}`, created_at: 1_790_000_000 + n }),
);

async function inDataDir(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-commands-" });
  try {
    await test(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

Deno.test("sync ends with 1 where the other relay compares no sets, or is silent, and says so", () =>
  inDataDir(async (dataDir) => {
    await using plain = await startSimulatedRelay({ events });
    const refused = await command("sync", dataDir, "", [plain.url]);
    assertEquals(refused.code, 1);
    assertMatch(refused.said, /Cannot compare with "ws:.*": .*does not compare sets \(NIP-77\)/);
    await using silent = await startSimulatedRelay({ reconciles: true, lie: { onMessage: () => true } });
    const late = await command("sync", dataDir, "", [silent.url, "--timeout", "1"]);
    assertEquals(late.code, 1);
    assertMatch(late.said, /the relay has sent nothing for 1 s/);
  }));

Deno.test("sync down refuses what was forged, stores the rest, and ends with 3", () =>
  inDataDir(async (dataDir) => {
    const forged = events[3]!.id;
    await using lying = await startSimulatedRelay({
      events,
      reconciles: true,
      lie: { onEvent: (event) => event.id === forged ? { ...event, sig: "00".repeat(64) } : event },
    });
    const { code, said } = await command("sync", dataDir, "", [lying.url, "--dir", "down"]);
    assertEquals(code, 3, said);
    assertMatch(said, new RegExp(`Unable to store event ${forged}: invalid: the signature does not verify`));
    assertEquals((await command("export", dataDir)).lines.length, events.length - 1);
  }));

Deno.test("download ends with 1 where the relay closes the connection, after what it had sent", () =>
  inDataDir(async (dataDir) => {
    let asked = 0;
    await using closing = await startSimulatedRelay({
      events,
      limitMax: 10,
      lie: {
        onMessage: (_client, [type]) => {
          if (type === "REQ" && ++asked === 2) closing.dropAll();
          return false;
        },
      },
    });
    const { code, lines, said } = await command("download", dataDir, "", [closing.url]);
    assertEquals([code, lines.length], [1, 10], said);
    assertMatch(said, /the connection broke off/);
  }));

/** Accepts all, and keeps what it was asked. */
const PLUGIN = `
import json, sys
for line in sys.stdin:
    with open(sys.argv[1], "a") as log: log.write(line)
    print(json.dumps({"id": json.loads(line)["event"]["id"], "action": "accept", "msg": ""}), flush=True)
`;

Deno.test("a write plugin is told from which relay a sync has brought an event", () =>
  inDataDir(async (dataDir) => {
    await Deno.writeTextFile(`${dataDir}/plugin.py`, PLUGIN);
    const env = {
      VERIFY_TIER: "wasm",
      WRITE_PLUGIN: `python3 ${dataDir}/plugin.py ${dataDir}/asked`,
    };
    await using relay = await startRelay({ env });
    await using upstream = await startSimulatedRelay({ events: events.slice(0, 3), reconciles: true });
    const { code, said } = await command("sync", relay.dataDir, "", [upstream.url, "--dir", "down"]);
    assertEquals(code, 0, said);
    const asked = (await Deno.readTextFile(`${dataDir}/asked`)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(asked.map(({ sourceType, sourceInfo }) => [sourceType, sourceInfo]), [
      ["Stream", upstream.url],
      ["Stream", upstream.url],
      ["Stream", upstream.url],
    ]);
    await relay.stop();
  }));
