/**
 * Whose turn it is among negentropy sessions that gather their sets, and who has waited for too long. A client's sessions
 * gather one after another: each then has its answer as early as it can, where in turns all would have theirs when the
 * last is done. A message that is not answered in time is refused: its client has given up by then, and without a bound
 * the silence would grow with the sessions.
 * The reader's thread owns it.
 *
 * @module
 */
import { NEGENTROPY_ANSWER_MS_MAX } from "../../lib/limits.ts";

/** What a client is told whose message has waited for too long. */
export const TOO_LATE = "blocked: the relay has too much to compare now, try again later";

/** A session, as far as turns go. */
interface GatheringSession {
  /** Whether it needs a set and has not all of it. */
  readonly isGathering: boolean;
  /** When its message came, ms. */
  readonly touchedMs: number;
}

/** See the module's text. */
export class SyncTurns<Session extends GatheringSession> {
  /** Client → the session of it that gathers now. */
  readonly #gathering = new Map<string, Session>();

  /** Whether the session may work now; while one of a client gathers, the others of it that would wait. */
  mayWork(client: string, session: Session): boolean {
    if (!session.isGathering) return true;
    const first = this.#gathering.get(client);
    if (first !== undefined && first !== session) return false;
    this.#gathering.set(client, session);
    return true;
  }

  /** Ends the turns of sessions that have their sets or are over. */
  endTurns(isOpen: (session: Session) => boolean): void {
    for (const [client, session] of this.#gathering) {
      if (!session.isGathering || !isOpen(session)) this.#gathering.delete(client);
    }
  }
}

/** Whether the client's message has waited for longer than an answer may take. */
export function isLate({ touchedMs }: GatheringSession, nowMs: number): boolean {
  return nowMs - touchedMs > NEGENTROPY_ANSWER_MS_MAX;
}
