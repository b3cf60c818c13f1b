/**
 * Requests for an invite code (kind 28935, NIP-43): management makes one, and the subscription begins with it.
 * The gateway's thread owns it. Who waits for a code is the gate's business (`request_gate.ts`).
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

  /** Asks for a code, for the keys that a client has proved. */
  ask(connection: Connection): Promise<InviteAnswer> {
    return this.#link.invite(connection.provedKeys);
  }
}
