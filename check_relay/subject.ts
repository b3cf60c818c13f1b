/**
 * The relay under test as rules see it: its addresses, what it says of itself, and the courtesies that it asks of
 * every client (work, authentication, patience), so that a rule is about its own subject only.
 * Runs in the process of the checker; one subject a run, which owns the fresh keys.
 *
 * @module
 */
import { DELAY_MS_MAX, LOOK_EVERY_MS, RETRIES_MAX, RETRY_PAUSE_MS } from "./bounds.ts";
import {
  type Answer,
  type Filter,
  type Message,
  open,
  type RelayConnection,
  type Sightings,
} from "./connection.ts";
import { type Information, readInformation } from "./information.ts";
import { Breach, brief, demand, NotApplicable } from "./rule.ts";
import { type Event, freshKey, type Key, sign, type Template } from "./signer.ts";

/** A relay that can be killed at any instant, and started again on what is left. */
interface Restartable {
  kill(): Promise<unknown>;
  start(): Promise<unknown>;
}

/** What the caller decides. */
export interface SubjectOptions {
  readonly url: string;
  /** What the relay is called, where that is not the URL it is reached by. */
  readonly relayUrl?: string;
  readonly answerMs: number;
  /** A key that may manage the relay (NIP-86). */
  readonly adminKey?: Key;
  /** NIPs whose rules are tried even if the relay does not list them. */
  readonly forced?: ReadonlySet<number>;
  /** The relay's process, where the checker has started it. */
  readonly process?: Restartable;
}

/** One relay during one run. */
export class Subject {
  readonly url: string;
  readonly httpUrl: string;
  readonly relayUrl: string;
  readonly answerMs: number;
  readonly adminKey: Key | undefined;
  readonly process: Restartable | undefined;
  readonly information: Information;
  readonly sightings: Sightings = { refusals: [], acceptances: [], closeds: [], strays: [], unknown: [] };
  readonly #forced: ReadonlySet<number>;
  /** Every fresh key by its pubkey, to authenticate as the author of an event. */
  readonly #keys = new Map<string, Key>();
  /** Who reads, where the relay serves only those who have proved a key. */
  readonly #reader = freshKey();
  #writing: Promise<string | null> | undefined;

  constructor(options: SubjectOptions, information: Information) {
    this.url = options.url;
    this.httpUrl = options.url.replace(/^ws/, "http");
    this.relayUrl = options.relayUrl ?? options.url;
    this.answerMs = options.answerMs;
    this.adminKey = options.adminKey;
    this.process = options.process;
    this.#forced = options.forced ?? new Set();
    this.information = information;
  }

  /** Reads what the relay says of itself. */
  static async meet(options: SubjectOptions): Promise<Subject> {
    return new Subject(options, await readInformation(options.url.replace(/^ws/, "http"), options.answerMs));
  }

  /** A connection that is not authenticated. @throws {Breach} */
  connect(): Promise<RelayConnection> {
    return open(this.url, this);
  }

