/**
 * What it costs to read from many relays: `deno task bench upstreams [--relays N] [--events E] [--copies C] [--rate R]
 * [--reader sluice|strfry] [--engine serve|ws]`, and the flags `--data` and `--seed` of `scenario.ts`.
 *
 * The load driver plays the relays, each under a loopback address of its own. Once all are subscribed, the events of the
 * corpus are sent, each by C relays on average, drawn by Zipf's law. `strfry` stands for `strfry router` beside
 * `strfry relay` (STRFRY_BIN). Prints one line of JSON: seconds until all were subscribed, KB a connection, events a second
 * and microseconds of CPU time for an event and for a copy. Runs in a process of its own.
 *
 * @module
 */
import { corpus } from "./corpus.ts";
import { openDriver } from "./driver.ts";
import { readFlags } from "./flags.ts";
import { printProgress, printResult } from "./output.ts";
import { strfry } from "./peers/strfry.ts";
import { type Peer, type RunningRelay, startPeer } from "./peers/peer.ts";
import { sluice, sluiceWs } from "./peers/sluice.ts";
import { cpuSeconds, residentKilobytes, untilAtRest } from "./peers/rest.ts";
import { SETTING, withDataDir } from "./scenario.ts";

/** The longest wait until all relays are subscribed, and until all events are stored, ms. */
const READY_MS_MAX = 300_000;
const LOOK_MS = 200;
/** Events are all stored when their number has not changed for so long, ms. */
const STILL_MS = 3_000;

/** Whoever reads: its processes, and how many events it has stored. */
interface Reader {
  readonly pids: readonly number[];
  stored(): Promise<number>;
  stop(): Promise<void>;
}

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const defaults = {
    data: SETTING.data,
    seed: SETTING.seed,
    relays: 100,
    events: 100_000,
    copies: 4,
    rate: 0,
    reader: "sluice",
    engine: "serve",
  };
  const { data, seed, relays, events, copies, rate, reader: name, engine } = readFlags(words, defaults);
  const file = await corpus(events, seed);
  const flags = { relays, events, copies, rate, seed };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  await using driver = await openDriver(["upstreams", "--file", file, ...args]);
  const { listening } = await driver.line();
  const urls = Array.from({ length: relays }, (_, n) => urlOf(n, Number(listening)));
  await withDataDir(data, "upstreams", async (dataDir) => {
    const start = name === "strfry" ? startStrfry : (dir: string) => startSluice(dir, engine);
    const reader = await start(dataDir);
    try {
      const before = memoryOf(reader);
      const beganMs = performance.now();
      await Deno.writeTextFile(
        `${dataDir}/${name === "strfry" ? "router.config" : "urls"}`,
        listOf(name, urls),
      );
      const subscribed = await Promise.race([driver.line(), late()]);
      const readyMs = performance.now() - beganMs;
      for (const pid of reader.pids) await untilAtRest(pid);
      const each = (memoryOf(reader) - before) / relays;
      await printProgress(`${JSON.stringify(subscribed)}, ${each.toFixed(1)} KB each`);
      await printResult({
        bench: "upstreams",
        reader: name,
        ...flags,
        ready_seconds: round(readyMs / 1_000),
        kb_per_connection: round(each),
        ...await measure(reader, driver),
      });
    } finally {
      await reader.stop();
    }
  });
}

/** Has the relays send, and waits until what they sent is stored. */
async function measure(reader: Reader, driver: Awaited<ReturnType<typeof openDriver>>) {
  const [cpuBefore, beganMs] = [cpuOf(reader), performance.now()];
  await driver.say("go");
  const { sent, events, seconds } = await driver.line();
  let [stored, changedMs, cpu] = [-1, performance.now(), cpuOf(reader)];
  while (performance.now() - changedMs < STILL_MS) {
    const now = await reader.stored();
    if (now !== stored) [stored, changedMs, cpu] = [now, performance.now(), cpuOf(reader)];
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const took = (changedMs - beganMs) / 1_000;
  return {
    sent: Number(sent),
    stored,
    send_seconds: Number(seconds),
    seconds: round(took),
    events_per_second: Math.round(Number(events) / took),
    cpu_us_per_event: round((cpu - cpuBefore) * 1e6 / Number(events)),
    cpu_us_per_copy: round((cpu - cpuBefore) * 1e6 / Number(sent)),
    rss_mb: Math.round(memoryOf(reader) / 1_024),
  };
}

/** The address of a simulated relay, as the driver tells them apart. */
function urlOf(number: number, port: number): string {
  return `ws://127.1.${Math.floor(number / 250)}.${number % 250 + 1}:${port}`;
}

function listOf(reader: string, urls: readonly string[]): string {
  if (reader !== "strfry") return urls.join("\n") + "\n";
  const list = urls.map((url) => `"${url}"`).join(" ");
  return `connectionTimeout = 60\nstreams { all { dir = "down" urls = [ ${list} ] } }\n`;
}

async function startSluice(dataDir: string, engine: string): Promise<Reader> {
  await Deno.writeTextFile(`${dataDir}/urls`, "");
  Deno.env.set("UPSTREAM_FILE", `${dataDir}/urls`);
  Deno.env.set("UPSTREAM_ALLOW", "127.0.0.0/8");
  const relay = await startPeer(engine === "ws" ? sluiceWs : sluice, dataDir);
  const http = relay.url.replace("ws", "http");
  return {
    pids: [relay.pid],
    async stored() {
      const text = await (await fetch(`${http}/metrics`)).text();
      const lines = text.matchAll(/^nostr_events_stored_total\{[^}]*\} (\d+)/gm);
      return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
    },
    stop: () => relay.stop(),
  };
}

async function startStrfry(dataDir: string): Promise<Reader> {
  const relay: RunningRelay = await startPeer(strfry as Peer, dataDir);
  const config = `${dataDir}/router.config`;
  await Deno.writeTextFile(config, listOf("strfry", []));
  const program = Deno.env.get("STRFRY_BIN") ?? "strfry";
  const own = [`--config=${dataDir}/strfry.conf`];
  const options = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const router = new Deno.Command(program, { args: [...own, "router", config], ...options }).spawn();
  return {
    pids: [relay.pid, router.pid],
    async stored() {
      const scan = new Deno.Command(program, { args: [...own, "scan", "--count", "{}"], stderr: "null" });
      return Number(new TextDecoder().decode((await scan.output()).stdout));
    },
    async stop() {
      router.kill("SIGKILL");
      await router.status;
      await relay.stop();
    },
  };
}

function cpuOf({ pids }: Reader): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

function memoryOf({ pids }: Reader): number {
  return pids.reduce((sum, pid) => sum + residentKilobytes(pid), 0);
}

function late(): Promise<never> {
  return new Promise((_, reject) =>
    setTimeout(
      () => reject(new Error(`Cannot measure: not all relays were subscribed within ${READY_MS_MAX} ms`)),
      READY_MS_MAX,
    )
  );
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
