/**
 * What an attack is given, and what it is: a name, and a function that misuses a relay until its time is over.
 * Runs in the process of whoever calls the trial; the trial owns the stage of each attack, and clears it.
 *
 * @module
 */
import type { RelayLimitation } from "../../../lib/relay/relay_information.ts";
import type { Prng } from "../../support/prng.ts";
import type { TestRelay } from "../../support/relay.ts";
import { Assailant, type AssailantOptions } from "./assailant.ts";

/** One kind of attack. */
export interface Attack {
  readonly name: string;
  /** The only engine that it can meet; any by default. */
  readonly engine?: "ws";
  /**
   * Resolves when all is done, or the time is over; what it has opened stays until then. What it was refused is no fault;
   * what was answered wrongly is told to the stage.
   */
  run(stage: Stage): Promise<void>;
}

/** The limits that the relay tells (NIP-11), as far as attacks make use of them. */
export type ToldLimits = Pick<
  RelayLimitation,
  "max_message_length" | "max_subscriptions" | "max_limit" | "max_event_tags" | "max_content_length"
>;

/** What a stage is made from. */
interface StageOptions {
  readonly relay: TestRelay;
  readonly prng: Prng;
  readonly limits: ToldLimits;
  /** The part of each amount that is done: 1 in a whole trial. */
  readonly share: number;
  /** How long the attack may go on, ms. */
  readonly forMs: number;
}

/** Wrong answers of one attack that are kept. */
const FAULTS_MAX = 20;

/**
 * Where one attack takes place: the relay, its limits, and all that the attack has opened. Its time begins when it first
 * asks about time or opens a connection: what it prepares before takes none.
 */
export class Stage implements Disposable {
  readonly relay: TestRelay;
  readonly prng: Prng;
  readonly limits: ToldLimits;
  readonly share: number;
  /** Answers by their kind, e.g. `CLOSED rate-limited`. */
  readonly answers: Record<string, number> = {};
  readonly faults: string[] = [];
  readonly #forMs: number;
  #untilMs: number | null = null;
  readonly #opened = new Set<() => void>();
  readonly #over = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #connections = 0;

  constructor({ relay, prng, limits, share, forMs }: StageOptions) {
    this.relay = relay;
    this.prng = prng;
    this.limits = limits;
    this.share = share;
    this.#forMs = forMs;
  }

  /** Whether there is time left. */
  get goesOn(): boolean {
    return performance.now() < this.#begin() && !this.#isOver;
  }

  /** Resolves when the time is over. */
  get over(): Promise<void> {
    this.#begin();
    return this.#over.promise;
  }

  /** The share of a whole trial's amount, at least `least`. */
  amount(whole: number, least = 1): number {
    return Math.max(least, Math.ceil(whole * this.share));
  }

  /** A pause of at most `ms`, which ends with the attack. */
  async pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([this.over, new Promise<void>((resolve) => timer = setTimeout(resolve, ms))]);
    clearTimeout(timer);
  }

  /** Opens a connection, or returns null: the relay has refused it. */
  async open(options: AssailantOptions = {}): Promise<Assailant | null> {
    const assailant = this.goesOn ? await Assailant.open(this, options) : null;
    if (assailant === null) this.count("connection refused");
    else this.keep(() => assailant[Symbol.dispose]());
    return assailant;
  }

  /** Opens so many connections, one after another; those that were refused are missing. */
  async openMany(count: number, options: AssailantOptions = {}): Promise<Assailant[]> {
    const opened: Assailant[] = [];
    for (let n = 0; n < count && this.goesOn; n++) {
      const assailant = await this.open(options);
      if (assailant !== null) opened.push(assailant);
    }
    return opened;
  }

  /** Has the `close` of a connection called when the stage is cleared. */
  keep(close: () => void): void {
    this.#begin();
    this.#connections++;
    if (this.#isOver) close();
    else this.#opened.add(close);
  }

  /** Counts an answer. */
  count(kind: string, amount = 1): void {
    this.answers[kind] = (this.answers[kind] ?? 0) + amount;
  }

  /** Connections that the attack has opened, whatever became of them. */
  get connections(): number {
    return this.#connections;
  }

  /** Keeps a wrong answer. */
  fault(sentence: string): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push(sentence);
  }

  /** Ends the attack, and closes all that it has opened. */
  [Symbol.dispose](): void {
    this.#end();
  }

  /** Begins the attack's time, unless it has begun. Returns when it is over, ms. */
  #begin(): number {
    if (this.#untilMs === null && !this.#isOver) {
      this.#untilMs = performance.now() + this.#forMs;
      this.#timer = setTimeout(() => this.#end(), this.#forMs);
    }
    return this.#untilMs ?? 0;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#over.resolve();
    for (const close of this.#opened) close();
    this.#opened.clear();
  }
}
