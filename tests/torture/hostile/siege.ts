/**
 * One relay under attack: runs the attacks of a round beside the bystanders, and judges what they did. A relay that ends or
 * answers nobody for too long is started again, so that the next attack is judged by itself.
 * Runs in the process of whoever calls the trial, which ends it.
 *
 * @module
 */
import { metricsOf } from "../../pipeline/traffic.ts";
import { eventually } from "../../support/eventually.ts";
import { privateMiB } from "../../support/footprint.ts";
import { Prng } from "../../support/prng.ts";
import type { TestRelay } from "../../support/relay.ts";
import { type Findings, rounded } from "../trial.ts";
import { type Attack, Stage, type ToldLimits } from "./attack.ts";
import { Bystanders, type Seen } from "./bystanders.ts";
import { Latencies } from "./latencies.ts";
import { takenAtMostBytes } from "./worst_case.ts";

/** How a siege is led. */
interface SiegeOptions {
  readonly findings: Findings;
  readonly engine: string;
  /** The part of each attack's whole amount. */
  readonly share: number;
  /** How long the bystanders are watched before the first attack, ms. */
  readonly calmMs: number;
  /** What a bystander's p99 may be beyond the machine's own, ms. */
  readonly p99MsMax: number;
}

/** Threads that an answer passes, each of which waits for a core as the mirror does. */
const HOPS = 3;
/** The longest time after an attack for every bystander to be answered, ms; then the relay is started again. */
const ANSWERED_MS_MAX = 30_000;
/** A wait that is none: the request has just been sent, ms. */
const JUST_SENT_MS = 500;
/** The longest that an attack may take to see that its time is over, ms; connections that hang are closed then. */
const ENDING_MS_MAX = 20_000;
const LOOK_MS = 100;
const MEMORY_LOOK_MS = 250;
const PAGE_MS_MAX = 10_000;

/** What of each bystander is judged. */
const JUDGED = [["publisher", "OK"], ["asker", "query"], ["visitor", "visit"]] as const;
const ROLES = ["publisher", "asker", "visitor", "control"] as const;

/** What the bystanders saw, by role. */
type Seeing = Record<keyof Seen, Latencies>;

function seeing(): Seeing {
  const [publisher, asker, visitor, control] = Array.from({ length: 4 }, () => new Latencies());
  return { publisher: publisher!, asker: asker!, visitor: visitor!, control: control! };
}

/** See the module's text. */
export class Siege implements AsyncDisposable {
  readonly #relay: TestRelay;
  readonly #options: SiegeOptions;
  readonly #bystanders: Bystanders;
  readonly #limits: ToldLimits;
  readonly #calm = seeing();
  readonly #whole = seeing();
  #calmMiB = 0;
  #keptMiB = 0;
  #said = 0;
  #restarts = 0;
  #hasEnded = false;
  /** What this round broke, told as one failure; of sentences that differ in numbers only, the first. */
  readonly #broken = new Map<string, string>();
  /** The attack after which the most memory was there. */
  mostKept = "none";
  /** Figures of the last round. */
  lastRound: Record<string, unknown> = {};

  private constructor(relay: TestRelay, options: SiegeOptions, bystanders: Bystanders, limits: ToldLimits) {
    this.#relay = relay;
    this.#options = options;
    this.#bystanders = bystanders;
    this.#limits = limits;
  }

  /** Lets the bystanders in, and watches them while nobody attacks. */
  static async begin(relay: TestRelay, options: SiegeOptions): Promise<Siege> {
    const limits = await toldLimits(relay);
    const bystanders = await Bystanders.join(relay.url);
    const siege = new Siege(relay, options, bystanders, limits);
    siege.#watchEnd();
    // Of the first moments only those count in which everybody is there.
    await pause(options.calmMs / 4);
    await bystanders.look();
    await pause(options.calmMs);
    await siege.#look([siege.#calm]);
    siege.#tell(`${options.engine}: before the attacks`);
    siege.#calmMiB = await privateMiB(relay);
    return siege;
  }

