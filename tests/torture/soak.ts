/**
 * The trial of time: a mixed load at a steady pace, and samples of what must not grow: private memory, file descriptors,
 * threads. After a warm-up their slope is flat, if there was time enough to tell. A round is a sample.
 *
 * Private memory is what counts (`RssAnon` of /proc): readers map the database, and its pages belong to the page cache.
 * In a short trial caches of SQLite are set small, so that they are full when the warm-up is over.
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
/** Of a long trial a sample every so often tells the same, ms. */
const SAMPLE_MS_LONG = 10_000;
const LONG_MS_MIN = 15 * 60_000;
/** The share of the samples that belong to the warm-up. */
const WARM_UP_SHARE = 0.5;
const PUBLISHERS = 2;
const EVENTS_A_TURN = 300;
/** Keys that come anew with each turn: of old ones most would have vanished, and all they send be refused. */
const NEW_KEYS = 4;
const WINDOW = 50;
/** How long an event is kept (NIP-40), seconds: a long trial comes to a store that grows no more. */
const LIFE_SECONDS = 300;
/** Events after which the reader asks again, where the load has a rate: its queries read thousands of rows. */
const EVENTS_A_READING = 5_000;
/** Less time tells nothing of growth, ms: heaps and caches fill at first. */
const WATCHED_MS_MIN = 30_000;
/** What may come and go between two samples. */
const SLACK = { "private memory, MiB": 16, "file descriptors, most": 8, "threads, most": 2 };
/** Growth over the watched time that counts as flat, as a share of the median. */
const FLAT_SHARE = 0.06;

type Level = keyof typeof SLACK;
const LEVELS = Object.keys(SLACK) as Level[];

/** What is told and not judged: pages of files in the page cache, which the kernel takes back when it needs them. */
const TOLD = ["pages of files, MiB", "resident memory, MiB", "CPU, s", "events sent"] as const;

/** One look at the process. */
type Sample = Readonly<Record<Level | typeof TOLD[number], number>> & { readonly atMs: number };

/** See the module's text. */
export async function soakTrial(options: TrialOptions): Promise<TrialResult> {
  const { prng, folder, say } = options;
  const findings = new Findings();
  const isLong = options.budgetMs >= LONG_MS_MIN;
  const dataDir = await Deno.makeTempDir({ dir: folder, prefix: "data-" });
  await using relay = await startRelay({
    dataDir,
    env: { PRIVATE_KINDS: "none", GATEWAY_WORKERS: "2", ...(isLong ? {} : { CACHE_MB: "8" }) },
  });
  const load = new Load(relay, prng, findings, options.rate ?? Infinity);
  const loading = load.run();
  const samples: Sample[] = [];
  const startedMs = performance.now();
  const sampleMs = isLong ? SAMPLE_MS_LONG : SAMPLE_MS;
  const goesOn = roundsOf(options);
  while (goesOn()) {
    await new Promise((resolve) => setTimeout(resolve, sampleMs));
    const sample = { ...await look(relay.pid, startedMs), "events sent": load.sent };
    samples.push(sample);
    await Deno.writeTextFile(`${folder}/samples.jsonl`, `${JSON.stringify(sample)}\n`, { append: true });
    if (samples.length % 30 === 0) say(JSON.stringify(sample));
  }
  load.stop();
  await loading;
  judge(samples, findings);
  await relay.stop();
  await Deno.remove(dataDir, { recursive: true });
  return findings;
}

async function look(pid: number, startedMs: number): Promise<Omit<Sample, "events sent">> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)![1]);
  const times = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ")[1]!.split(" ");
  return {
    atMs: Math.round(performance.now() - startedMs),
    "resident memory, MiB": rounded(number("VmRSS") / 1024),
    "pages of files, MiB": rounded((number("RssFile") + number("RssShmem")) / 1024),
    "private memory, MiB": rounded(number("RssAnon") / 1024),
    // User and system time, in ticks of 10 ms.
    "CPU, s": rounded((Number(times[11]) + Number(times[12])) / 100),
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
  readonly #rate: number;
  readonly #startedMs = performance.now();
  #isOver = false;
  #turn = 0;
  #sent = 0;

  /** @param rate Events a second, at most. */
  constructor(relay: TestRelay, prng: Prng, findings: Findings, rate: number) {
    this.#relay = relay;
    this.#prng = prng;
    this.#findings = findings;
    this.#rate = rate;
  }

  get sent(): number {
    return this.#sent;
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
      const firstKey = this.#turn++ * NEW_KEYS;
      const expiresAt = Math.floor(Date.now() / 1000) + LIFE_SECONDS;
      const events = makeWorkload(this.#prng, EVENTS_A_TURN, { firstKey, isHard: true, expiresAt });
      await this.#until(this.#sent);
      this.#sent += events.length;
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
      if (this.#rate < Infinity) await this.#until(this.#sent + EVENTS_A_READING);
    }
  }

  /** Waits until the rate allows so many events since the start. */
  async #until(events: number): Promise<void> {
    const dueMs = this.#startedMs + events / this.#rate * 1_000;
    while (!this.#isOver) {
      const waitMs = dueMs - performance.now();
      if (waitMs <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, SAMPLE_MS)));
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
