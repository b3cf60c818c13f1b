/**
 * Bad bytes in EVENT messages: mutations of signed events over many connections, many in flight. Each is answered once, by
 * an OK or a NOTICE; and an OK true is given no more often than nostr-tools, which shares no code with the relay, finds a
 * right event of that id among what was sent.
 *
 * Runs in the process of whoever calls it, which owns the sockets.
 *
 * @module
 */
import { verifyEvent } from "nostr-tools/pure";
import { makeWorkload } from "../pipeline/workload.ts";
import type { Prng } from "../support/prng.ts";
import { eventId, signEvent, signId, type TestEvent, testKey } from "../support/sign.ts";
import { mutateText, mutateValue } from "./mutations.ts";
import type { Findings } from "./trial.ts";

const CORPUS = 400;
/** Frames of one connection that are in flight. */
const BATCH = 400;
/** The longest wait for the answers to a batch, ms. */
const ANSWERS_MS_MAX = 30_000;
/** Where the id begins in `["OK","…`, and where the verdict begins. */
const OK_ID_AT = 7;
const OK_VERDICT_AT = OK_ID_AT + 64 + 2;

/** One connection that sends what is wrong. */
export class EventFuzzer {
  readonly #prng: Prng;
  readonly #findings: Findings;
  readonly #corpus: readonly TestEvent[];
  readonly #texts: readonly string[];
  #fresh = 0;

  constructor(prng: Prng, findings: Findings) {
    this.#prng = prng;
    this.#findings = findings;
    this.#corpus = makeWorkload(prng, CORPUS, { isHard: true }).filter(({ kind }) => kind !== 62);
    this.#texts = this.#corpus.map((event) => `["EVENT",${JSON.stringify(event)}]`);
  }

  /** Sends batches until `untilMs`, or so many frames. */
  async run(url: string, untilMs: number, framesMax: number): Promise<void> {
    const socket = new WebSocket(url);
    const opened = Promise.withResolvers<void>();
    let ended = false;
    let onMessage: (text: string) => void = () => {};
    let onEnd: () => void = () => {};
    socket.onopen = () => opened.resolve();
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = () => {
      ended = true;
      opened.reject(new Error("Cannot fuzz: the relay takes no connection"));
      onEnd();
    };
    socket.onmessage = ({ data }) => onMessage(data as string);
    await opened.promise;
    for (let sent = 0; sent < framesMax && performance.now() < untilMs && !ended; sent += BATCH) {
      const frames = Array.from({ length: BATCH }, () => this.#frame());
      const accepted = new Map<string, number>();
      let answers = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ANSWERS_MS_MAX);
      onEnd = resolve;
      onMessage = (text) => {
        answers += this.#take(text, accepted);
        if (answers >= BATCH) resolve();
      };
      for (const frame of frames) socket.send(frame);
      await promise;
      clearTimeout(timer);
      this.#findings.count("EVENT frames", BATCH);
      this.#findings.count("EVENT frames answered", answers);
      if (answers !== BATCH) {
        this.#findings.fail("EVENT frames", [
          `${answers} answers to ${BATCH}, connection ${ended ? "closed" : "open"}`,
        ]);
        if (!ended) socket.close();
        return;
      }
      this.#judge(frames, accepted);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    onEnd = resolve;
    if (ended) resolve();
    else socket.close();
    await promise;
  }

  #take(text: string, accepted: Map<string, number>): number {
    if (text.startsWith('["NOTICE",')) return 1;
    if (!text.startsWith('["OK",')) {
      this.#findings.fail("EVENT frames", [`answered by ${text.slice(0, 100)}`]);
      return 0;
    }
    if (text.startsWith("true", OK_VERDICT_AT)) {
      const id = text.slice(OK_ID_AT, OK_ID_AT + 64);
      accepted.set(id, (accepted.get(id) ?? 0) + 1);
    }
    return 1;
  }

  /** No event was accepted more often than right ones of its id were sent. */
  #judge(frames: readonly string[], accepted: ReadonlyMap<string, number>): void {
    if (accepted.size === 0) return;
    const right = new Map<string, number>();
    const known = new Map<string, boolean>();
    for (const frame of frames) {
      const event = eventIn(frame);
      if (event === null || !accepted.has(event.id)) continue;
      const text = JSON.stringify([
        event.id,
        event.pubkey,
        event.created_at,
        event.kind,
        event.tags,
        event.content,
        event.sig,
      ]);
      const isRight = known.get(text) ?? isRightFor(event);
      known.set(text, isRight);
      if (isRight) right.set(event.id, (right.get(event.id) ?? 0) + 1);
    }
    for (const [id, times] of accepted) {
      this.#findings.count("accepted, and right by nostr-tools", times);
      if (times <= (right.get(id) ?? 0)) continue;
      const culprit = frames.find((frame) => frame.includes(id)) ?? "";
      this.#findings.fail("a wrong event was accepted", [`${id}: ${culprit.slice(0, 2_000)}`]);
    }
  }

  #frame(): string {
    const prng = this.#prng;
    const dice = prng.float();
    if (dice < 0.6) return mutateText(prng, prng.pick(this.#texts));
    if (dice < 0.62) return prng.pick(this.#texts);
    if (dice < 0.64) {
      const content = `fresh ${this.#fresh++} ${prng.hex(4)}`;
      return `["EVENT",${JSON.stringify(signEvent(testKey(prng.int(0, 9)), { content }))}]`;
    }
    const event = mutateValue(prng, prng.pick(this.#corpus)) as TestEvent;
    if (dice < 0.84) return `["EVENT",${JSON.stringify(event)}]`;
    return `["EVENT",${JSON.stringify(prng.chance(0.5) ? rehashed(event) : resigned(prng, event))}]`;
  }
}

/** The id is that of the mutated event, and the signature is another one's. */
function rehashed(event: TestEvent): unknown {
  return { ...event, id: eventId(event) };
}

/** All is right, as far as the mutated members go: only their shape may be wrong. */
function resigned(prng: Prng, event: TestEvent): unknown {
  const key = testKey(prng.int(0, 9));
  const id = eventId({ ...event, pubkey: key.pubkey });
  return { ...event, pubkey: key.pubkey, id, sig: signId(key, id) };
}

function eventIn(frame: string): TestEvent | null {
  try {
    const event = (JSON.parse(frame) as unknown[])[1];
    return typeof event === "object" && event !== null ? event as TestEvent : null;
  } catch {
    return null;
  }
}

/** By nostr-tools; it remembers its verdict in the object, so it gets one of its own. */
export function isRightFor(event: TestEvent): boolean {
  try {
    const { id, pubkey, created_at, kind, tags, content, sig } = event;
    return verifyEvent({ id, pubkey, created_at, kind, tags, content, sig });
  } catch {
    return false;
  }
}
