/**
 * The URLs by which clients name the relay: in proofs of keys (NIP-42) and in requests to vanish (NIP-62).
 * Runs on any thread; no state.
 *
 * @module
 */
import type { Config } from "../config/config.ts";

/** Every URL under which clients know the relay. */
export function ownUrls(config: Config): string[] {
  if (config.RELAY_URL !== null) return [config.RELAY_URL];
  const scheme = config.TLS_CERT === null ? "ws" : "wss";
  const host = config.HOST.includes(":") ? `[${config.HOST}]` : config.HOST;
  const hosts = isLoopback(config.HOST) ? [host, "localhost"] : [host];
  return hosts.map((name) => `${scheme}://${name}:${config.PORT}`);
}

function isLoopback(host: string): boolean {
  return host === "::1" || host.startsWith("127.");
}
