/**
 * Negentropy sessions of one gateway's clients (NIP-77): opens them, passes their messages to the reader that holds the
 * set, sends its answers, and ends sessions that are idle or go on for too long.
 * The gateway's thread owns it; sets are gathered and compared on readers' threads.
 *
 * @module
 */
import { NEGENTROPY_IDLE_MS_MAX, NEGENTROPY_ROUNDS_MAX, NEGENTROPY_SESSIONS_MAX } from "../../lib/limits.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import {
  negentropyErrorText,
  type NegentropyMessage,
  negentropyText,
} from "../../lib/nostr/negentropy_messages.ts";
import { heldValues } from "../../lib/subscription/held_values.ts";
import type { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";
import type { FilterRoom } from "./filter_room.ts";
import type { AskedQuery, ReaderLink, SliceHeader } from "./reader_link.ts";

/** How often idle sessions are looked for, ms. */
const IDLE_LOOK_MS = 1_000;
const STOPPING = "closed: the relay stops, try again later";

/** One session; a reader knows it as a query. */
export class NegentropySession implements AskedQuery {
  readonly type = "sync";
  readonly position = null;
  /** The reader's own snapshot bounds the set. */
  readonly seqMax = Number.MAX_SAFE_INTEGER;
  readonly filters: readonly Filter[];
  /** What its filter counts as. */
  readonly heldValues: number;
  askedAs = 0;
  isCancelled = false;
  /** The message that the reader has not answered, in hex; empty: it is the client's turn. */
  message: string;
  /** Messages that the client has sent. */
  rounds = 1;
  /** When the client sent or was sent a message, ms. */
  touchedMs: number;

  constructor(
    readonly number: number,
    readonly connection: Connection,
    readonly subscriptionId: string,
    filter: Filter,
    message: string,
    readonly keys: readonly string[],
    readonly now: number,
    nowMs: number,
    readonly onSlice: (slice: SliceHeader) => void,
  ) {
    this.filters = [filter];
    this.heldValues = heldValues(this.filters);
    this.message = message;
    this.touchedMs = nowMs;
  }
}

/** The readers as a session needs them. */
type SyncLink = Pick<ReaderLink, "ask" | "answer" | "cancel">;

/** Who may compare what. */
interface SyncAccess {
  /** A client's session had the relay look at so many rows. */
  spent(connection: Connection, rows: number): void;
  /** Sends the client its challenge, unless it has it. */
  readonly answers: Pick<Answers, "challenge">;
  /** Whoever has the room for filters that are kept. */
  readonly room: Pick<FilterRoom, "acquire" | "release">;
}

/** All sessions of one gateway; see the module's text. */
export class NegentropySessions {
  readonly #link: SyncLink;
  readonly #access: SyncAccess;
  readonly #sessions = new Set<NegentropySession>();
  #lastNumber = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  /** Set when the relay stops. */
  isDraining = false;

  constructor(link: SyncLink, access: SyncAccess) {
    this.#link = link;
    this.#access = access;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Takes a client's message. `refusal` is why a NEG-OPEN is not to be served, or null. */
  receive(connection: Connection, message: NegentropyMessage, refusal: string | null): void {
    const { subscriptionId } = message;
    const present = connection.syncs.get(subscriptionId);
    switch (message.type) {
      case "NEG-OPEN":
        if (present) this.#end(present);
        return this.#open(connection, message, refusal);
      case "NEG-MSG":
        if (present) return this.#goOn(present, message.message);
        return connection.send(negentropyErrorText(subscriptionId, "closed: no such session is open"));
      case "NEG-CLOSE":
        if (present) this.#end(present);
        return;
      case "NEG-FAULT":
        if (present) this.#end(present);
        return connection.send(negentropyErrorText(subscriptionId, message.reason));
    }
  }

  /** The client has gone. */
  closed(connection: Connection): void {
    for (const session of [...connection.syncs.values()]) this.#end(session);
  }

  /** Ends the sessions whose clients have said nothing for too long. */
  endIdle(nowMs: number): void {
    for (const session of this.#sessions) {
      if (session.message !== "" || nowMs - session.touchedMs < NEGENTROPY_IDLE_MS_MAX) continue;
      this.#fail(session, "closed: you took too long to respond");
    }
  }

  #open(
    connection: Connection,
    { subscriptionId, filter, message }: NegentropyMessage & { type: "NEG-OPEN" },
    refusal: string | null,
  ): void {
    const refuse = (reason: string) => connection.send(negentropyErrorText(subscriptionId, reason));
    if (this.isDraining) return refuse(STOPPING);
    if (connection.syncs.size >= NEGENTROPY_SESSIONS_MAX) {
      return refuse(`blocked: more than ${NEGENTROPY_SESSIONS_MAX} sessions are open`);
    }
    if (refusal?.startsWith("auth-required:")) this.#access.answers.challenge(connection);
    if (refusal !== null) return refuse(refusal);
    const number = this.#lastNumber = (this.#lastNumber + 1) >>> 0;
    const session: NegentropySession = new NegentropySession(
      number,
      connection,
      subscriptionId,
      filter,
      message,
      connection.provedKeys,
      Math.floor(Date.now() / 1000),
      performance.now(),
      (slice) => this.#answer(session, slice),
    );
    const lack = this.#access.room.acquire(connection, session.heldValues);
    if (lack !== null) return refuse(lack.replace(/^rate-limited/, "blocked"));
    if (!this.#link.ask(session)) {
      this.#access.room.release(connection, session.heldValues);
      return refuse("blocked: too many long queries wait, try again later");
    }
    connection.syncs.set(subscriptionId, session);
    this.#sessions.add(session);
    this.#timer ??= setInterval(() => this.endIdle(performance.now()), IDLE_LOOK_MS);
  }

  #goOn(session: NegentropySession, message: string): void {
    session.touchedMs = performance.now();
    if (session.message !== "") {
      return this.#fail(session, "invalid: a message came before the answer to the one before");
    }
    if (++session.rounds > NEGENTROPY_ROUNDS_MAX) {
      return this.#fail(session, `blocked: a session of more than ${NEGENTROPY_ROUNDS_MAX} messages`);
    }
    session.message = message;
    this.#link.answer(session);
  }

  #answer(session: NegentropySession, { state, note }: SliceHeader): void {
    this.#access.spent(session.connection, note.rows ?? 0);
    if (session.isCancelled) return;
    if (state === "failed") {
      return this.#fail(session, note.reason ?? "error: the comparison failed", note.eventsMax);
    }
    if (note.answer === undefined) return;
    session.message = "";
    session.touchedMs = performance.now();
    session.connection.send(negentropyText(session.subscriptionId, note.answer));
  }

  #fail(session: NegentropySession, reason: string, eventsMax?: number): void {
    this.#end(session);
    session.connection.send(negentropyErrorText(session.subscriptionId, reason, eventsMax));
  }

  #end(session: NegentropySession): void {
    session.isCancelled = true;
    this.#access.room.release(session.connection, session.heldValues);
    this.#link.cancel(session);
    session.connection.syncs.delete(session.subscriptionId);
    this.#sessions.delete(session);
    if (this.#sessions.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
