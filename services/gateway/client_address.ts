/**
 * Whose request it is: the socket's address, or what a trusted proxy says in `REAL_IP_HEADER`.
 * The gateway's thread owns it.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";
import type { RequestHeaders } from "./listener.ts";

/** Tells addresses; see the module's text. */
export class ClientAddress {
  readonly #header: string | null;
  readonly #proxies = new BlockList();

  /** `proxies` are addresses and networks such as `10.0.0.0/8`. */
  constructor(header: string | null, proxies: readonly string[]) {
    this.#header = header;
    for (const proxy of proxies) {
      const [address, bits] = proxy.split("/") as [string, string?];
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      if (bits === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(bits), family);
    }
  }

  /** The client's address. The last entry of a list is the one that the trusted proxy itself added. */
  of(headers: RequestHeaders, peer: string): string {
    if (this.#header === null || !this.#isTrusted(peer)) return peer;
    const named = headers.get(this.#header)?.split(",").at(-1)?.trim();
    return named !== undefined && isIP(named) !== 0 ? named : peer;
  }

  #isTrusted(peer: string): boolean {
    return this.#proxies.check(peer, isIP(peer) === 6 ? "ipv6" : "ipv4");
  }
}
