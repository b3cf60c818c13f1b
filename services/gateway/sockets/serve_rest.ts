/**
 * Lets a WebSocket of `Deno.serve` rest, until others have had their turn or there is room for what it sends. Deno reads
 * a socket in a loop that awaits one message after another. While more lie ready, that is a chain of microtasks, in which
 * no timer, no other socket and no other thread has its turn: a client that sends as fast as it is read holds up everybody
 * for as long as it likes.
 * Deno offers no pause. Its loop ends where the socket's state says "closed", and can be called again, both by symbols
 * of its own; where a version of Deno has other ones, sockets never rest.
 * The gateway's thread owns it.
 *
 * @module
 */

/** What Deno's WebSocket keeps under symbols. */
interface Insides {
  readonly state: symbol;
  readonly loop: symbol;
}

type Innards = Record<symbol, unknown>;

/** Not looked for yet: undefined. Not there: null. */
let insides: Insides | null | undefined;

/** A socket's rests; whoever has it rest decides how long. */
export class Rest {
  readonly #socket: WebSocket & Innards;
  /** Whether the state says "closed" until the loop has ended. */
  #isLeaving = false;
  #isResting = false;

  constructor(socket: WebSocket) {
    this.#socket = socket as WebSocket & Innards;
    if (insides === undefined && socket.readyState === WebSocket.OPEN) insides = insidesOf(this.#socket);
  }

  /** Whether an open socket can rest. */
  get isPossible(): boolean {
    return Boolean(insides);
  }

  /**
   * Begins a rest. To be called as the last thing in `onmessage`: Deno looks at the state as soon
   * as that has returned. Returns false where the socket cannot rest.
   */
  begin(): boolean {
    if (!insides || this.#isResting || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#isResting = this.#isLeaving = true;
    this.#socket[insides.state] = WebSocket.CLOSED;
    queueMicrotask(() => this.left());
    return true;
  }

  /** The loop has ended, so the socket is open again: whoever uses it outside of `onmessage` says so first. */
  left(): void {
    if (!this.#isLeaving) return;
    this.#isLeaving = false;
    this.#socket[insides!.state] = WebSocket.OPEN;
  }

  /** Ends it: the socket is read on. */
  end(): void {
    this.left();
    this.#isResting = false;
    // A socket that is closing has to read its client's part of that.
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    (this.#socket[insides!.loop] as () => void)();
  }
}

function insidesOf(socket: WebSocket & Innards): Insides | null {
  const state = symbolOf(socket, "[[readyState]]");
  const loop = symbolOf(WebSocket.prototype, "[[eventLoop]]");
  if (state === undefined || loop === undefined) return null;
  return socket[state] === WebSocket.OPEN && typeof socket[loop] === "function" ? { state, loop } : null;
}

function symbolOf(owner: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description);
}
