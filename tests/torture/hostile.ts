/**
 * The trial of hostile clients: they do their worst within the relay's limits (`hostile/attacks.ts`), one attack a round
 * and then several at once, in an order and with parameters that the seed decides, against a relay under normal load.
 * Bystanders publish, ask and visit at a steady low rate. Judged are their p99, the relay's memory during an attack and
 * afterwards, wrong answers, and whether all threads live; each failure names its attack. With each socket engine in
 * turn, or with the one that `SLUICE_TEST_ENGINE` names. In a short run (a bound of rounds) each attack is a fraction of
 * itself, and the engines share them.
 *
 * The bound of p99 is 100 ms beyond what the machine takes for itself: the bystanders' own p99 before the attacks, and at
 * each thread that an answer passes, the round trip of a control to a mirror at the same time.
 *
 * Runs in the process of whoever calls it, which owns the attackers; bystanders and load have threads of their own.
 *
 * @module
 */
import { CACHE_MB_DEFAULT, TEXT_CACHE_TOTAL_BYTES_MAX } from "../../lib/limits.ts";
import { publishAll } from "../pipeline/traffic.ts";
import { makeWorkload } from "../pipeline/workload.ts";
import { connect } from "../support/client.ts";
import { privateMiB } from "../support/footprint.ts";
import { Prng } from "../support/prng.ts";
import { startRelay } from "../support/relay.ts";
import type { Attack } from "./hostile/attack.ts";
import { ATTACKS } from "./hostile/attacks.ts";
import { Siege } from "./hostile/siege.ts";
import { Findings, rounded, type TrialOptions, type TrialResult } from "./trial.ts";

/** Events that the relay has at the beginning. */
const STORED = 50_000;
const STORED_SHORT = 1_500;
const STORING_WINDOW = 1_000;
const SHORT_SHARE = 0.02;
/** The time of one round, ms: of a long trial the attacks alone take this share. */
const ALONE_SHARE = 0.6;
const ROUND_MS_RANGE = [2_000, 30_000] as const;
const ROUND_MS_SHORT = 500;
/** How long the bystanders are watched before the attacks, ms. */
const CALM_MS = 15_000;
const CALM_MS_SHORT = 1_000;
/** Attacks at once, after each has been alone. */
const MIXED = [2, 4] as const;
/** The p99 of a bystander beyond what the machine takes, ms. A short run has too few answers to tell it exactly. */
const P99_MS_MAX = 100;
const P99_MS_MAX_SHORT = 5_000;
/** Private memory that may be there afterwards beyond the start's, MiB: caches that have filled, and heaps. */
const KEPT_MIB_MAX = 100 + CACHE_MB_DEFAULT + TEXT_CACHE_TOTAL_BYTES_MAX / 2 ** 20;
/** The longest wait for it to be given back, ms. */
const GIVEN_BACK_MS_MAX = 90_000;
const GIVEN_BACK_MS_MAX_SHORT = 20_000;

/** See the module's text. */
export async function hostileTrial(options: TrialOptions): Promise<TrialResult> {
  const findings = new Findings();
  const named = Deno.env.get("SLUICE_TEST_ENGINE");
  const engines = named ? [named] : ["serve", "ws"];
  const isShort = (options.rounds ?? Infinity) < Infinity;
  const seed = options.prng.seed;
  options.say(`SEED=${seed}`);
  const deals = dealtOut(options.prng, engines, isShort);
  for (const [engine, attacks] of deals) await besiege(engine, attacks, options, findings);
  for (const { name } of ATTACKS) {
    if (findings.failures.some((failure) => failure.includes(name))) {
      findings.count("attacks that broke a bound");
    }
  }
  return findings;
}

/** Each engine's attacks in the seed's order: all that it can meet, or in a short run a share of its own. */
function dealtOut(prng: Prng, engines: readonly string[], isShort: boolean): Map<string, Attack[]> {
  const deals = new Map<string, Attack[]>(engines.map((engine) => [engine, []]));
  let next = 0;
  for (const attack of prng.shuffle(ATTACKS)) {
    const fit = engines.filter((engine) => (attack.engine ?? engine) === engine);
    const chosen = isShort ? fit.slice(next % fit.length).slice(0, 1) : fit;
    if (attack.engine === undefined) next++;
    for (const engine of chosen) deals.get(engine)!.push(attack);
  }
  return deals;
}

async function besiege(
  engine: string,
  attacks: readonly Attack[],
  options: TrialOptions,
  findings: Findings,
): Promise<void> {
  const { folder, say, rounds = Infinity } = options;
  const isShort = rounds < Infinity;
  const prng = new Prng(options.prng.uint32());
  const budgetMs = options.budgetMs / (Deno.env.get("SLUICE_TEST_ENGINE") ? 1 : 2);
  const dataDir = await Deno.makeTempDir({ dir: folder, prefix: "data-" });
  await using relay = await startRelay({
    dataDir,
    env: { LOG_LEVEL: "error", WEBSOCKET_ENGINE: engine, WEBSOCKET_COMPRESSION: String(engine === "ws") },
  });
  await using publisher = await connect(relay.url, { timeoutMs: 120_000 });
  // Some are duplicates of newer ones, which is an answer.
  await publishAll(publisher, makeWorkload(prng, isShort ? STORED_SHORT : STORED), STORING_WINDOW);
  await publisher.close();
  await using siege = await Siege.begin(relay, {
    findings,
    engine,
    share: isShort ? SHORT_SHARE : 1,
    calmMs: isShort ? CALM_MS_SHORT : CALM_MS,
    p99MsMax: isShort ? P99_MS_MAX_SHORT : P99_MS_MAX,
  });
  const startMiB = await privateMiB(relay);
  const untilMs = performance.now() + budgetMs;
  const [leastMs, mostMs] = ROUND_MS_RANGE;
  const forMs = isShort
    ? ROUND_MS_SHORT
    : Math.min(mostMs, Math.max(leastMs, budgetMs * ALONE_SHARE / attacks.length));
  // Each has its turn alone, however long those before it were waited for.
  const most = isShort ? Math.min(rounds, attacks.length) : Infinity;
  for (let round = 0; round < most && (round < attacks.length || performance.now() < untilMs); round++) {
    const alone = attacks[round];
    const chosen = alone ? [alone] : prng.shuffle(attacks).slice(0, prng.int(...MIXED));
    await siege.attack(chosen, { prng, forMs });
    say(`${engine}: ${chosen.map(({ name }) => name).join(" + ")}: ${JSON.stringify(siege.lastRound)}`);
  }
  const leastMiB = await siege.leastMemory(
    startMiB + KEPT_MIB_MAX,
    isShort ? GIVEN_BACK_MS_MAX_SHORT : GIVEN_BACK_MS_MAX,
  );
  findings.most(`${engine}: private memory before, MiB`, rounded(startMiB));
  findings.most(`${engine}: private memory afterwards, MiB`, rounded(leastMiB));
  if (leastMiB > startMiB + KEPT_MIB_MAX) {
    findings.fail(engine, [
      `private memory was ${rounded(startMiB)} MiB and is ${
        rounded(leastMiB)
      } afterwards; most was kept after ${siege.mostKept}`,
    ]);
  }
  await siege.end();
  const { code } = await relay.stop();
  if (code !== 0) findings.fail(engine, [`the relay ended with ${code} after the attacks`]);
  await Deno.remove(dataDir, { recursive: true });
}
