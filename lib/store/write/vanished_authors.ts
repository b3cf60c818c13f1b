/**
 * What a reading connection leaves out while the store is still removing it: the events of authors who have asked to vanish
 * (NIP-62). From the request's commit on they are in no answer, however many there are to remove.
 * Belongs to the thread whose connection it reads.
 *
 * No follower of the log: the requests that are pending are few and stand in a table of their own, which is read anew
 * whenever the log has moved, so that there is no cursor to keep.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { createdAtOf, kindOf, pubkeyOf, tagsOf } from "../../nostr/exact.ts";
import { KIND_GIFT_WRAP } from "../../nostr/kinds.ts";
import { vanishingKeys } from "../../nostr/vanish.ts";

/** The requests that are not yet carried out; see the module's text. */
export class VanishedAuthors {
  readonly #pending: StatementSync;
  /** By pubkey: the `created_at` up to which events are left out. Null in the common case: nobody. */
  #until: ReadonlyMap<string, number> | null = null;

  constructor(db: DatabaseSync) {
    this.#pending = db.prepare("SELECT pubkey, until FROM vanish WHERE is_pending = 1");
  }

  /** Reads the requests anew, or forgets them where the caller knows that there are none. */
  refresh(isAnyPending: boolean): void {
    if (!isAnyPending) this.#until = null;
    else {
      const rows = this.#pending.all() as { pubkey: string; until: number }[];
      this.#until = new Map(rows.map(({ pubkey, until }) => [pubkey, until]));
    }
  }

  /** Whether there is nobody of whom anything has to be left out. */
  get isNobody(): boolean {
    return this.#until === null;
  }

  /** Whether the event of this text is to be left out. */
  hide(text: string): boolean {
    const until = this.#until;
    if (until === null) return false;
    const kind = kindOf(text);
    // What is asked about every row does not parse every text.
    const tags = kind === KIND_GIFT_WRAP ? tagsOf(text) : [];
    const createdAt = createdAtOf(text);
    return vanishingKeys({ kind, pubkey: pubkeyOf(text), tags }).some((key) =>
      createdAt <= (until.get(key) ?? -1)
    );
  }
}
