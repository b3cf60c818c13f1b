/**
 * What a relay must hold and must not hold, after whatever happened to it: maps of what was sent and how it was answered,
 * too simple to be wrong. All tests that kill something compare with it.
 *
 * The order of arrival does not matter to it, and the workloads keep to what makes that true: a request to delete is no
 * older than what it names, so that a request to vanish which takes the one takes the other as well.
 *
 * Runs on a test's thread; a model belongs to the test that made it.
 *
 * @module
 */
import type { TestEvent } from "./sign.ts";

/** How the relay answered: not at all, with OK true, or with OK false. */
type AnswerState = "sent" | "accepted" | "refused";

/** What the model remembers of an event. */
export interface Remembered {
  readonly id: string;
  readonly pubkey: string;
  readonly kind: number;
  readonly createdAt: number;
  /** The end of the signature; the id stands for the rest of the text. */
  readonly sigEnd: string;
  /** Of replaceable and addressable kinds. */
  readonly address: string | null;
  /** Ids that a request to delete names. */
  readonly deletes: readonly string[];
  /** Addresses that a request to delete names. */
  readonly clears: readonly string[];
  /** For whom a gift wrap is. */
  readonly recipients: readonly string[];
  state: AnswerState;
}

const KIND_DELETION = 5;
const KIND_VANISH = 62;
const KIND_GIFT_WRAP = 1059;
const SIG_END_CHARS = 16;

/** See the module's text. */
export class EventModel {
  readonly #byId = new Map<string, Remembered>();
  /** Requests to delete, by the author and what they name. */
  readonly #deleters = new Map<string, Remembered[]>();
  readonly #vanishes = new Map<string, Remembered[]>();
  readonly #versions = new Map<string, Remembered[]>();
  #accepted = 0;

