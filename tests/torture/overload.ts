/**
 * The trial of overload: several connections send three times as many events as the relay takes, and wait for no answer.
 * Every frame is answered once, what is accepted is answered in a bounded time, memory is bounded, and no connection
 * ends for it; afterwards a lone client is soon served as before. With each socket engine in turn, or with the one that
 * `SLUICE_TEST_ENGINE` names. A round is a second of the flood.
 *
 * What the relay can take is measured first, by the same connections with few events unanswered. It runs on one core, so
 * that the senders have time to send more, where there is a second core and `taskset` to say so. With the engine `ws`,
 * which stops reading, TCP holds the senders back: what waits in the system's buffers is a part of the times.
 *
 * Runs in the process of whoever calls it, which owns the clients and uses a core itself.
 *
 * @module
 */
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { privateMiB } from "../support/footprint.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { metricsOf } from "../pipeline/traffic.ts";
import { OpenLoop, type Tally } from "./open_loop.ts";
import { Findings, rounded, type TrialOptions, type TrialResult } from "./trial.ts";

const CONNECTIONS = 8;
/** Events that a connection may have unanswered while the relay's capacity is measured. */
const WINDOW = 500;
/** The share of the flood's time for which the capacity is measured, the least time, and that of a warm-up before, ms. */
const MEASURED_SHARE = 0.1;
const MEASURED_MS_MIN = 1_500;
const WARM_UP_MS = 2_000;
/** A flood of fewer events a second is none, however slow the machine was just now. */
const CAPACITY_MIN = 1_000;
/** How much more than the capacity is sent. */
const OVERLOAD = 3;
/** Events that are signed before the flood; those after them take the place of what was accepted. */
const PREPARED_MAX = 60_000;
const ROUND_MS = 1_000;
/**
 * The longest that 99 of 100 accepted events may wait for their `OK`, ms, from the moment when the relay has read them, by
 * its own clock; judged where the flood is long, because its histogram ends there.
 */
const INSIDE_MS_MAX = 10_000;
const LONG_MS_MIN = 60_000;
/** The same from their write, ms, in a short flood: in a long one tens of megabytes of each connection wait in TCP. */
const P99_MS_MAX = 120_000;
/** Growth of private memory that counts as bounded, MiB; the set for negentropy takes 44 bytes an event of it. */
const GROWTH_MIB_MAX = 700;
/** The longest wait for the answers to what was sent last, ms. */
const DRAIN_MS_MAX = 120_000;
/** The longest time until a lone client is served as before, ms; a second is what is wanted. */
const BACK_MS_MAX = 30_000;
/** A lone client's events, one after another, whose median tells how it is served. */
const LONE_EVENTS = 15;
/** How much slower than before counts as before, at most, and the least that this allows, ms. */
const LONE_FACTOR = 3;
const LONE_MS_MIN = 20;
const LOOK_MS = 500;

/** See the module's text. */
export async function overloadTrial(options: TrialOptions): Promise<TrialResult> {
  const findings = new Findings();
  const named = Deno.env.get("SLUICE_TEST_ENGINE");
  const engines = named ? [named] : ["serve", "ws"];
  const { budgetMs, rounds = Infinity } = options;
  const floodMs = Math.min(budgetMs / engines.length, rounds * ROUND_MS);
  for (const engine of engines) await overload(engine, floodMs, options, findings);
  return findings;
}

async function overload(
  engine: string,
  floodMs: number,
  { folder, say }: TrialOptions,
  findings: Findings,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ dir: folder, prefix: "data-" });
  await using relay = await startRelay({
    dataDir,
    env: { LOG_LEVEL: "error", WEBSOCKET_ENGINE: engine },
  });
  sayHowItEnds(relay, engine, findings);
  await keepToOneCore(relay);
  using senders = await OpenLoop.open(relay.url, CONNECTIONS);
  await using lone = await LoneClient.join(relay);
  const measuredMs = Math.max(MEASURED_MS_MIN, floodMs * MEASURED_SHARE);
  await senders.sendInWindow(WINDOW, WARM_UP_MS);
  const { accepted } = await senders.sendInWindow(WINDOW, measuredMs);
  const capacity = Math.max(CAPACITY_MIN, accepted / measuredMs * 1_000);
  await drained(senders, engine, findings);
  const beforeMs = await lone.medianMs();
  senders.prepare(Math.min(PREPARED_MAX, capacity * OVERLOAD * floodMs / 1_000));
  const memory = await watchMemory(relay);
  const metricsBefore = await metricsOf(relay, DRAIN_MS_MAX);
  const flood = await senders.sendTimes(OVERLOAD, capacity, floodMs);
  const endedMs = performance.now();
  await drained(senders, engine, findings);
  const answeredMs = performance.now();
  const normalMs = Math.max(LONE_MS_MIN, LONE_FACTOR * beforeMs);
  let backMs = 0;
  let afterMs = await lone.medianMs();
  for (; afterMs > normalMs && backMs < BACK_MS_MAX; afterMs = await lone.medianMs()) {
    backMs = performance.now() - answeredMs;
  }
  const { firstMiB, mostMiB } = await memory.end();
  const insideMs = p99Between(metricsBefore, await metricsOf(relay, DRAIN_MS_MAX));
  const sorted = Float64Array.from(flood.acceptedMs).sort();
  const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? Infinity;
  const levels = {
    "capacity, events/s": capacity,
    "sent, events/s": flood.sent / floodMs * 1_000,
    "accepted, events/s": flood.accepted / floodMs * 1_000,
    "accepted after, median ms": sorted[sorted.length >> 1] ?? Infinity,
    "accepted after, p99 ms": p99Ms,
    "within the relay, p99 at most, ms": insideMs,
    "accepted of the connection with the fewest, share of the mean, %": fewestShare(flood),
    "the last answer after the last frame, ms": answeredMs - endedMs,
    "a lone client before, median ms": beforeMs,
    "a lone client afterwards, median ms": afterMs,
    "a lone client is served as before after the last answer, ms": backMs,
    "private memory before, MiB": firstMiB,
    "private memory at most, MiB": mostMiB,
  };
  for (const [name, value] of Object.entries(levels)) findings.most(`${engine}: ${name}`, rounded(value));
  findings.count(`${engine}: frames`, flood.sent);
  findings.count(`${engine}: accepted`, flood.accepted);
  findings.count(`${engine}: refused`, flood.refused);
  say(`${engine}: ${JSON.stringify(findings.figures)}`);
  findings.fail(engine, [...senders.faults, ...lone.refusals, ...await deathsOf(relay)]);
  const [judgedMs, mostMs] = floodMs < LONG_MS_MIN ? [p99Ms, P99_MS_MAX] : [insideMs, INSIDE_MS_MAX];
  if (judgedMs > mostMs) findings.fail(engine, [`one of 100 was accepted after ${rounded(judgedMs)} ms`]);
  const grownMiB = rounded(mostMiB - firstMiB);
  if (grownMiB > GROWTH_MIB_MAX) findings.fail(engine, [`private memory grew by ${grownMiB} MiB`]);
  if (afterMs > normalMs) findings.fail(engine, [`a lone client waits ${afterMs} ms, before ${beforeMs}`]);
  await relay.stop();
  await Deno.remove(dataDir, { recursive: true });
}

