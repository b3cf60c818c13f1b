/**
 * A follower's socket, once its key is proved: whom it follows, by which keys its payloads are encrypted, and how far it
 * has been served. Belongs to the thread of the fan-out.
 *
 * ```
 *   loading ──(subscriptions known)──▶ behind ──(at the cursor)──▶ live
 *      ▲                                 ▲  ╰──────(no room)────── ─╯
 *      ╰──(a subscription has changed)───┴──(the registry is away)──╯
 * ```
 *
 * @module
 */
import type { Encryption, PayloadKeys, RandomBytes, Signal } from "../../lib/fanout/payload.ts";
import type { PipedSocket } from "../../runtime/piped_sockets.ts";

/** What is known of one subscription. */
export interface Following {
  readonly keys: PayloadKeys;
  /** When it was made, ms since 1970: what came before is not sent. */
  readonly since: number;
}

/** Whose socket it is, and how it is served. */
interface ListenerStart {
  /** Its key, proved. */
  readonly follower: string;
  readonly encryption: Encryption;
  /** The last signal that it has, or the log's end. */
  readonly after: number;
}

/** See the module's text. */
export class Listener {
  readonly socket: PipedSocket;
  readonly follower: string;
  readonly encryption: Encryption;
  /** Bot → how to serve its signals. Empty while it is loading. */
  following: ReadonlyMap<string, Following> = new Map();
  state: "loading" | "behind" | "live" = "loading";
  /** The last signal that it was given, or did not want. */
  after: number;

  /** @param after Where it begins, whatever it wished. */
  constructor(socket: PipedSocket, { follower, encryption, after }: ListenerStart) {
    this.socket = socket;
    this.follower = follower;
    this.encryption = encryption;
    this.after = after;
  }

  /** Sends a signal of a bot that it follows. False: there is no room; its socket tells when there is. */
  give(signal: Signal, random: RandomBytes): boolean {
    if (!this.socket.hasRoom) {
      this.socket.send([]);
      return false;
    }
    const { keys } = this.following.get(signal.bot)!;
    this.socket.send([signal.frameFor(this.follower, keys, random)]);
    this.after = signal.seq;
    return true;
  }
}
