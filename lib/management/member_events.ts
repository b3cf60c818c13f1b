/**
 * What a relay says of its members (NIP-43): the list, who came and went, and the roles, as events to be signed.
 * Pure functions; they run on the thread that follows the decisions.
 *
 * @module
 */
import { MEMBER_NOTICES_MAX, MEMBERS_LISTED_MAX } from "../limits.ts";
import {
  KIND_DELETION,
  KIND_INVITE,
  KIND_MEMBER_ADDED,
  KIND_MEMBER_REMOVED,
  KIND_MEMBERS,
  KIND_ROLE,
} from "../nostr/kinds.ts";
import type { Role } from "./management_state.ts";

/** An event before it is signed. */
interface UnsignedEvent {
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
}

/** Everything that is said. */
export interface MemberRoll {
  /** Members and the ids of their roles. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly roles: ReadonlyMap<string, Role>;
}

const PROTECTED = ["-"];

/**
 * The events that tell what has changed.
 *
 * @param self The relay's public key.
 * @param before What was told last; null: nothing that we know of.
 */
export function memberEvents(self: string, before: MemberRoll | null, now: MemberRoll): UnsignedEvent[] {
  const events: UnsignedEvent[] = [];
  for (const role of now.roles.values()) {
    if (JSON.stringify(role) !== JSON.stringify(before?.roles.get(role.id))) events.push(roleEvent(role));
  }
  for (const id of before?.roles.keys() ?? []) {
    if (!now.roles.has(id)) events.push({ kind: KIND_DELETION, tags: [["a", `${KIND_ROLE}:${self}:${id}`]] });
  }
  if (before !== null) events.push(...notices(before, now));
  if (JSON.stringify([...before?.members ?? []]) !== JSON.stringify([...now.members]) || before === null) {
    events.push(listEvent(now));
  }
  return events;
}

/** The event that brings an invite code. */
export function inviteEvent(code: string): UnsignedEvent {
  return { kind: KIND_INVITE, tags: [PROTECTED, ["claim", code]] };
}

function notices(before: MemberRoll, now: MemberRoll): UnsignedEvent[] {
  const about = (kind: number) => (key: string): UnsignedEvent => ({ kind, tags: [PROTECTED, ["p", key]] });
  const added = [...now.members.keys()].filter((key) => !before.members.has(key));
  const removed = [...before.members.keys()].filter((key) => !now.members.has(key));
  return [...added.map(about(KIND_MEMBER_ADDED)), ...removed.map(about(KIND_MEMBER_REMOVED))]
    .slice(0, MEMBER_NOTICES_MAX);
}

/** NIP-43 does not ask for a complete list: beyond the bound, members are left out. */
function listEvent({ members }: MemberRoll): UnsignedEvent {
  const listed = [...members].slice(0, MEMBERS_LISTED_MAX);
  return {
    kind: KIND_MEMBERS,
    tags: [PROTECTED, ...listed.map(([key, roles]) => ["member", key, ...roles])],
  };
}

function roleEvent({ id, label, description, color, order }: Role): UnsignedEvent {
  const said: [string, string | number | null][] = [
    ["label", label],
    ["description", description],
    ["color", color],
    ["order", order],
  ];
  const tags = said.filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => [name, String(value)]);
  return { kind: KIND_ROLE, tags: [PROTECTED, ["d", id], ...tags] };
}
