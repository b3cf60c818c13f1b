/**
 * What an operator decides while the relay runs (NIP-86), as the methods and the policies see it.
 * Types only; `state.ts` keeps it in SQLite, `view.ts` in memory on every other thread.
 *
 * @module
 */

import type { StoredInvites } from "./invites.ts";

/** What a verdict is about. The key of each: hex, hex, the number, an address or a network (`networkText`). */
export type Subject = "pubkey" | "event" | "kind" | "ip";
/** A key has one verdict at most: who is allowed is no longer banned. `pending` waits for a moderator. */
export type Verdict = "allowed" | "banned" | "pending";

/** One key with a verdict. */
export interface VerdictEntry {
  readonly key: string;
  /** Empty: none was given. */
  readonly reason: string;
}

/** What the relay says of itself and management may change (NIP-11). */
export type RelayText = "name" | "description" | "icon";

/** A role of members (NIP-43). */
export interface Role {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  /** A hue, 0 to 360, or null: none. */
  readonly color: number | null;
  /** A place in lists that are shown, or null: none. */
  readonly order: number | null;
}

/** One change. All of a state's changes since its beginning, in order, are the state. */
export type ManagementChange =
  /** `verdict` null: none any more. */
  | {
    readonly type: "verdict";
    readonly subject: Subject;
    readonly key: string;
    readonly verdict: Verdict | null;
    readonly reason: string;
  }
  /** `value` null: what the configuration says. */
  | { readonly type: "text"; readonly name: RelayText; readonly value: string | null }
  | { readonly type: "role"; readonly role: Role }
  /** The role is gone, and nobody has it. */
  | { readonly type: "role-deleted"; readonly id: string }
  | { readonly type: "member"; readonly pubkey: string; readonly role: string; readonly isAssigned: boolean };

/** A refusal that is the caller's to read: a bound is reached, or what is named does not exist. */
export class ManagementError extends Error {
  override name = "ManagementError";
}

/** The decisions. Every change is kept before its method returns, and then told to the listeners. */
export interface ManagementState {
  /** Gives a key a verdict in place of the one it has. Throws {@linkcode ManagementError} where there are too many. */
  decide(subject: Subject, key: string, verdict: "allowed" | "banned", reason: string): void;
  /** Takes a verdict back. Returns false where the key has another one, or none. */
  withdraw(subject: Subject, key: string, verdict: Verdict): boolean;
  /** Asks for a moderator's verdict on an event, unless it has one. Returns whether it is pending now. */
  report(eventId: string, reason: string): boolean;
  verdict(subject: Subject, key: string): Verdict | null;
  /** The keys with a verdict, the oldest decision first. */
  entries(subject: Subject, verdict: Verdict): VerdictEntry[];
  /** How many {@linkcode entries} there are. */
  count(subject: Subject, verdict: Verdict): number;

  /** Null: what the configuration says. */
  text(name: RelayText): string | null;
  setText(name: RelayText, value: string | null): void;

  /** By order, then by id. */
  roles(): Role[];
  role(id: string): Role | null;
  /** Makes or replaces a role. Throws {@linkcode ManagementError} where there are too many. */
  putRole(role: Role): void;
  /** Returns false where there is none. */
  deleteRole(id: string): boolean;
  /** Who has the role, in the order of their keys. */
  members(roleId: string): string[];
  /** Gives or takes a role that exists. Throws {@linkcode ManagementError} where there are too many members. */
  assign(pubkey: string, roleId: string, isAssigned: boolean): void;

  /** Invite codes: part of the state, but of no change, because no other thread asks for them. */
  readonly invites: StoredInvites;

  /** The changes that make this state out of none. */
  everything(): ManagementChange[];
  /** Calls `listener` after every change. Returns how to stop that. */
  onChange(listener: (change: ManagementChange) => void): () => void;
}