  /** One round: the attacks at once, for so long; then everybody is waited for. */
  async attack(attacks: readonly Attack[], { prng, forMs }: { prng: Prng; forMs: number }): Promise<void> {
    const name = attacks.map((attack) => attack.name).join(" + ");
    const where = `${this.#options.engine}: ${name}`;
    const round = seeing();
    const beforeMiB = await this.#memory();
    const memory = this.#watchMemory();
    const stages = attacks.map(() =>
      new Stage({
        relay: this.#relay,
        prng: new Prng(prng.uint32()),
        limits: this.#limits,
        share: this.#options.share,
        forMs,
      })
    );
    await Promise.all(attacks.map((attack, at) => this.#run(attack, stages[at]!)));
    const isAnswered = await this.#untilAnswered(round);
    const mostMiB = await memory.end();
    this.#judge(where, round);
    this.#judgeStages(stages);
    await this.#judgeThreads();
    const connections = stages.reduce((sum, stage) => sum + stage.connections, 0);
    const allowedMiB = this.#calmMiB + takenAtMostBytes(connections) / 2 ** 20;
    if (mostMiB > allowedMiB) {
      this.#fail(
        `private memory was ${rounded(mostMiB)} MiB; with ${connections} connections the worst case is ${
          rounded(allowedMiB)
        }`,
      );
    }
    this.#tell(where);
    const afterMiB = await this.#memory();
    if (afterMiB - beforeMiB > this.#keptMiB) [this.#keptMiB, this.mostKept] = [afterMiB - beforeMiB, name];
    if (attacks.length === 1) {
      this.#options.findings.most(`${where}: private memory at most, MiB`, rounded(mostMiB));
    }
    this.#options.findings.count(`${this.#options.engine}: rounds`);
    this.lastRound = {
      OK: round.publisher.told.p99,
      query: round.asker.told.p99,
      visit: round.visitor.told.p99,
      control: round.control.told.p99,
      MiB: mostMiB,
      answers: Object.assign({}, ...stages.map(({ answers }) => answers)),
    };
    if (!isAnswered || this.#hasEnded) await this.#startAgain();
  }

  /** The least private memory, MiB, until it is `enoughMiB` or the time is over. */
  async leastMemory(enoughMiB: number, forMs: number): Promise<number> {
    let leastMiB = Infinity;
    const look = async () => (leastMiB = Math.min(leastMiB, await this.#memory())) <= enoughMiB;
    await eventually(look, forMs, "memory is given back").catch(() => {});
    return leastMiB;
  }

  /** Reports the whole siege; the bystanders leave. */
  async end(): Promise<void> {
    const { findings, engine } = this.#options;
    await this.#look([this.#whole]);
    this.#tell(`${engine}: after the attacks`);
    for (const [when, seen] of [["before", this.#calm], ["beside attacks", this.#whole]] as const) {
      for (const [role, what] of [...JUDGED, ["control", "control"]] as const) {
        for (const [quantile, ms] of Object.entries(seen[role].told)) {
          findings.most(`${engine}: ${what} ${when}, ${quantile} ms`, rounded(ms));
        }
      }
    }
    findings.count(`${engine}: OKs timed`, this.#whole.publisher.count);
    findings.count(`${engine}: queries timed`, this.#whole.asker.count);
    await this.#bystanders.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#bystanders[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Runs one attack; a mistake of its own is told, and its connections end with its time. */
  async #run(attack: Attack, stage: Stage): Promise<void> {
    const running = attack.run(stage).catch((error) => {
      if (stage.goesOn) stage.fault(`the attack failed: ${error}`);
    });
    // What it has opened stays until its time is over, though it may have done all before.
    await stage.over;
    stage[Symbol.dispose]();
    let late: ReturnType<typeof setTimeout> | undefined;
    const bound = new Promise<string>((resolve) => late = setTimeout(() => resolve("late"), ENDING_MS_MAX));
    if (await Promise.race([running, bound]) === "late") stage.fault("the attack did not end with its time");
    clearTimeout(late);
  }

  /** Waits until no bystander waits; returns false where one still does at the end of the bound. */
  async #untilAnswered(round: Seeing): Promise<boolean> {
    const untilMs = performance.now() + ANSWERED_MS_MAX;
    while (true) {
      await pause(LOOK_MS);
      await this.#look([round, this.#whole]);
      const longestMs = Math.max(...JUDGED.map(([role]) => round[role].longestWaitMs));
      if (longestMs < JUST_SENT_MS) return true;
      if (this.#hasEnded) return false;
      if (performance.now() < untilMs) continue;
      this.#fail(`a bystander has waited for ${rounded(longestMs)} ms, and is not answered yet`);
      return false;
    }
  }

  async #look(into: readonly Seeing[]): Promise<void> {
    const seen = await this.#bystanders.look();
    for (const role of ROLES) {
      for (const latencies of into) latencies[role].add(seen[role]);
      for (const fault of seen[role].faults) this.#fail(`the ${role} ${fault}`);
    }
  }

  #judge(where: string, round: Seeing): void {
    const { findings, p99MsMax } = this.#options;
    const machineMs = HOPS * round.control.quantile(0.99);
    for (const [role, what] of JUDGED) {
      const { p99, longest } = round[role].told;
      const boundMs = p99MsMax + this.#calm[role].quantile(0.99) + machineMs;
      findings.most(`${where}: ${what}, p99 ms`, rounded(p99));
      if (p99 <= boundMs) continue;
      this.#fail(
        `${what}: p99 of ${round[role].count} was ${rounded(p99)} ms ` +
          `(longest ${rounded(longest)}), the bound is ${rounded(boundMs)}`,
      );
    }
  }

  #judgeStages(stages: readonly Stage[]): void {
    for (const { faults } of stages) for (const fault of new Set(faults)) this.#fail(fault);
  }

  /** What the relay says of itself: threads that died, and errors in its log. */
  async #judgeThreads(): Promise<void> {
    const output = this.#relay.output();
    const error = output.slice(this.#said).split("\n").find((line) => / error /.test(line));
    this.#said = output.length;
    if (error !== undefined) this.#fail(`the relay's log: ${error.slice(0, 400)}`);
    if (this.#hasEnded) {
      const { code, signal } = await this.#relay.exited;
      return this.#fail(`the relay ended with ${code} ${signal ?? ""}: ${output.slice(-600)}`);
    }
    const metrics = await metricsOf(this.#relay, PAGE_MS_MAX).catch(() => null);
    if (metrics === null) return this.#fail("/metrics did not answer");
    const restarts = [...metrics].filter(([name]) => name.includes("restarts_total"))
      .reduce((sum, [, value]) => sum + value, 0);
    if (restarts > this.#restarts) {
      this.#fail(`${restarts - this.#restarts} threads of the relay died`);
    }
    this.#restarts = restarts;
  }

  async #startAgain(): Promise<void> {
    this.#options.findings.count(`${this.#options.engine}: relay started again`);
    await this.#relay.kill();
    await this.#relay.restart();
    this.#hasEnded = false;
    this.#restarts = 0;
    this.#said = this.#relay.output().length;
    this.#watchEnd();
    // What was said while it was away is no fault of the next attack.
    const isBack = async () => {
      const seen = await this.#bystanders.look();
      return seen.publisher.latenciesMs.length > 0 && seen.publisher.faults.length === 0 &&
        seen.asker.faults.length === 0 && seen.visitor.faults.length === 0;
    };
    await eventually(isBack, ANSWERED_MS_MAX, "the bystanders are back");
  }

  #watchEnd(): void {
    const { pid } = this.#relay;
    this.#relay.exited.then(() => {
      if (this.#relay.pid === pid) this.#hasEnded = true;
    });
  }

  /** Looks at the relay's private memory now and then. */
  #watchMemory() {
    let mostMiB = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        mostMiB = Math.max(mostMiB, await this.#memory());
        await pause(MEMORY_LOOK_MS);
      }
    })();
    return {
      end: async () => {
        isOver = true;
        await watching;
        return mostMiB;
      },
    };
  }

  /** Private memory, MiB; a relay that has ended has none. */
  #memory(): Promise<number> {
    return privateMiB(this.#relay).catch(() => 0);
  }

  #fail(sentence: string): void {
    const kind = sentence.replace(/[\d.]+|"[^"]*"/g, "");
    if (!this.#broken.has(kind)) this.#broken.set(kind, sentence);
  }

  #tell(where: string): void {
    if (this.#broken.size > 0) this.#options.findings.fail(where, [[...this.#broken.values()].join("; ")]);
    this.#broken.clear();
  }
}

/** What the relay tells (NIP-11). */
async function toldLimits(relay: TestRelay): Promise<ToldLimits> {
  const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
  return (await response.json()).limitation;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
