/**
 * The trial of crashes: a relay under full load is killed at random moments, again and again on one data directory, in the
 * middle of its start too. After each kill it holds all that it acknowledged and nothing that was deleted; at the end the
 * search index is equal to the store. A round is a kill.
 *
 * Runs in the process of whoever calls it, which owns the model; a later run goes on with the same directory and model.
 *
 * @module
 */
import { connect } from "../support/client.ts";
import { EventModel, type Remembered } from "../support/event_model.ts";
import type { Prng } from "../support/prng.ts";
import { useOpenSearch } from "../support/opensearch.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import type { TestEvent } from "../support/sign.ts";
import { OwnIndex } from "../pipeline/search_node.ts";
import { heldOf, indexed, publishAll } from "../pipeline/traffic.ts";
import { makeWorkload } from "../pipeline/workload.ts";
import { auditSearch, auditStore } from "./audit.ts";
import { Findings, rounded, roundsOf, type TrialOptions, type TrialResult } from "./trial.ts";

const CONNECTIONS = 4;
/** Events that one connection has unanswered. */
const WINDOW = 300;
/** Events of a round: more than are answered before the kill. */
const EVENTS = 3_000;
/** Events of earlier rounds that are looked at after each kill. */
const SAMPLE = 1_000;
/** Keys that come anew with each round, so that requests to vanish find something. */
const NEW_KEYS = 4;
/** The latest kill after the first event was sent, ms. */
const KILL_MS_MAX = 450;
/** The longest wait for the search index to have everything, ms: each life had only a moment for it. */
const INDEXED_MS_MAX = 200_000;
/** How often the relay is killed in its start as well. */
const START_KILL_CHANCE = 0.15;
const START_KILL_MS_MAX = 500;

/** A relay on its way from kill to kill; see the module's text. */
class Ordeal {
  readonly findings = new Findings();
  readonly model = new EventModel();
  readonly #relay: TestRelay;
  readonly #prng: Prng;
  #pending: TestEvent[] = [];
  #round = 0;

  constructor(relay: TestRelay, prng: Prng) {
    this.#relay = relay;
    this.#prng = prng;
  }

