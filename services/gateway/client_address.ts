/**
 * Whose request it is: the socket's address, or what a trusted proxy says in `REAL_IP_HEADER`.
 * The gateway's thread owns it.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";
import type { RequestHeaders } from "./sockets/listener.ts";
import type { Config } from "../../lib/config/config.ts";

/** The settings that say whose word counts. */
type ProxySettings = Pick<Config, "REAL_IP_HEADER" | "TRUSTED_PROXIES">;

/** Tells addresses; see the module's text. */
export class ClientAddress {
  #proxies = new BlockList();
  /** The list that the proxies were made of. */
  #made: readonly string[] = [];

  /** The client's address. The last entry of a list is the one that the trusted proxy itself added. */
  of(headers: RequestHeaders, remote: string, settings: ProxySettings): string {
    const { REAL_IP_HEADER: header, TRUSTED_PROXIES: proxies } = settings;
    if (header === null || !this.#isTrusted(remote, proxies)) return remote;
    const named = headers.get(header)?.split(",").at(-1)?.trim();
    return named !== undefined && isIP(named) !== 0 ? named : remote;
  }

  #isTrusted(remote: string, proxies: readonly string[]): boolean {
    if (this.#made !== proxies) {
      this.#proxies = blockList(proxies);
      this.#made = proxies;
    }
    return this.#proxies.check(remote, isIP(remote) === 6 ? "ipv6" : "ipv4");
  }
}

/** `networks` are addresses and networks such as `10.0.0.0/8`. */
function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split("/") as [string, string?];
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
