/**
 * The trial of threads: each kind of worker dies in the middle of its work under load, of an error, in an endless loop, or
 * for lack of memory. Every event is answered, or its connection ends and the client comes back; then everything is there
 * that was acknowledged, nothing else, and the metrics have counted the death. A round is a death.
 *
 * Runs in the process of whoever calls it, which owns the model.
 *
 * @module
 */
import { type Death, DEATHS } from "../../lib/queue/fault_injection.ts";
import { crash, heldOf, indexed, metricsOf, publishAll } from "../pipeline/traffic.ts";
import { makeWorkload } from "../pipeline/workload.ts";
import { connect, type TestClient } from "../support/client.ts";
import { EventModel } from "../support/event_model.ts";
import { eventually } from "../support/eventually.ts";
import type { Prng } from "../support/prng.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { type Actor, ACTORS } from "../../wire/actors.ts";
import { Findings, roundsOf, type TrialOptions, type TrialResult } from "./trial.ts";

const CONNECTIONS = 3;
const WINDOW = 200;
const EVENTS = 1_500;
/** The longest wait for a death to be counted, and for the relay to be back, ms. */
const BACK_MS_MAX = 60_000;
/** The longest wait for the first page of a relay that may just have lost a gateway, ms. */
const PAGE_MS_MAX = 2_000;
/** Heaps of this size are full soon, and hold what the relay needs. */
const HEAP_MEBIBYTES = 160;
/** What of the relay's own words goes into the error that ends a trial. */
const OUTPUT_CHARS = 4_000;
/** Accepts everything; keeps no order of its own, and dies with its pipe. */
const PLUGIN = `import json, sys
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line)["event"]["id"], "action": "accept"}), flush=True)
`;

/** How often anything was started again: threads of the present process, and processes. */
interface Restarts {
  readonly workers: number;
  readonly processes: number;
}

/** Kills threads of a relay until the time is over; see the module's text. */
export async function threadsTrial(options: TrialOptions): Promise<TrialResult> {
  const { prng, folder, say } = options;
  const dataDir = await Deno.makeTempDir({ dir: folder, prefix: "data-" });
  await Deno.writeTextFile(`${folder}/plugin.py`, PLUGIN);
  const relay = await startRelay({
    dataDir,
    command: [Deno.execPath(), "run", "--allow-all", "scripts/start.ts"],
    env: {
      GATEWAY_WORKERS: "2",
      VERIFIER_WORKERS: "2",
      PRIVATE_KINDS: "none",
      RESTART_DELAY_MS: "100",
      STANDSTILL_MS: "3000",
      FLUSH_INTERVAL_MS: "50",
      UPSTREAM_WORKERS: "1",
      FORWARD_WS: "true",
      FANOUT: "true",
      WRITE_PLUGIN: `python3 ${folder}/plugin.py`,
      PLUGIN_IN_FLIGHT: "64",
      DENO_V8_FLAGS: `--max-old-space-size=${HEAP_MEBIBYTES}`,
    },
  });
  const ordeal = new ThreadOrdeal(relay, prng);
  const cases = prng.shuffle(ACTORS.flatMap(({ name: actor }) => DEATHS.map((death) => ({ actor, death }))));
  const goesOn = roundsOf(options);
  try {
    for (let round = 0; goesOn(); round++) {
      const { actor, death } = cases[round % cases.length]!;
      await ordeal.die(actor, death);
      say(`${actor} died of ${death}, ${ordeal.findings.failures.length} failures`);
    }
    await ordeal.checkEnd();
  } catch (error) {
    throw new Error(`Cannot go on: ${error}\n${relay.output().slice(-OUTPUT_CHARS)}`, { cause: error });
  } finally {
    // SIGTERM, which reaches the relay behind the program that starts it again.
    await relay.stop();
  }
  return ordeal.findings;
}

class ThreadOrdeal {
  readonly findings = new Findings();
  readonly #model = new EventModel();
  readonly #relay: TestRelay;
  readonly #prng: Prng;
  #round = 0;
  #extra = 0;

  constructor(relay: TestRelay, prng: Prng) {
    this.#relay = relay;
    this.#prng = prng;
  }

