/**
 * Between listening and serving: clients that come before there is anybody to serve them wait. For most starts that is a
 * moment; a relay that takes over from another process listens for as long as that one has the store.
 * The gateway's thread owns it.
 *
 * @module
 */
import type { SocketEvents } from "./listener.ts";

/** See the module's text. */
export class Opening<Client> {
  readonly #waitingMax: number;
  readonly #opened = Promise.withResolvers<SocketEvents<Client>>();
  #events: SocketEvents<Client> | null = null;
  #waiting = 0;

  /** @param waitingMax Clients that may wait; those after them are refused. */
  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** From now on these serve, those who wait first. */
  open(events: SocketEvents<Client>): void {
    this.#events = events;
    this.#opened.resolve(events);
  }

  /** Has a client served: at once, or when there is somebody. Null: too many wait. */
  serve<Result>(
    serve: (events: SocketEvents<Client>) => Result | Promise<Result>,
  ): Result | Promise<Result> | null {
    if (this.#events !== null) return serve(this.#events);
    if (this.#waiting >= this.#waitingMax) return null;
    this.#waiting++;
    return this.#opened.promise.then((events) => {
      this.#waiting--;
      return serve(events);
    });
  }
}
