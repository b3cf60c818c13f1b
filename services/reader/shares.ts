/**
 * Something that all clients of a reader share: its open queries, the bytes of their filters, the items of their sessions.
 * A client has no more of it than a fixed part, and never more than is left for all others: so none takes all of it, and
 * whoever comes later finds some.
 * The reader's thread owns it.
 *
 * @module
 */

/** See the module's text. */
export class Shares {
  readonly #taken = new Map<string, number>();
  #total = 0;

  /** What all clients have together. */
  get total(): number {
    return this.#total;
  }

  /** What a client has. */
  of(client: string): number {
    return this.#taken.get(client) ?? 0;
  }

  /**
   * Whether a client may have so much more.
   *
   * @param bounds What there is for all, and for one client.
   */
  hasRoom(client: string, amount: number, bounds: { readonly all: number; readonly each: number }): boolean {
    const after = this.of(client) + amount;
    return after <= bounds.each && after <= bounds.all - this.#total - amount;
  }

  /** Whether a client may have so much more but for what others have. */
  isWithin(client: string, amount: number, { each }: { readonly each: number }): boolean {
    return this.of(client) + amount <= each;
  }

  /** Counts what a client has taken; what is below zero it has given back. */
  count(client: string, amount: number): void {
    const after = this.of(client) + amount;
    this.#total += amount;
    if (after > 0) this.#taken.set(client, after);
    else this.#taken.delete(client);
  }
}