  /** One kill under load, and what is there afterwards. */
  async kill(): Promise<void> {
    const fresh = makeWorkload(this.#prng, EVENTS, { firstKey: this.#round++ * NEW_KEYS, isHard: true });
    for (const event of fresh) this.model.add(event);
    const sent = this.#prng.shuffle([...this.#pending, ...fresh]);
    const timer = setTimeout(() => this.#relay.kill(), this.#prng.int(0, KILL_MS_MAX));
    await this.publish(sent);
    clearTimeout(timer);
    await this.#relay.kill();
    this.findings.count("kills");
    await this.#restart();
    await this.check([...sent.map(({ id }) => id), ...this.#sample()]);
  }

  /** Publishes over several connections; what has no answer when the relay is gone is kept for the next time. */
  async publish(events: readonly TestEvent[]): Promise<void> {
    this.#pending = [];
    const clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => connect(this.#relay.url).catch(() => null)),
    );
    await Promise.all(clients.map(async (client, share) => {
      const mine = events.filter((_, n) => n % CONNECTIONS === share);
      if (client === null) return this.#pending.push(...mine);
      const left = await publishAll(client, mine, WINDOW, ({ id }, [, , accepted, reason]) => {
        this.findings.count(accepted ? "acknowledged" : "rightly refused");
        const mistake = this.model.answer(id, accepted, reason);
        if (mistake !== null) this.findings.fail("an answer", [mistake]);
      });
      this.#pending.push(...left);
      await client.close();
    }));
  }

  async publishPending(): Promise<void> {
    await this.publish(this.#pending);
    if (this.#pending.length > 0) {
      this.findings.fail("the end", [`${this.#pending.length} events have no answer`]);
    }
  }

  async #restart(): Promise<void> {
    while (this.#prng.chance(START_KILL_CHANCE)) {
      const starting = this.#relay.restart().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, this.#prng.int(30, START_KILL_MS_MAX)));
      await this.#relay.kill();
      await starting;
      await this.#relay.kill();
      this.findings.count("kills");
      this.findings.count("kills in the start");
    }
    const startedMs = performance.now();
    await this.#relay.restart();
    this.findings.most("slowest start, ms", rounded(performance.now() - startedMs));
  }

  /** Asks for these events, and for whatever may be the reason that one is not there. */
  async check(ids: readonly string[]): Promise<void> {
    const asked = this.model.withReasons(ids);
    await using client = await connect(this.#relay.url, { timeoutMs: 30_000 });
    const held = await heldOf(client, asked);
    this.findings.count("events looked at", asked.length);
    this.findings.fail(`after kill ${this.findings.figures.kills ?? 0}`, this.model.mistakes(asked, held));
  }

  #sample(): string[] {
    const ids = this.model.ids();
    return Array.from({ length: Math.min(SAMPLE, ids.length) }, () => this.#prng.pick(ids));
  }

  /** Round numbers go on where an earlier run stopped, so that keys do. */
  goOnAfter(round: number): void {
    this.#round = round;
  }

  get round(): number {
    return this.#round;
  }
}

/** Kills a relay with its embedded search index. */
export async function crashTrial(options: TrialOptions): Promise<TrialResult> {
  const { findings } = await endure(options, {}, (relay, ordeal) => checkEmbedded(relay, ordeal));
  return findings;
}

/** Kills a relay with OpenSearch, and demands that the index follows; a node of the trial's own, unless the run has one. */
export async function crashTrialWithOpenSearch(options: TrialOptions): Promise<TrialResult> {
  const node = await useOpenSearch().catch((error: Error) => error);
  if (node === null || node instanceof Error) {
    options.say(`skipped: ${node?.message ?? "the run does without OpenSearch"}`);
    return new Findings();
  }
  try {
    await using index = new OwnIndex(node.url);
    const { findings } = await endure(
      options,
      index.settings(),
      (relay, ordeal) => checkOpenSearch(relay, ordeal, index),
    );
    return findings;
  } finally {
    await node.stop();
  }
}

/** After the lag the index holds what the model holds, no more and no less. */
async function checkOpenSearch(
  relay: TestRelay,
  { model, findings }: Ordeal,
  index: OwnIndex,
): Promise<void> {
  await indexed(relay, INDEXED_MS_MAX);
  await (await fetch(`${index.url}/${index.name}/_refresh`, { method: "POST" })).body?.cancel();
  const expected = model.survivors();
  findings.fail("OpenSearch", differences(await index.documents(model.ids()), expected));
  const { count } = await (await fetch(`${index.url}/${index.name}/_count`)).json() as { count: number };
  if (count !== expected.size) findings.fail("OpenSearch", [`${count} documents, not ${expected.size}`]);
  findings.count("documents compared", expected.size);
}

async function endure(
  options: TrialOptions,
  env: Record<string, string>,
  checkIndex: (relay: TestRelay, ordeal: Ordeal) => Promise<void>,
): Promise<Ordeal> {
  const { prng, folder, say } = options;
  await using relay = await startRelay({
    env: { GATEWAY_WORKERS: "2", PRIVATE_KINDS: "none", ...env },
    dataDir: `${folder}/data`,
  });
  const ordeal = new Ordeal(relay, prng);
  await readModel(`${folder}/model.jsonl`, ordeal);
  const { findings, model } = ordeal;
  const goesOn = roundsOf(options);
  while (goesOn()) {
    await ordeal.kill();
    if (ordeal.round % 10 === 0) {
      say(`${findings.figures.kills} kills, ${model.size} events, ${findings.failures.length} failures`);
    }
  }
  await ordeal.publishPending();
  // Before the index is waited for, which may take minutes after hundreds of kills: `--rounds 0` looks again.
  await writeModel(`${folder}/model.jsonl`, ordeal);
  await checkIndex(relay, ordeal);
  findings.most("events in the model", model.size);
  return ordeal;
}

/** Everything is answered: the files hold what the model holds, no more and no less, and the index as well. */
async function checkEmbedded(relay: TestRelay, { model, findings }: Ordeal): Promise<void> {
  await indexed(relay, INDEXED_MS_MAX);
  await relay.stop();
  const audit = auditStore(relay.dataDir);
  findings.fail("the store", audit.mistakes);
  findings.fail("the store", model.mistakes(model.ids(), audit.events));
  findings.fail("the store", differences(new Set(audit.events.keys()), model.survivors()));
  findings.fail("the search index", auditSearch(relay.dataDir, audit.events));
  findings.count("documents compared", audit.events.size);
}

function differences(actual: ReadonlySet<string>, expected: ReadonlySet<string>): string[] {
  return [
    ...[...expected.difference(actual)].map((id) => `${id} is missing`),
    ...[...actual.difference(expected)].map((id) => `${id} is there and should not be`),
  ];
}

async function readModel(path: string, ordeal: Ordeal): Promise<void> {
  const text = await Deno.readTextFile(path).catch(() => null);
  if (text === null) return;
  const [first, ...lines] = text.trimEnd().split("\n");
  ordeal.goOnAfter(Number(first));
  for (const line of lines) ordeal.model.restore(JSON.parse(line) as Remembered);
}

async function writeModel(path: string, { model, round }: Ordeal): Promise<void> {
  const file = await Deno.open(path, { write: true, create: true, truncate: true });
  const lines = ReadableStream.from(linesOf(model, round));
  await lines.pipeThrough(new TextEncoderStream()).pipeTo(file.writable);
}

function* linesOf(model: EventModel, round: number): Generator<string> {
  yield `${round}\n`;
  for (const event of model.all()) yield `${JSON.stringify(event)}\n`;
}