  /** A connection as a reader uses it: authenticated if the relay says that nothing works without. */
  async join(): Promise<RelayConnection> {
    const connection = await this.connect();
    if (this.information.limitation.auth_required === true) await this.authenticate(connection, this.#reader);
    return connection;
  }

  /**
   * A connection that may publish.
   *
   * @throws {NotApplicable} if the relay takes no events of strangers.
   */
  async writer(): Promise<RelayConnection> {
    const refusal = await (this.#writing ??= this.#tryWriting());
    if (refusal !== null) throw new NotApplicable(`the relay takes no events of ours: ${refusal}`);
    return await this.join();
  }

  /** A key that only one rule uses. */
  key(): Key {
    const key = freshKey();
    this.#keys.set(key.pubkey, key);
    return key;
  }

  /** Signs, with the work that the relay demands. Without a content of its own an event has a random one. */
  sign(key: Key, template: Template = {}): Event {
    return sign(key, { content: crypto.randomUUID(), ...template }, this.workBits);
  }

  /** The work that the relay demands of events, bits. */
  get workBits(): number {
    const bits = this.information.limitation.min_pow_difficulty;
    return typeof bits === "number" ? bits : 0;
  }

  /** @throws {NotApplicable} if the relay does not say that it serves the NIP, and nobody insists. */
  requireNip(nip: number): void {
    if (nip === 1 || nip === 11 || this.lists(nip)) return;
    throw new NotApplicable(`supported_nips has no ${nip}`);
  }

  /** Whether the relay says that it serves the NIP, or the caller insists. */
  lists(nip: number): boolean {
    return this.#forced.has(nip) || this.information.nips?.has(nip) === true;
  }

  /**
   * Publishes as a polite client does: proves its key when asked, tries again later when told to.
   * Resolves with the last OK. @throws {Breach} if there is none.
   */
  async publish(connection: RelayConnection, event: Event): Promise<Message> {
    let pause = RETRY_PAUSE_MS;
    for (let attempt = 0;; attempt++) {
      const ok = await connection.offer(event);
      const message = String(ok[3]);
      if (ok[2] === true || attempt === RETRIES_MAX) return ok;
      if (message.startsWith("auth-required:") && !connection.authenticated.has(event.pubkey)) {
        await this.authenticate(connection, this.#keys.get(event.pubkey) ?? this.#reader);
      } else if (message.startsWith("rate-limited:")) {
        await sleep(pause);
        pause *= 2;
      } else {
        return ok;
      }
    }
  }

  /** Publishes events in their order and demands that each is accepted. @throws {Breach} */
  async accept(connection: RelayConnection, ...events: Event[]): Promise<void> {
    for (const event of events) {
      const ok = await this.publish(connection, event);
      demand(ok[2] === true, `a right event of kind ${event.kind} was answered ${brief(ok)}`);
    }
  }

  /** Publishes events that must be accepted, and waits until they can be found. @throws {Breach} */
  async store(connection: RelayConnection, ...events: Event[]): Promise<void> {
    await this.accept(connection, ...events);
    const ids = events.map(({ id }) => id);
    await this.find(connection, { ids, limit: ids.length }, ids);
  }

  /** Asks as a polite client does: proves a key when asked. @throws {Breach} */
  async ask(connection: RelayConnection, ...filters: Filter[]): Promise<Answer> {
    const answer = await connection.ask(...filters);
    if (answer.end[0] !== "CLOSED" || connection.authenticated.has(this.#reader.pubkey)) return answer;
    if (!String(answer.end[2]).startsWith("auth-required:")) return answer;
    await this.authenticate(connection, this.#reader);
    return await connection.ask(...filters);
  }

  /** The ids that a filter brings, in their order; the query must end with EOSE. @throws {Breach} */
  async ids(connection: RelayConnection, ...filters: Filter[]): Promise<string[]> {
    const { events, end } = await this.ask(connection, ...filters);
    demand(end[0] === "EOSE", `${brief(filters)} was answered ${brief(end)}`);
    return events.map(({ id }) => id);
  }

  /** Demands that a query brings exactly these ids, in any order; late ones are waited for. @throws {Breach} */
  async find(connection: RelayConnection, filter: Filter | Filter[], ids: readonly string[]): Promise<void> {
    const filters = Array.isArray(filter) ? filter : [filter];
    const wanted = ids.toSorted().join();
    let found: string[] = [];
    const isThere = await patiently(this.answerMs, async () => {
      found = await this.ids(connection, ...filters);
      return found.toSorted().join() === wanted;
    });
    demand(isThere, `${brief(filters)} brought ${found.length} events${difference(found, ids)}`);
  }

  /** Proves a key. @throws {Breach} if the relay sent no challenge or refuses a right proof. */
  async authenticate(connection: RelayConnection, key: Key): Promise<void> {
    const ok = await connection.offer(await this.proof(connection, key), "AUTH");
    demand(ok[2] === true, `a right AUTH was answered ${brief(ok)}`);
    connection.authenticated.add(key.pubkey);
  }

  /** A proof of a key for this connection; `changes` make it a wrong one. @throws {Breach} without a challenge. */
  async proof(connection: RelayConnection, key: Key, changes: Template = {}): Promise<Event> {
    const challenge = await this.challenge(connection);
    const tags = [["relay", this.relayUrl], ["challenge", challenge]];
    return sign(key, { kind: 22_242, tags, ...changes });
  }

  /** The connection's challenge, which may still be on its way. @throws {Breach} if none comes. */
  async challenge(connection: RelayConnection): Promise<string> {
    if (connection.challenge === undefined) {
      await connection.expect("AUTH challenge", ([type]) => type === "AUTH");
    }
    return connection.challenge!;
  }

  async #tryWriting(): Promise<string | null> {
    await using connection = await this.join();
    const event = this.sign(this.key(), { content: "a relay checker says hello" });
    try {
      const ok = await this.publish(connection, event);
      return ok[2] === true ? null : String(ok[3]);
    } catch (error) {
      if (error instanceof Breach || error instanceof NotApplicable) return error.message;
      throw error;
    }
  }
}

/** Looks until `condition` holds, not longer than `waitMs`. Resolves with whether it did. */
export async function patiently(waitMs: number, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + Math.min(waitMs, DELAY_MS_MAX);
  while (!await condition()) {
    if (performance.now() >= deadline) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

/** Waits. @param ms Milliseconds. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a promise is fulfilled within `waitMs`. */
export async function within(promise: Promise<unknown>, waitMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), waitMs);
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

function difference(found: readonly string[], wanted: readonly string[]): string {
  const missing = wanted.filter((id) => !found.includes(id)).length;
  const extra = found.filter((id) => !wanted.includes(id)).length;
  return `: ${missing} missing, ${extra} that do not belong, ${found.length - new Set(found).size} twice`;
}
