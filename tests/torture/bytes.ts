/**
 * The trial of bad bytes: everything that comes from outside, mutated from real messages, at a relay that must answer all
 * of it, take nothing wrong, and lose no thread. A round is 40,000 EVENT frames and a share of everything else.
 *
 * Runs in the process of whoever calls it, which owns the sockets.
 *
 * @module
 */
import { Prng } from "../support/prng.ts";
import { metricsOf } from "../pipeline/traffic.ts";
import { startRelay } from "../support/relay.ts";
import { testKey } from "../support/sign.ts";
import { auditStore } from "./audit.ts";
import { EventFuzzer } from "./event_bytes.ts";
import { isRightFor } from "./rightness.ts";
import { fuzzFrames } from "./frame_bytes.ts";
import { fuzzManagement } from "./management_bytes.ts";
import { fuzzSyncs } from "./sync_bytes.ts";
import { fuzzEnvFiles, fuzzImports, fuzzPluginOutput } from "./text_bytes.ts";
import { Findings, roundsOf, type TrialOptions, type TrialResult } from "./trial.ts";
import { fuzzHttp, fuzzVerbs } from "./verb_bytes.ts";

const CONNECTIONS = 4;
const EVENT_FRAMES = 40_000;
const OTHER_FRAMES = 1_000;
const SYNC_MESSAGES = 200;
const HTTP_REQUESTS = 100;
/** The key of an operator, whom nobody bans. */
const OPERATOR = testKey(999);
const TEXTS = 500;
/** Stored events that are verified again at the end. */
const VERIFIED_MAX = 2_000;

/** See the module's text. */
export async function bytesTrial(options: TrialOptions): Promise<TrialResult> {
  const { prng, folder, say, budgetMs, frames } = options;
  const findings = new Findings();
  const dataDir = await Deno.makeTempDir({ dir: folder, prefix: "data-" });
  const env = { LOG_LEVEL: "error", DURABILITY: "normal", RELAY_ADMINS: OPERATOR.pubkey };
  await using relay = await startRelay({ dataDir, env });
  const fuzzers = Array.from(
    { length: CONNECTIONS },
    () => new EventFuzzer(new Prng(prng.uint32()), findings),
  );
  const syncPrngs = Array.from({ length: CONNECTIONS }, () => new Prng(prng.uint32()));
  const startedMs = performance.now();
  const untilMs = frames === undefined ? startedMs + budgetMs : Infinity;
  const sent = () => findings.figures["EVENT frames"] ?? 0;
  const goesOn = frames === undefined ? roundsOf(options) : () => sent() < frames;
  while (goesOn()) {
    await Promise.all([
      ...fuzzers.map((fuzzer) => fuzzer.run(relay.url, untilMs, EVENT_FRAMES / CONNECTIONS)),
      fuzzVerbs(relay.url, prng, findings, { untilMs, framesMax: OTHER_FRAMES }),
      ...syncPrngs.map((own) =>
        fuzzSyncs(relay.url, own, findings, { untilMs, framesMax: SYNC_MESSAGES / CONNECTIONS })
      ),
      fuzzFrames(relay.url, prng, findings, { untilMs, framesMax: HTTP_REQUESTS }),
      fuzzHttp(relay.url, prng, findings, { untilMs, framesMax: HTTP_REQUESTS }),
      fuzzManagement(relay.httpUrl, OPERATOR, prng, { findings, untilMs, requestsMax: HTTP_REQUESTS }),
    ]);
    await fuzzImports(dataDir, prng, findings);
    fuzzEnvFiles(prng, findings, TEXTS);
    await fuzzPluginOutput(prng, findings, TEXTS);
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    say(`${sent()} EVENT frames in ${seconds} s, ${findings.failures.length} failures`);
  }
  const died = [...await metricsOf(relay)].filter(([name, value]) =>
    name.includes("restarts_total") && value > 0
  );
  findings.fail("threads", died.map(([name]) => `${name}: ${relay.output().slice(-1_000)}`));
  await relay.stop();
  const { events, mistakes } = auditStore(dataDir);
  findings.fail("the store", mistakes);
  for (const event of prng.shuffle([...events.values()]).slice(0, VERIFIED_MAX)) {
    findings.count("stored events verified by nostr-tools");
    if (!isRightFor(event)) findings.fail("a wrong event is stored", [JSON.stringify(event)]);
  }
  await Deno.remove(dataDir, { recursive: true });
  return findings;
}
