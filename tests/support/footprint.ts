/**
 * What a relay's process holds: memory, file descriptors, connections and subscriptions; and who uses it meanwhile.
 * Runs on a test's thread; whoever watches ends it.
 *
 * @module
 */
import { metricsOf } from "../pipeline/traffic.ts";
import type { BystanderReport } from "./bystander_worker.ts";
import { eventually } from "./eventually.ts";
import type { TestRelay } from "./relay.ts";

/** One look at the process. */
export interface Footprint {
  /** Memory of its own (`RssAnon`), MiB: mapped files belong to the page cache. */
  readonly privateMiB: number;
  readonly files: number;
  readonly connections: number;
  readonly subscriptions: number;
}

/** Looks. */
export async function footprintOf(relay: TestRelay): Promise<Footprint> {
  const metrics = await metricsOf(relay);
  return {
    privateMiB: await privateMiB(relay),
    files: (await Array.fromAsync(Deno.readDir(`/proc/${relay.pid}/fd`))).length,
    connections: metrics.get("nostr_connections_active")!,
    subscriptions: metrics.get("nostr_subscriptions_active")!,
  };
}

/** Memory of the process's own, MiB. */
export async function privateMiB(relay: TestRelay): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${relay.pid}/status`);
  return Number(/^RssAnon:\s+(\d+)/m.exec(status)![1]) / 1024;
}

/** The longest wait for a bystander's word, ms: longer than the relay takes for a round at its worst. */
const WORD_MS_MAX = 60_000;

/** Somebody who uses the relay, on a thread of its own. */
export class WatchingBystander implements Disposable {
  readonly #worker = new Worker(new URL("./bystander_worker.ts", import.meta.url), { type: "module" });
  readonly #words: unknown[] = [];

  constructor() {
    this.#worker.onmessage = ({ data }) => void this.#words.push(data);
  }

  /** Resolves when it is connected. */
  static async join(relay: TestRelay): Promise<WatchingBystander> {
    const bystander = new WatchingBystander();
    // What is said before its module has been read would be lost.
    await bystander.#next("starts");
    bystander.#worker.postMessage(relay.url);
    const first = await bystander.#next("joins");
    if (first !== "ready") throw new Error(`Cannot join relay "${relay.url}": ${JSON.stringify(first)}`);
    return bystander;
  }

  /** Ends it after its round. Returns what it has seen. */
  async leave(): Promise<BystanderReport> {
    this.#worker.postMessage("stop");
    return await this.#next("leaves") as BystanderReport;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  async #next(what: string): Promise<unknown> {
    await eventually(() => this.#words.length > 0, WORD_MS_MAX, `the bystander ${what}`);
    return this.#words.shift();
  }
}
