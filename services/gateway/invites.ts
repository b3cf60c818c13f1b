/**
 * Requests for an invite code (kind 28935, NIP-43): management makes one, and the subscription begins with it.
 * The gateway's thread owns it. A request that waits is known by its id, so that a CLOSE takes it back.
 *
 * @module
 */
import type { Filter } from "../../lib/nostr/filter.ts";
import { KIND_INVITE } from "../../lib/nostr/kinds.ts";
import type { ManagementLink } from "../../runtime/management_link.ts";
import type { InviteAnswer } from "../../wire/management_requests.ts";
import type { Connection } from "./connection.ts";

/** See the module's text. */
export class Invites {
  readonly #self: string;
  readonly #link: ManagementLink;
  readonly #waiting = new Map<Connection, Map<string, symbol>>();

  /** @param self The relay's public key. */
  constructor(self: string, link: ManagementLink) {
    this.#self = self;
    this.#link = link;
  }

  /** Whether a request asks for a code. */
  isAskedFor(filters: readonly Filter[]): boolean {
    return filters.some(({ kinds, authors, ids, tags, search, limit }) =>
      kinds?.includes(KIND_INVITE) && (authors?.includes(this.#self) ?? true) && ids === undefined &&
      tags.length === 0 && search === undefined && limit > 0
    );
  }

  /** Requests of a client that wait. */
  waitingOf(connection: Connection): number {
    return this.#waiting.get(connection)?.size ?? 0;
  }

  /** Asks for a code. `take` gets it, unless the request is taken back before. */
  async ask(connection: Connection, id: string, take: (answer: InviteAnswer) => void): Promise<void> {
    const waiting = this.#waiting.get(connection) ?? new Map<string, symbol>();
    const mark = Symbol();
    this.#waiting.set(connection, waiting.set(id, mark));
    const answer = await this.#link.invite([...connection.auth.authenticated]);
    if (waiting.get(id) !== mark) return;
    this.cancel(connection, id);
    take(answer);
  }

  /** The client wants no answer any more. */
  cancel(connection: Connection, id: string): void {
    const waiting = this.#waiting.get(connection);
    waiting?.delete(id);
    if (waiting?.size === 0) this.#waiting.delete(connection);
  }

  /** The client has gone. */
  forget(connection: Connection): void {
    this.#waiting.get(connection)?.clear();
    this.#waiting.delete(connection);
  }
}
