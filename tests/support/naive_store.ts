/**
 * What a store holds, by the rules of NIP-01, NIP-09, NIP-40, NIP-59 and NIP-62 written down in the most obvious way over
 * an array. Shares no code with the program on purpose. Runs in the tests.
 *
 * @module
 */
import type { PlainEvent } from "./naive_matcher.ts";

/** The events that are there; see the module's text. */
export class NaiveStore {
  events: PlainEvent[] = [];
  readonly #vanished = new Map<string, number>();

  /** Adds an event, or says why not. */
  add(event: PlainEvent): "stored" | "duplicate" | "deleted" | "vanished" | "superseded" {
    if (this.events.some(({ id }) => id === event.id)) return "duplicate";
    if (this.#hasVanished(event)) return "vanished";
    if (this.events.some((request) => request.kind === 5 && deletes(request, event))) return "deleted";
    const address = addressOf(event);
    if (address !== null) {
      const present = this.events.filter((other) => addressOf(other) === address);
      if (present.some((other) => isBefore(other, event))) return "superseded";
      this.events = this.events.filter((other) => !present.includes(other));
    }
    this.events.push(event);
    if (event.kind === 5) this.events = this.events.filter((other) => !deletes(event, other));
    if (event.kind === 62) {
      this.#vanished.set(event.pubkey, Math.max(event.created_at, this.#vanished.get(event.pubkey) ?? 0));
      this.events = this.events.filter((other) => !this.#hasVanished(other));
    }
    return "stored";
  }

  /** Removes what has expired. */
  expire(now: number): void {
    this.events = this.visible(now);
  }

  /** What has not expired. */
  visible(now: number): PlainEvent[] {
    return this.events.filter(({ tags }) =>
      !tags.some(([name, value]) => name === "expiration" && Number(value) <= now)
    );
  }

  #hasVanished(event: PlainEvent): boolean {
    if (event.kind === 62) return false;
    return ownersOf(event).some((key) => event.created_at <= (this.#vanished.get(key) ?? -1));
  }
}

/** Newest first, then the lowest id. */
function isBefore(a: PlainEvent, b: PlainEvent): boolean {
  return a.created_at !== b.created_at ? a.created_at > b.created_at : a.id < b.id;
}

function ownersOf({ kind, pubkey, tags }: PlainEvent): string[] {
  return [pubkey, ...(kind === 1059 ? tags.filter(([name]) => name === "p").map((tag) => tag[1]!) : [])];
}

function addressOf({ kind, pubkey, tags }: PlainEvent): string | null {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return `${kind}:${pubkey}:`;
  if (kind < 30_000 || kind >= 40_000) return null;
  return `${kind}:${pubkey}:${tags.find(([name]) => name === "d")?.[1] ?? ""}`;
}

function deletes(request: PlainEvent, event: PlainEvent): boolean {
  if (event.kind === 5 || event.kind === 62 || !ownersOf(event).includes(request.pubkey)) return false;
  const address = event.pubkey === request.pubkey ? addressOf(event) : null;
  return request.tags.some(([name, value]) =>
    (name === "e" && value === event.id) ||
    (name === "a" && address !== null && value === address && event.created_at <= request.created_at)
  );
}
