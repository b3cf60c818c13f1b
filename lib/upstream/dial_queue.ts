/**
 * Who is called next, where more relays are to be called than may be at one time: at most so many attempts at once, so
 * many connections to one host, and so many to one address. Hosts have their turns one after another, so that one with a
 * thousand relays delays no other.
 * Pure; belongs to the thread that calls.
 *
 * ```
 *   add(url) ─▶ waiting, by host ──next()──▶ held: attempts and connections ──release(url)──▶ out
 *                                              │ reach(url, address): the address's share
 *                                              ╰ opened(url): the attempt is over, the connection is not
 * ```
 *
 * @module
 */

/** How much at one time. */
interface DialLimits {
  /** Attempts. */
  readonly attemptsMax: number;
  /** Attempts and connections, to one host and to one address. */
  readonly perHostMax: number;
}

/** An attempt, or a connection that came of it. */
interface Held {
  readonly host: string;
  address: string | null;
  isAttempt: boolean;
}

/** See the module's text. */
export class DialQueue {
  limits: DialLimits;
  /** Hosts with somebody waiting, the next one first. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #held = new Map<string, Held>();
  /** Attempts and connections by host, and by address. */
  readonly #hosts = new Map<string, number>();
  readonly #addresses = new Map<string, number>();
  #attempts = 0;
  #waitingCount = 0;

  constructor(limits: DialLimits) {
    this.limits = limits;
  }

  /** Relays that wait for their turn. */
  get waiting(): number {
    return this.#waitingCount;
  }

  /** Attempts under way. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Has a relay wait for its turn; one that waits or is held already stays as it is. */
  add(url: string): void {
    if (this.#held.has(url)) return;
    const host = hostOf(url);
    const urls = this.#waiting.get(host) ?? new Set();
    this.#waiting.set(host, urls);
    if (urls.has(url)) return;
    urls.add(url);
    this.#waitingCount++;
  }

  /** The relay to call now, which is held from then on; null: nobody waits, or nobody may be called yet. */
  next(): string | null {
    if (this.#attempts >= this.limits.attemptsMax) return null;
    for (const [host, urls] of this.#waiting) {
      if ((this.#hosts.get(host) ?? 0) >= this.limits.perHostMax) continue;
      const [url] = urls;
      this.#take(host, url!);
      // Its next turn comes after those of all others.
      if (urls.size > 0) this.#waiting.set(host, urls);
      this.#held.set(url!, { host, address: null, isAttempt: true });
      count(this.#hosts, host, 1);
      this.#attempts++;
      return url!;
    }
    return null;
  }

  /** Why a relay that waits is not called yet, for people; null: it does not wait. */
  reasonFor(url: string): string | null {
    const host = hostOf(url);
    if (!this.#waiting.get(host)?.has(url)) return null;
    const { attemptsMax, perHostMax } = this.limits;
    return (this.#hosts.get(host) ?? 0) >= perHostMax
      ? `there are ${perHostMax} connections to its host already`
      : `${attemptsMax} others are being called`;
  }

  /**
   * The address of a relay that is being called is known, and the call goes there.
   *
   * @returns false: there are enough connections to this address; the caller releases the relay.
   */
  reach(url: string, address: string): boolean {
    const held = this.#held.get(url);
    if (held === undefined || held.address !== null) return held !== undefined;
    if ((this.#addresses.get(address) ?? 0) >= this.limits.perHostMax) return false;
    held.address = address;
    count(this.#addresses, address, 1);
    return true;
  }

  /** An attempt has become a connection. */
  opened(url: string): void {
    const held = this.#held.get(url);
    if (held === undefined || !held.isAttempt) return;
    held.isAttempt = false;
    this.#attempts--;
  }

  /** A relay is neither called nor connected any more, nor does it wait. */
  release(url: string): void {
    const host = hostOf(url);
    if (this.#waiting.get(host)?.has(url)) {
      const urls = this.#waiting.get(host)!;
      urls.delete(url);
      this.#waitingCount--;
      if (urls.size === 0) this.#waiting.delete(host);
    }
    const held = this.#held.get(url);
    if (held === undefined) return;
    this.#held.delete(url);
    if (held.isAttempt) this.#attempts--;
    count(this.#hosts, held.host, -1);
    if (held.address !== null) count(this.#addresses, held.address, -1);
  }

  #take(host: string, url: string): void {
    const urls = this.#waiting.get(host)!;
    urls.delete(url);
    this.#waitingCount--;
    this.#waiting.delete(host);
  }
}

/** The host name of a relay's URL, without its port. */
export function hostOf(url: string): string {
  return new URL(url).hostname;
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const value = (counts.get(key) ?? 0) + by;
  if (value === 0) counts.delete(key);
  else counts.set(key, value);
}
