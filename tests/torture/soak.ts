/**
 * The trial of time: a mixed load at a steady pace, and samples of what must not grow: private memory, file descriptors,
 * threads. After a warm-up their slope is flat, if there was time enough to tell. A round is a sample.
 *
 * Private memory is what counts (`RssAnon` of /proc): readers map the database, and its pages belong to the page cache.
 * Caches of SQLite are set small, so that they are full when the warm-up is over.
 *
 * Runs in the process of whoever calls it, which owns the clients.
 *
 * @module
 */
import { publishAll } from "../pipeline/traffic.ts";
import { makeWorkload, WORDS } from "../pipeline/workload.ts";
import { connect, type TestClient } from "../support/client.ts";
import type { Prng } from "../support/prng.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { Findings, rounded, roundsOf, type TrialOptions, type TrialResult } from "./trial.ts";

const SAMPLE_MS = 1_000;
/** The share of the samples that belong to the warm-up. */
const WARM_UP_SHARE = 0.5;
const PUBLISHERS = 2;
const EVENTS_A_TURN = 300;
const WINDOW = 50;
/** Less time tells nothing of growth, ms: heaps and caches fill at first. */
const WATCHED_MS_MIN = 30_000;
/** What may come and go between two samples. */
const SLACK = { "private memory, MiB": 16, "file descriptors, most": 8, "threads, most": 2 };
/** Growth over the watched time that counts as flat, as a share of the median. */
const FLAT_SHARE = 0.06;

type Level = keyof typeof SLACK;
const LEVELS = Object.keys(SLACK) as Level[];

/** One look at the process. */
type Sample = Readonly<Record<Level, number>> & { readonly atMs: number };

/** See the module's text. */
export async function soakTrial(options: TrialOptions): Promise<TrialResult> {
  const { prng, folder, say } = options;
  const findings = new Findings();
  const dataDir = await Deno.makeTempDir({ dir: folder, prefix: "data-" });
  await using relay = await startRelay({
    dataDir,
    env: { CACHE_MB: "8", PRIVATE_KINDS: "none", GATEWAY_WORKERS: "2" },
  });
  const load = new Load(relay, prng, findings);
  const loading = load.run();
  const samples: Sample[] = [];
  const goesOn = roundsOf(options);
  while (goesOn()) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    samples.push(await look(relay.pid));
    if (samples.length % 30 === 0) say(JSON.stringify(samples.at(-1)));
  }
  load.stop();
  await loading;
  await Deno.writeTextFile(`${folder}/samples.json`, JSON.stringify(samples));
  judge(samples, findings);
  await relay.stop();
  await Deno.remove(dataDir, { recursive: true });
  return findings;
}

async function look(pid: number): Promise<Sample> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)![1]);
  return {
    atMs: performance.now(),
    "private memory, MiB": number("RssAnon") / 1024,
    "file descriptors, most": (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length,
    "threads, most": number("Threads"),
  };
}

function judge(samples: readonly Sample[], findings: Findings): void {
  const watched = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  findings.count("samples", samples.length);
  if (watched.length < 2) return;
  const spanMs = watched.at(-1)!.atMs - watched[0]!.atMs;
  for (const level of LEVELS) {
    const values = watched.map((sample) => sample[level]);
    const growth = slopeOf(watched.map(({ atMs }) => atMs), values) * spanMs;
    findings.most(level, rounded(Math.max(...samples.map((sample) => sample[level]))));
    findings.most(`growth of ${level}, over ${Math.round(spanMs / 1000)} s`, rounded(growth));
    if (spanMs < WATCHED_MS_MIN || growth <= Math.max(SLACK[level], FLAT_SHARE * medianOf(values))) continue;
    findings.fail("growth", [`${level}: ${rounded(growth)} in ${Math.round(spanMs / 1000)} s`]);
  }
}

/** The median of the slopes between all pairs of points (Theil and Sen): outliers do not move it. */
export function slopeOf(xs: readonly number[], ys: readonly number[]): number {
  // Of long series every pair would be millions; a few hundred points tell the same.
  const step = Math.max(1, Math.floor(xs.length / 400));
  const slopes: number[] = [];
  for (let i = 0; i < xs.length; i += step) {
    for (let j = i + step; j < xs.length; j += step) slopes.push((ys[j]! - ys[i]!) / (xs[j]! - xs[i]!));
  }
  return slopes.length === 0 ? 0 : medianOf(slopes);
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Clients that write, ask, search, listen, come and go. */
class Load {
  readonly #relay: TestRelay;
  readonly #prng: Prng;
  readonly #findings: Findings;
  #isOver = false;
  #turn = 0;

  constructor(relay: TestRelay, prng: Prng, findings: Findings) {
    this.#relay = relay;
    this.#prng = prng;
    this.#findings = findings;
  }

  stop(): void {
    this.#isOver = true;
  }

  async run(): Promise<void> {
    await Promise.all([
      ...Array.from({ length: PUBLISHERS }, () => this.#publish()),
      this.#ask(),
      this.#listen(),
    ]);
  }

  async #publish(): Promise<void> {
    await using client = await connect(this.#relay.url);
    while (!this.#isOver) {
      const events = makeWorkload(this.#prng, EVENTS_A_TURN, { firstKey: this.#turn++ % 500, isHard: true });
      const left = await publishAll(client, events, WINDOW, () => this.#findings.count("events answered"));
      if (left.length > 0) this.#findings.fail("writing", [`${left.length} events have no answer`]);
    }
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      // A connection a turn: what a connection leaves behind adds up.
      await using client = await connect(this.#relay.url);
      for (const search of WORDS) {
        const results = [
          await client.query({ kinds: [1], limit: 100 }),
          await client.query({ search, limit: 20 }),
          await client.query({ "#t": [search], limit: 3_000 }),
        ];
        const closed = results.find((result) => result.closed !== undefined)?.closed;
        if (closed) this.#findings.fail("asking", [JSON.stringify(closed)]);
        this.#findings.count("queries", results.length);
      }
    }
  }

  async #listen(): Promise<void> {
    while (!this.#isOver) {
      await using client = await connect(this.#relay.url);
      client.send(["REQ", "live", { kinds: [1, 7, 20_001], limit: 0 }]);
      for (let looks = 0; looks < 20 && !this.#isOver; looks++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        this.#findings.count("live events", taken(client));
      }
    }
  }
}

/** Empties the inbox; returns how much there was. */
function taken(client: TestClient): number {
  return client.inbox.splice(0).length;
}