  /** A model that holds these events, all of them sent. */
  static of(events: readonly TestEvent[]): EventModel {
    const model = new EventModel();
    for (const event of events) model.add(event);
    return model;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Events that were answered with OK true. */
  get acceptedCount(): number {
    return this.#accepted;
  }

  ids(): string[] {
    return [...this.#byId.keys()];
  }

  /** An event is about to be sent. */
  add(event: TestEvent): void {
    if (!this.#byId.has(event.id)) this.restore(rememberedOf(event));
  }

  /** Takes in what {@linkcode EventModel.all} gave. */
  restore(event: Remembered): void {
    this.#byId.set(event.id, event);
    if (event.state === "accepted") this.#accepted++;
    for (const id of event.deletes) file(this.#deleters, `${event.pubkey} ${id}`, event);
    for (const address of event.clears) file(this.#deleters, `${event.pubkey} ${address}`, event);
    if (event.kind === KIND_VANISH) file(this.#vanishes, event.pubkey, event);
    if (event.address !== null) file(this.#versions, event.address, event);
  }

  all(): IterableIterator<Remembered> {
    return this.#byId.values();
  }

  /** Takes an OK in. Returns what is wrong with it, or null. */
  answer(id: string, accepted: boolean, reason: string): string | null {
    const event = this.#byId.get(id);
    if (event === undefined) return `${id} was answered and never sent`;
    if (accepted && event.state !== "accepted") this.#accepted++;
    if (accepted) event.state = "accepted";
    else if (event.state === "sent") event.state = "refused";
    if (accepted) return null;
    const isRight = isEphemeral(event.kind)
      ? reason.startsWith("mute: ")
      : this.#isRefusalRight(event, reason);
    return isRight ? null : `${id} of kind ${event.kind} was refused: ${reason}`;
  }

  #isRefusalRight(event: Remembered, reason: string): boolean {
    if (reason.startsWith("blocked: ")) return [...this.#removers(event)].length > 0;
    return reason.startsWith("duplicate: ") && [...this.#explainers(event)].length > 0;
  }

  /** `ids` and whatever sent event may be the reason that one of them is not there. */
  withReasons(ids: Iterable<string>): string[] {
    const wanted = new Set(ids);
    for (const id of [...wanted]) {
      for (const reason of this.#explainers(this.#byId.get(id)!)) wanted.add(reason.id);
    }
    return [...wanted];
  }

  /**
   * Looks at some events after the relay came back.
   *
   * @param ids What was asked for, with its reasons ({@linkcode EventModel.withReasons}).
   * @param held Those of them that the relay served.
   * @returns a sentence for each mistake.
   */
  mistakes(ids: Iterable<string>, held: ReadonlyMap<string, TestEvent>): string[] {
    const wrong: string[] = [];
    for (const id of ids) {
      const event = this.#byId.get(id)!;
      const served = held.get(id);
      const name = `${id} of kind ${event.kind}`;
      if (served === undefined) {
        if (event.state !== "accepted" || isEphemeral(event.kind)) continue;
        if (![...this.#explainers(event)].some((reason) => held.has(reason.id))) {
          wrong.push(`${name} is lost`);
        }
        continue;
      }
      if (!isSame(served, event)) wrong.push(`${name} was changed`);
      if (isEphemeral(event.kind)) wrong.push(`${name} is ephemeral and was stored`);
      for (const reason of this.#explainers(event)) {
        // A request that was accepted and then taken by another leaves that other one, which is looked at as well.
        if (held.has(reason.id)) wrong.push(`${name} is there beside ${reason.id} of kind ${reason.kind}`);
      }
    }
    return wrong;
  }

  /** What is there when all has been sent and answered. */
  survivors(): Set<string> {
    const alive = new Set<string>();
    for (const event of this.#byId.values()) {
      if (!isEphemeral(event.kind) && this.#explainers(event).next().done) alive.add(event.id);
    }
    return alive;
  }

  /** Events that are reason enough for this one not to be there. */
  *#explainers(event: Remembered): Generator<Remembered> {
    yield* this.#removers(event);
    if (event.address === null) return;
    for (const version of this.#versions.get(event.address) ?? []) if (wins(version, event)) yield version;
  }

  *#removers(event: Remembered): Generator<Remembered> {
    if (event.kind === KIND_VANISH) return;
    for (const key of [event.pubkey, ...event.recipients]) {
      for (const vanish of this.#vanishes.get(key) ?? []) {
        if (vanish.createdAt >= event.createdAt) yield vanish;
      }
    }
    if (event.kind === KIND_DELETION) return;
    yield* this.#deleters.get(`${event.pubkey} ${event.id}`) ?? [];
    if (event.address === null) return;
    for (const deletion of this.#deleters.get(`${event.pubkey} ${event.address}`) ?? []) {
      if (deletion.createdAt >= event.createdAt) yield deletion;
    }
  }
}

function rememberedOf({ id, pubkey, kind, created_at, tags, sig }: TestEvent): Remembered {
  const valuesOf = (name: string) => tags.filter((tag) => tag[0] === name).map((tag) => tag[1]!);
  return {
    id,
    pubkey,
    kind,
    createdAt: created_at,
    sigEnd: sig.slice(-SIG_END_CHARS),
    address: addressOf({ kind, pubkey, tags }),
    deletes: kind === KIND_DELETION ? valuesOf("e") : [],
    clears: kind === KIND_DELETION ? valuesOf("a") : [],
    recipients: kind === KIND_GIFT_WRAP ? valuesOf("p") : [],
    state: "sent",
  };
}

/** The members that the id does not cover, and the id: who computes it anew would compute it of the same text. */
function isSame(served: TestEvent, event: Remembered): boolean {
  return served.pubkey === event.pubkey && served.kind === event.kind &&
    served.created_at === event.createdAt &&
    served.sig.endsWith(event.sigEnd);
}

function file(map: Map<string, Remembered[]>, key: string, event: Remembered): void {
  const present = map.get(key);
  if (present) present.push(event);
  else map.set(key, [event]);
}

function isEphemeral(kind: number): boolean {
  return kind >= 20_000 && kind < 30_000;
}

function addressOf({ kind, pubkey, tags }: Pick<TestEvent, "kind" | "pubkey" | "tags">): string | null {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return `${kind}:${pubkey}:`;
  if (kind < 30_000 || kind >= 40_000) return null;
  return `${kind}:${pubkey}:${tags.find((tag) => tag[0] === "d")?.[1] ?? ""}`;
}

/** Newest first, then the lowest id (NIP-01). */
function wins(event: Remembered, other: Remembered): boolean {
  if (event.createdAt !== other.createdAt) return event.createdAt > other.createdAt;
  return event.id < other.id;
}
