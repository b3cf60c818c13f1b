/**
 * What a policy is: a function of an event, or of a request's filters, and of who sent it. It answers null (nothing
 * speaks against it) or the text of an `OK false` or CLOSED, prefix included.
 * Policies run on the thread that built them and may keep state there. No state.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";
import type { Filter } from "../nostr/filter.ts";

/** Who sent it, and when it came. */
export interface PolicyContext {
  readonly nowSeconds: number;
  /** The keys that the connection has proved (NIP-42). */
  readonly authenticated: ReadonlySet<string>;
  /** The client's address, or null: it did not come off a socket. */
  readonly ip: string | null;
  /** The connection's number, or null: it did not come off a socket. */
  readonly connection: number | null;
  /** Whether it may have any length and any number of tags: an import of an operator who says so. */
  readonly anySize?: boolean;
  /** Whether the relay itself has made it: nobody refuses it. */
  readonly isOwn?: boolean;
}

/** The context of what no client sent, such as an import. */
export function fromNobody(nowSeconds: number, anySize = false): PolicyContext {
  return { nowSeconds, authenticated: NO_KEYS, ip: null, connection: null, anySize };
}

const NO_KEYS: ReadonlySet<string> = new Set();

/** What a parser has counted in an event on its way, so that a policy need not walk the tags or the content. */
export interface EventFindings {
  readonly tagCount: number;
  /** Unicode characters. */
  readonly contentCharacters: number;
  /** Seconds (NIP-40), or 0: never. */
  readonly expiresAt: number;
  /** Whether it has a tag `-` (NIP-70). */
  readonly isProtected: boolean;
  /** False where its content surely holds no protected event. */
  readonly mayEmbedProtected: boolean;
}

/** An event as policies see it. Its fields may be decoded when they are asked for, so none is kept beyond a call. */
export interface PolicyEvent extends NostrEvent {
  /** Missing where nothing is known but the event. */
  readonly found?: EventFindings;
}

/** A check of one thing. */
export type Policy<Subject> = (subject: Subject, context: PolicyContext) => string | null;
/** A check of an event on its way into the store. */
export type EventPolicy = Policy<PolicyEvent>;
/** A check of the filters of a REQ or COUNT. */
export type RequestPolicy = Policy<readonly Filter[]>;

/** What a policy costs, for the order in a pipe: each is about ten times as dear as the one before. */
export const COST = {
  /** Compares a field or two. */
  field: 0,
  /** Looks into a set. */
  lookup: 1,
  /** Walks the tags, or changes state. */
  walk: 2,
  /** Parses what the event carries. */
  parse: 3,
} as const;
