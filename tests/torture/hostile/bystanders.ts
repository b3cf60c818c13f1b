/**
 * The bystanders of the trial `hostile` and the load beside them, each on its own thread, and what they have seen.
 * Runs in the process of whoever calls the trial, which ends them.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";
import type { Role, Sightings } from "./bystander_worker.ts";

/** The longest wait for a word of a thread of ours, ms. */
const WORD_MS_MAX = 120_000;

/** What the bystanders saw between two looks. */
export type Seen = Readonly<Record<Role["name"], Sightings>>;

/** A thread of ours that is spoken to in words. */
class Voice {
  readonly #worker: Worker;
  readonly #words: unknown[] = [];

  constructor(file: string) {
    this.#worker = new Worker(new URL(file, import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => void this.#words.push(data);
  }

  say(word: unknown): void {
    this.#worker.postMessage(word);
  }

  async word(): Promise<unknown> {
    await eventually(() => this.#words.length > 0, WORD_MS_MAX, "a bystander speaks");
    return this.#words.shift();
  }

  end(): void {
    this.#worker.terminate();
  }
}

/** See the module's text. */
export class Bystanders implements Disposable {
  readonly #mirror = new Voice("./mirror_worker.ts");
  readonly #load = new Voice("./load_worker.ts");
  readonly #roles: Record<Role["name"], Voice> = {
    publisher: new Voice("./bystander_worker.ts"),
    asker: new Voice("./bystander_worker.ts"),
    visitor: new Voice("./bystander_worker.ts"),
    control: new Voice("./bystander_worker.ts"),
  };

  /** Resolves when all of them use the relay. */
  static async join(url: string): Promise<Bystanders> {
    const bystanders = new Bystanders();
    try {
      await bystanders.#begin(url);
      return bystanders;
    } catch (error) {
      bystanders[Symbol.dispose]();
      throw error;
    }
  }

  /** What was seen since the last look. */
  async look(): Promise<Seen> {
    const names = Object.keys(this.#roles) as Role["name"][];
    for (const name of names) this.#roles[name].say("cut");
    const seen = await Promise.all(
      names.map(async (name) => [name, await this.#roles[name].word()] as const),
    );
    return Object.fromEntries(seen) as Seen;
  }

  /** Ends them after what they are about. */
  async leave(): Promise<void> {
    const users = [this.#load, ...Object.values(this.#roles)];
    for (const user of users) user.say("stop");
    await Promise.all(users.map((user) => user.word()));
  }

  [Symbol.dispose](): void {
    for (const voice of [this.#mirror, this.#load, ...Object.values(this.#roles)]) voice.end();
  }

  async #begin(url: string): Promise<void> {
    const mirror = await this.#mirror.word() as string;
    await this.#load.word();
    this.#load.say(url);
    await this.#load.word();
    for (const [name, voice] of Object.entries(this.#roles)) {
      await voice.word();
      voice.say({ name, target: name === "control" ? mirror : url });
      await voice.word();
    }
  }
}
