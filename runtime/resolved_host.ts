/**
 * From the URL of a relay to addresses that may be called: one look-up, of bounded time, whose addresses are all checked
 * and then used, so that a name cannot mean another address when the connection is made (DNS rebinding).
 * Runs on the caller's thread; no state.
 *
 * @module
 */
import { isIP } from "node:net";
import { UPSTREAM_DNS_MS_MAX } from "../lib/limits.ts";
import type { CallableTargets } from "../lib/network/callable_targets.ts";
import { type Failure, RelayFailure } from "../lib/upstream/failure.ts";

/** The addresses of a name; rejects where nobody answered. */
type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

/** How names are looked up, and which addresses may be called. */
export interface HostOptions {
  readonly callable: CallableTargets;
  /** The system's resolver by default. */
  readonly resolve?: Resolve;
  /** The longest look-up, ms. */
  readonly lookUpMs?: number;
}

/** Addresses of one host that are tried, one after another. */
const ADDRESSES_TRIED = 3;
/** How long IPv6 addresses are waited for where there are others, ms. */
const IPV6_GRACE_MS = 250;

/**
 * The addresses of a URL's host.
 *
 * @returns One at least.
 * @throws {RelayFailure} `dns` or `private-address`.
 */
export async function resolveHost(url: URL, options: HostOptions): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const found = isIP(host) === 0 ? await lookUp(url, host, options) : [host];
  const addresses = found.filter((address) => isIP(address) !== 0);
  const hidden = addresses.find((address) => !options.callable.mayCall(host, address));
  if (hidden !== undefined) {
    throw failed(url, { kind: "private-address", reason: `its address "${hidden}" is not public` });
  }
  if (addresses.length === 0) throw failed(url, { kind: "dns", reason: `the name "${host}" has no address` });
  return addresses.slice(0, ADDRESSES_TRIED);
}

/** A resolver that does not heed the signal is not waited for either. */
async function lookUp(
  url: URL,
  name: string,
  { resolve = systemResolve, lookUpMs = UPSTREAM_DNS_MS_MAX }: HostOptions,
): Promise<readonly string[]> {
  const stop = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    stop.abort();
    late.reject(new Error("late"));
  }, lookUpMs);
  try {
    return await Promise.race([resolve(name, stop.signal), late.promise]);
  } catch {
    const reason = stop.signal.aborted
      ? `nobody told the address of "${name}" within ${lookUpMs} ms`
      : `the name "${name}" has no address`;
    throw failed(url, { kind: "dns", reason });
  } finally {
    clearTimeout(timer);
    // Whatever is still asked for is of no use.
    stop.abort();
  }
}

function failed(url: URL, failure: Failure): RelayFailure {
  return new RelayFailure(`connect to "${url.href}"`, failure);
}

/** IPv4 first: a host without a route for IPv6 is more common than the other, and so is a name server that drops AAAA. */
async function systemResolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
  // The dot keeps the search domains of the machine out of names of strangers.
  const full = name.includes(".") && !name.endsWith(".") ? `${name}.` : name;
  const none = () => [];
  const ipv6 = Deno.resolveDns(full, "AAAA", { signal }).catch(none);
  const ipv4 = await Deno.resolveDns(full, "A", { signal }).catch(none);
  if (ipv4.length === 0) return await ipv6;
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const timer = setTimeout(resolve, IPV6_GRACE_MS, []);
  const more = await Promise.race([ipv6, promise]);
  clearTimeout(timer);
  return [...ipv4, ...more];
}