/** Somebody who publishes one event after another. */
class LoneClient implements AsyncDisposable {
  readonly refusals: string[] = [];
  readonly #client: TestClient;

  constructor(client: TestClient) {
    this.#client = client;
  }

  static async join(relay: TestRelay): Promise<LoneClient> {
    return new LoneClient(await connect(relay.url, { timeoutMs: DRAIN_MS_MAX }));
  }

  /** How long an `OK` takes, ms: the median of some. */
  async medianMs(): Promise<number> {
    const times: number[] = [];
    for (let n = 0; n < LONE_EVENTS; n++) {
      const event = signEvent(testKey(6_500), { content: crypto.randomUUID() });
      const startedMs = performance.now();
      const [, , isAccepted, reason] = await this.#client.publish(event);
      if (!isAccepted) this.refusals.push(`alone, and refused: ${reason}`);
      times.push(performance.now() - startedMs);
    }
    return times.sort((a, b) => a - b)[LONE_EVENTS >> 1]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

/** The bound of the histogram below which 99 of 100 events were answered between two looks at it, ms. */
function p99Between(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number {
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const total = grown("nostr_ingest_seconds_count");
  for (const name of after.keys()) {
    const [, bound] = /^nostr_ingest_seconds_bucket\{le="([\d.]+)"\}$/.exec(name) ?? [];
    if (bound !== undefined && grown(name) >= 0.99 * total) return Number(bound) * 1_000;
  }
  return Infinity;
}

/** What the connection had accepted that had the fewest, of the mean, %. */
function fewestShare({ acceptedOf, accepted }: Tally): number {
  const fewest = Math.min(...Array.from({ length: CONNECTIONS }, (_, n) => acceptedOf[n] ?? 0));
  return fewest * CONNECTIONS / Math.max(1, accepted) * 100;
}

/** A relay that dies is a failure, whatever else is. */
async function sayHowItEnds(relay: TestRelay, engine: string, findings: Findings): Promise<void> {
  const { code, signal } = await relay.exited;
  if (code === 0) return;
  findings.fail(engine, [`the relay ended with ${code} ${signal}: ${relay.output().slice(-2_000)}`]);
}

/** Gives the relay one core, and the others to the senders; without `taskset` they share. */
async function keepToOneCore(relay: TestRelay): Promise<void> {
  if (navigator.hardwareConcurrency < 2) return;
  const args = ["--all-tasks", "--cpu-list", "--pid", "0", String(relay.pid)];
  await new Deno.Command("taskset", { args, stdout: "null", stderr: "null" }).output().catch(() => {});
}

/** Threads that have died. */
async function deathsOf(relay: TestRelay): Promise<string[]> {
  const died = [...await metricsOf(relay)].filter(([name, value]) =>
    name.includes("restarts_total") && value > 0
  );
  return died.map(([name]) => `${name}: ${relay.output().slice(-1_000)}`);
}

/** Waits until every frame has its answer. */
async function drained(senders: OpenLoop, engine: string, findings: Findings): Promise<void> {
  try {
    await eventually(() => senders.unanswered === 0, DRAIN_MS_MAX, "every frame is answered");
  } catch (error) {
    findings.fail(engine, [`${error}: ${senders.unanswered} frames have no answer`]);
  }
}

/** Looks at the relay's private memory now and then. */
async function watchMemory(relay: TestRelay) {
  const firstMiB = await privateMiB(relay);
  let mostMiB = firstMiB;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      // A relay that has ended has none; whoever speaks to it finds that out.
      mostMiB = Math.max(mostMiB, await privateMiB(relay).catch(() => 0));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await watching;
      return { firstMiB, mostMiB };
    },
  };
}
