/**
 * Bad bytes in EVENT messages: mutations of signed events over many connections, many in flight. Each is answered once, by
 * an OK or a NOTICE. An OK true is given no more often than a right event of that id was sent (`rightness.ts`), and each
 * new event that is right gets one.
 *
 * Runs in the process of whoever calls it, which owns the sockets.
 *
 * @module
 */
import { makeWorkload } from "../pipeline/workload.ts";
import { connect } from "../support/client.ts";
import type { Prng } from "../support/prng.ts";
import { eventId, signEvent, signId, type TestEvent, testKey } from "../support/sign.ts";
import { mutateText, mutateValue } from "./mutations.ts";
import { RightEvents } from "./rightness.ts";
import type { Findings } from "./trial.ts";

const CORPUS = 400;
/** Frames of one connection that are in flight. */
const BATCH = 400;
/** The longest wait for the answers to a batch, ms. */
const ANSWERS_MS_MAX = 30_000;
/** Where the id begins in `["OK","…`, and where the verdict begins. */
const OK_ID_AT = 7;
const ID_CHARS = 64;
const OK_VERDICT_AT = OK_ID_AT + ID_CHARS + 2;

/** A batch that is under way: what was sent, and what came back. */
interface Batch {
  readonly frames: readonly string[];
  /** Events that are right, and new to the relay: nothing may refuse them. */
  readonly fresh: ReadonlySet<string>;
  /** How often an id was accepted. */
  readonly accepted: Map<string, number>;
  answers: number;
}

/** One connection that sends what is wrong. */
export class EventFuzzer {
  readonly #prng: Prng;
  readonly #findings: Findings;
  readonly #corpus: readonly TestEvent[];
  readonly #texts: readonly string[];
  readonly #right = new RightEvents();
  #fresh = 0;

  constructor(prng: Prng, findings: Findings) {
    this.#prng = prng;
    this.#findings = findings;
    this.#corpus = makeWorkload(prng, CORPUS, { isHard: true }).filter(({ kind }) => kind !== 62);
    this.#texts = this.#corpus.map((event) => `["EVENT",${JSON.stringify(event)}]`);
    for (const event of this.#corpus) this.#right.keep(event);
  }

  /** Sends batches until `untilMs`, or so many frames. */
  async run(url: string, untilMs: number, framesMax: number): Promise<void> {
    let onMessage: (text: string) => void = () => {};
    await using client = await connect(url, { onText: (text) => onMessage(text) });
    for (let sent = 0; sent < framesMax && performance.now() < untilMs && client.isOpen; sent += BATCH) {
      const batch = this.#batch();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ANSWERS_MS_MAX);
      onMessage = (text) => {
        this.#receive(text, batch);
        if (batch.answers >= BATCH) resolve();
      };
      for (const frame of batch.frames) client.sendRaw(frame);
      await Promise.race([promise, client.closed]);
      clearTimeout(timer);
      this.#findings.count("EVENT frames", BATCH);
      this.#findings.count("EVENT frames answered", batch.answers);
      if (batch.answers !== BATCH) {
        return this.#findings.fail("EVENT frames", [
          `${batch.answers} answers to ${BATCH}, connection ${client.isOpen ? "open" : "closed"}`,
        ]);
      }
      this.#judge(batch);
    }
  }

  #receive(text: string, batch: Batch): void {
    // A protected or private event has the relay ask who is there (NIP-42), beside the answer to the event.
    if (text.startsWith('["AUTH",')) return this.#findings.count("challenges");
    if (text.startsWith('["NOTICE",')) {
      batch.answers++;
      return;
    }
    if (!text.startsWith('["OK",')) {
      return this.#findings.fail("EVENT frames", [`answered by ${text.slice(0, 100)}`]);
    }
    batch.answers++;
    const id = text.slice(OK_ID_AT, OK_ID_AT + ID_CHARS);
    if (text.startsWith("true", OK_VERDICT_AT)) {
      batch.accepted.set(id, (batch.accepted.get(id) ?? 0) + 1);
    } else if (batch.fresh.has(id)) {
      this.#findings.fail("a right event was refused", [text.slice(0, 300)]);
    }
  }

  /** No event was accepted more often than right ones of its id were sent, and every fresh one was. */
  #judge({ frames, fresh, accepted }: Batch): void {
    const right = new Map<string, number>();
    const known = new Map<string, boolean>();
    for (const frame of accepted.size === 0 ? [] : frames) {
      const event = eventIn(frame);
      if (event === null || !accepted.has(event.id)) continue;
      const isRight = known.get(frame) ?? this.#right.isRight(event);
      known.set(frame, isRight);
      if (isRight) right.set(event.id, (right.get(event.id) ?? 0) + 1);
    }
    for (const [id, times] of accepted) {
      this.#findings.count("accepted, and right by nostr-tools", times);
      if (times <= (right.get(id) ?? 0)) continue;
      const culprit = frames.find((frame) => frame.includes(id)) ?? "";
      this.#findings.fail("a wrong event was accepted", [`${id}: ${culprit.slice(0, 2_000)}`]);
    }
    this.#findings.count("fresh events", fresh.size);
    for (const id of fresh) {
      if (!accepted.has(id)) this.#findings.fail("a right event was not accepted", [id]);
    }
  }

  #batch(): Batch {
    this.#right.forget();
    const fresh = new Set<string>();
    const frames = Array.from({ length: BATCH }, () => this.#frame(fresh));
    return { frames, fresh, accepted: new Map(), answers: 0 };
  }

  #frame(fresh: Set<string>): string {
    const prng = this.#prng;
    const dice = prng.float();
    if (dice < 0.6) return mutateText(prng, prng.pick(this.#texts));
    if (dice < 0.62) return prng.pick(this.#texts);
    if (dice < 0.64) {
      const content = `fresh ${this.#fresh++} ${prng.hex(8)}`;
      const event = signEvent(testKey(prng.int(0, 9)), { content });
      this.#right.signed(event);
      fresh.add(event.id);
      return `["EVENT",${JSON.stringify(event)}]`;
    }
    const event = mutateValue(prng, prng.pick(this.#corpus)) as TestEvent;
    if (dice < 0.84) return `["EVENT",${JSON.stringify(event)}]`;
    return `["EVENT",${JSON.stringify(prng.chance(0.5) ? rehashed(event) : this.#resigned(event))}]`;
  }

  /** All is right, as far as the mutated members go: only their shape may be wrong. */
  #resigned(event: TestEvent): TestEvent {
    const key = testKey(this.#prng.int(0, 9));
    const id = eventId({ ...event, pubkey: key.pubkey });
    const resigned = { ...event, pubkey: key.pubkey, id, sig: signId(key, id) };
    this.#right.signed(resigned);
    return resigned;
  }
}

/** The id is that of the mutated event, and the signature is another one's. */
function rehashed(event: TestEvent): unknown {
  return { ...event, id: eventId(event) };
}

function eventIn(frame: string): TestEvent | null {
  try {
    const event = (JSON.parse(frame) as unknown[])[1];
    return typeof event === "object" && event !== null ? event as TestEvent : null;
  } catch {
    return null;
  }
}
