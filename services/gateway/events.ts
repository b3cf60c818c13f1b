/**
 * EVENT messages: passed on to a verifier, and answered by what comes back from verifiers and the store.
 * The gateway's thread owns it.
 *
 * @module
 */
import {
  EVENT_BYTES_UNANSWERED_MAX,
  EVENT_TAGS_COUNTED_CHARS,
  EVENT_TAGS_LIGHT,
  EVENT_TAGS_UNANSWERED_MAX,
  EVENT_TAGS_UNANSWERED_ORIGIN_MAX,
  HELD_ATTEMPTS_MAX,
  HELD_TOTAL_CHARS_MAX,
  OUTCOMES_PER_TURN,
} from "../../lib/limits.ts";
import { histogramOf, slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { noticeText } from "../../lib/nostr/relay_message.ts";
import type { RelayMemory } from "../../wire/memory.ts";
import type { Origin } from "../../runtime/origin.ts";
import type { OutcomeRecord } from "../../wire/outcome.ts";
import { relayMs } from "../../wire/relay_clock.ts";
import type { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";

const EVENTS_RECEIVED = slotOf("nostr_events_received_total");
const PAUSES = slotOf("nostr_sender_pauses_total");
const QUEUE = slotOf("nostr_relay_queue_length");
const QUEUE_BYTES = slotsOf("nostr_relay_queue_bytes");
const INGEST_SECONDS = histogramOf("nostr_ingest_seconds");
const SHARE_USED = "rate-limited: too many bytes of this connection wait, slow down";
const TAGS_SHARE_USED = "rate-limited: too many tags of this connection wait, slow down";
const TAGS_ROOM_USED = "rate-limited: events with many tags wait, try again";

/** What it is made of. */
interface EventsParts {
  readonly memory: RelayMemory;
  readonly metrics: ThreadMetrics;
  readonly origin: Origin;
  readonly answers: Answers;
  readonly connections: ReadonlyMap<number, Connection>;
}

/** An event as a client has sent it. */
interface SentEvent {
  readonly text: string;
  readonly tags: number;
}

/** One gateway's events on their way; see the module's text. */
export class Events {
  readonly #metrics: ThreadMetrics;
  readonly #origin: Origin;
  readonly #answers: Answers;
  readonly #connections: ReadonlyMap<number, Connection>;
  /** Senders whose sockets are not read, because there is no room for the event that each has sent last. */
  readonly #held = new Map<Connection, SentEvent>();
  readonly #heldCharsMax: number;
  #heldChars = 0;
  /** Tags of unanswered events of clients that are here. */
  #tags = 0;
  /** When the outcomes of this turn were looked for, by `relayMs()`. */
  #drainedMs = 0;
  /** Tags to be answered until an event is taken that finds no room for its own; null: none has asked. */
  #tagsUntilTurn: number | null = null;

  constructor({ memory, metrics, origin, answers, connections }: EventsParts) {
    this.#metrics = metrics;
    this.#origin = origin;
    this.#answers = answers;
    this.#connections = connections;
    this.#heldCharsMax = HELD_TOTAL_CHARS_MAX / memory.counts.gateways;
  }

  /** Whether any event that was received still has to be answered. */
  get isAnswering(): boolean {
    return this.#origin.unanswered > 0 || this.#held.size > 0;
  }

  /** Whether senders wait for room. */
  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /**
   * Takes the text of an EVENT message. `refusal` is why it is not to be passed on, or null. Where there is no room for
   * it now, the sender has to wait if its socket can stop reading, and is refused if not, or where too much waits already.
   */
  receive(connection: Connection, text: string, refusal: string | null): void {
    this.#metrics.add(EVENTS_RECEIVED, 1);
    if (refusal !== null) return this.#refuse(connection, text, refusal);
    const sent = { text, tags: tagsIn(text) };
    const message = this.#pass(connection, sent);
    if (message === null) return;
    const { flow } = connection.socket;
    if (flow === null || this.#heldChars + text.length > this.#heldCharsMax) {
      return this.#refuse(connection, text, message);
    }
    this.#held.set(connection, sent);
    this.#heldChars += text.length;
    this.#metrics.add(PAUSES, 1);
    flow.pause();
  }

  /** Passes on what waited for room, and reads its senders again. `refusal` is why that is not to be, or null. */
  resume(refusal: string | null): void {
    let left = this.#held.size;
    let refused = 0;
    const served: Connection[] = [];
    for (const [connection, sent] of this.#held) {
      if (left-- === 0 || refused === HELD_ATTEMPTS_MAX) break;
      const message = refusal ?? this.#pass(connection, sent);
      this.#held.delete(connection);
      if (refusal === null && message !== null) {
        // Behind those who were not tried.
        this.#held.set(connection, sent);
        refused++;
        continue;
      }
      this.#heldChars -= sent.text.length;
      if (message !== null) this.#refuse(connection, sent.text, message);
      served.push(connection);
      connection.socket.flow!.resume();
    }
    this.#putLast(served);
  }

  /** Who has had room, and waits again, waits behind those who have not; or one sender would have it all. */
  #putLast(connections: readonly Connection[]): void {
    for (const connection of connections) {
      const sent = this.#held.get(connection);
      if (sent === undefined) continue;
      this.#held.delete(connection);
      this.#held.set(connection, sent);
    }
  }

  /** Passes an event on; or says why there is no room for it, be it that the connection has its share already. */
  #pass(connection: Connection, { text, tags }: SentEvent): string | null {
    const bytes = connection.unansweredBytes + text.length;
    if (bytes > EVENT_BYTES_UNANSWERED_MAX && connection.unanswered > 0) return SHARE_USED;
    const ofConnection = connection.unansweredTags + tags;
    if (tags > 0 && ofConnection > EVENT_TAGS_UNANSWERED_MAX && connection.unanswered > 0) {
      return TAGS_SHARE_USED;
    }
    const fits = tags === 0 || this.#fitsTags(ofConnection);
    if (!fits && !this.#hasTagsTurn(connection)) return TAGS_ROOM_USED;
    const message = this.#origin.send(connection, text);
    if (message !== null) return message;
    if (!fits) this.#tagsUntilTurn = null;
    connection.unansweredBytes = bytes;
    connection.unansweredTags += tags;
    this.#tags += tags;
    return null;
  }

  /** An event costs by its tags what it costs those behind it, and few bytes can hold many. */
  #fitsTags(ofConnection: number): boolean {
    // Who sends events of few tags is not held up by those who do not; nor is anybody where nothing waits.
    const isLight = ofConnection <= EVENT_TAGS_LIGHT;
    return isLight || this.#tags === 0 || ofConnection <= EVENT_TAGS_UNANSWERED_ORIGIN_MAX - this.#tags;
  }

  /**
   * Where some tags always wait, there may never be room for many at once. So one event goes beyond it each time that as
   * many tags were answered as waited when it was asked for; senders that are held come before others.
   */
  #hasTagsTurn(connection: Connection): boolean {
    this.#tagsUntilTurn ??= this.#tags;
    return this.#tagsUntilTurn <= 0 && (this.#held.size === 0 || this.#held.has(connection));
  }

  /** So many tags wait no more. */
  #releaseTags(tags: number): void {
    this.#tags -= tags;
    if (this.#tagsUntilTurn !== null) this.#tagsUntilTurn -= tags;
  }

  /** A client has gone. */
  forget(connection: Connection): void {
    this.#heldChars -= this.#held.get(connection)?.text.length ?? 0;
    this.#held.delete(connection);
    this.#releaseTags(connection.unansweredTags);
    connection.unansweredTags = 0;
  }

  #refuse(connection: Connection, text: string, message: string): void {
    // The answer needs the id, and so the parse that the verifier would have done.
    const id = idIn(text);
    if (id !== null) return this.#answers.ok(connection, id, false, message);
    this.#answers.countOk(false, message);
    connection.send(noticeText(message));
  }

  /** Sends the outcomes that have come, up to a bound a turn. Returns their number. */
  drain(): number {
    this.#drainedMs = relayMs();
    const seen = this.#origin.drain(this.#answer, OUTCOMES_PER_TURN);
    this.#metrics.set(QUEUE, this.#origin.unanswered);
    this.#metrics.set(QUEUE_BYTES.frames, this.#origin.usedBytes);
    return seen;
  }

  /** Made once, for the origin to call. */
  readonly #answer = (outcome: OutcomeRecord): void => {
    const connection = this.#settle(outcome.connection, this.#drainedMs - outcome.receivedAtMs);
    const { accepted, message } = outcome;
    if (!outcome.hasId) {
      this.#answers.countOk(false, "invalid:");
      connection?.send(message);
    } else if (connection === undefined) this.#answers.countOk(accepted, message);
    else this.#answers.ok(connection, outcome.id, accepted, message);
  };

  /** An event is answered. Returns its sender, if it is still there. */
  #settle(number: number, waitedMs: number): Connection | undefined {
    this.#metrics.observe(INGEST_SECONDS, waitedMs / 1000);
    const connection = this.#connections.get(number);
    if (connection !== undefined) this.#releaseTags(connection.answered());
    return connection;
  }
}

/**
 * No fewer than the tags of an event, by the brackets that open; 0 where there is no room for many. Each tag has one,
 * however the client writes its JSON; a few more stand in texts. An event counts as no more than one connection may have:
 * so any event finds room when nothing else waits.
 */
function tagsIn(text: string): number {
  if (text.length < EVENT_TAGS_COUNTED_CHARS) return 0;
  let count = 0;
  for (let at = text.indexOf("["); at >= 0; at = text.indexOf("[", at + 1)) {
    if (++count === EVENT_TAGS_UNANSWERED_MAX) break;
  }
  return count;
}

function idIn(frame: string): string | null {
  try {
    const id: unknown = JSON.parse(frame)?.[1]?.id;
    return typeof id === "string" && id.length <= 64 ? id : null;
  } catch {
    return null;
  }
}