  /** One death under load, and what is there afterwards. */
  async die(actor: Actor, death: Death): Promise<void> {
    const events = makeWorkload(this.#prng, EVENTS, { firstKey: this.#round++ * 4, isHard: true });
    for (const event of events) this.#model.add(event);
    const before = await this.#restarts(actor);
    let answers = 0;
    const moment = this.#prng.int(1, EVENTS / 2);
    let asked: Promise<void> | undefined;
    const publishing = this.#publish(events, () => {
      if (++answers >= moment) asked ??= crash(this.#relay, actor, 0, death).catch(() => {});
    });
    const seeing = eventually(() => asked !== undefined, BACK_MS_MAX, "the death was asked for")
      .then(() => asked)
      .then(() => this.#seeDeath(actor, death, before));
    await Promise.all([publishing, seeing]);
    this.findings.count(`deaths by ${death}`);
    await this.#check(`${actor} died of ${death}`, events.map(({ id }) => id));
  }

  /** Publishes over several connections, and comes back with what has no answer when one has ended. */
  async #publish(events: readonly TestEvent[], onOk: () => void): Promise<void> {
    await Promise.all(Array.from({ length: CONNECTIONS }, async (_, share) => {
      let left = events.filter((_, n) => n % CONNECTIONS === share);
      while (left.length > 0) {
        const client = await this.#connect();
        left = await publishAll(client, left, WINDOW, ({ id }, [, , accepted, reason]) => {
          const mistake = this.#model.answer(id, accepted, reason);
          if (mistake !== null) this.findings.fail("an answer", [mistake]);
          this.findings.count(accepted ? "acknowledged" : "rightly refused");
          onOk();
        });
        if (left.length > 0 && client.socket.readyState === WebSocket.OPEN) {
          this.findings.fail("an open connection", left.map(({ id }) => `${id} has no answer`));
        }
        if (left.length > 0) this.findings.count("connections lost");
        await client.close();
      }
    }));
  }

  #connect(): Promise<TestClient> {
    return eventually(() => connect(this.#relay.url), BACK_MS_MAX, "the relay takes connections");
  }

  /** Waits until the death is counted. A worker dies of work, so there is some of every kind. */
  async #seeDeath(actor: Actor, death: Death, before: Restarts): Promise<void> {
    const seen = async () => {
      const now = await this.#restarts(actor);
      if (death === "error" ? now.workers > before.workers : now.processes > before.processes) return true;
      const client = await connect(this.#relay.url);
      const content = `more ${this.#extra++}`;
      const note = signEvent(testKey(5_000), { kind: 1, content });
      // A report is work for management, whoever reports.
      const report = signEvent(testKey(5_000), { kind: 1_984, content, tags: [["e", note.id]] });
      const work = Promise.all([note, report].map((event) => client.publish(event, PAGE_MS_MAX)))
        .catch(() => {});
      client.send(["COUNT", "all", { kinds: [1] }]);
      await work;
      await client.close();
      return false;
    };
    await eventually(seen, BACK_MS_MAX, `${actor} died of ${death} and the metrics say so`);
  }

  async #restarts(actor: string): Promise<Restarts> {
    const metrics = await eventually(
      async () => await metricsOf(this.#relay, PAGE_MS_MAX),
      BACK_MS_MAX,
      "/metrics answers",
    );
    return {
      workers: metrics.get(`nostr_worker_restarts_total{actor="${actor}"}`)!,
      processes: metrics.get("nostr_process_restarts_total")!,
    };
  }

  async #check(where: string, ids: readonly string[]): Promise<void> {
    const asked = this.#model.withReasons(ids);
    const client = await this.#connect();
    const held = await heldOf(client, asked);
    this.findings.count("events looked at", asked.length);
    this.findings.fail(where, this.#model.mistakes(asked, held));
    await client.close();
    await eventually(
      async () => (await metricsOf(this.#relay)).get("nostr_relay_queue_length") === 0,
      BACK_MS_MAX,
      "nothing that a dead worker had counts as under way",
    );
  }

  async checkEnd(): Promise<void> {
    await this.#check("the end", this.#model.ids());
    await indexed(this.#relay, BACK_MS_MAX);
    this.findings.most("events in the model", this.#model.size);
  }
}
