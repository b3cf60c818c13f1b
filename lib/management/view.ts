/**
 * The operator's decisions in memory, for the policies of a thread: made from all changes so far, kept current by each
 * further one. The sets are the same objects for ever, so that a policy that holds one sees it change.
 * Belongs to the thread that made it.
 *
 * @module
 */
import { AddressSet } from "../network/address_set.ts";
import type { ValueSet } from "../value_set.ts";
import type { ManagementChange, RelayText, Role, Subject, Verdict } from "./management_state.ts";

/** See the module's text. */
export class ManagementView {
  readonly #sets: Record<Exclude<Subject, "ip">, Record<Verdict, Set<string>>> = {
    pubkey: verdictSets(),
    event: verdictSets(),
    kind: verdictSets(),
  };
  readonly #blocked = new AddressSet();
  readonly #texts = new Map<RelayText, string>();
  readonly #roles = new Map<string, Role>();
  readonly #rolesOf = new Map<string, Set<string>>();
  readonly #kinds = { allowed: new Set<number>(), banned: new Set<number>() };

  /** @param changes All changes of a state, such as `state.everything()`. */
  constructor(changes: Iterable<ManagementChange> = []) {
    for (const change of changes) this.apply(change);
  }

  /** For `allowedWriters`: `denied`. */
  get bannedPubkeys(): ReadonlySet<string> {
    return this.#sets.pubkey.banned;
  }

  /** For `allowedWriters`: `allowed`, where the configuration says that only these write. */
  get allowedPubkeys(): ReadonlySet<string> {
    return this.#sets.pubkey.allowed;
  }

  /** Who has a role: may write where only listed keys may, like `allowedPubkeys`. */
  readonly members: ValueSet<string> = { has: (pubkey) => this.#rolesOf.has(pubkey) };

  /** For `bannedEvents`. */
  get bannedEvents(): ReadonlySet<string> {
    return this.#sets.event.banned;
  }

  /** For `blockedAddresses`. */
  get blockedAddresses(): ValueSet<string> {
    return this.#blocked;
  }

  /** For `allowedKinds`: `allowed`. Every kind is, until one was allowed by name. */
  readonly allowedKinds: ValueSet<number> = {
    has: (kind) => this.#kinds.allowed.size === 0 || this.#kinds.allowed.has(kind),
  };

  /** For `allowedKinds`: `denied`. */
  get bannedKinds(): ReadonlySet<number> {
    return this.#kinds.banned;
  }

  /** What management made of a text of NIP-11, or null: what the configuration says. */
  text(name: RelayText): string | null {
    return this.#texts.get(name) ?? null;
  }

  /** The roles by their ids. */
  get roles(): ReadonlyMap<string, Role> {
    return this.#roles;
  }

  /** Everybody who has roles, with the ids of these. */
  get roleHolders(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#rolesOf;
  }

  /** The ids of a key's roles. */
  rolesOf(pubkey: string): ReadonlySet<string> {
    return this.#rolesOf.get(pubkey) ?? NO_ROLES;
  }

  /** Takes a change in. */
  apply(change: ManagementChange): void {
    switch (change.type) {
      case "verdict":
        return this.#applyVerdict(change.subject, change.key, change.verdict);
      case "text":
        if (change.value === null) this.#texts.delete(change.name);
        else this.#texts.set(change.name, change.value);
        return;
      case "role":
        this.#roles.set(change.role.id, change.role);
        return;
      case "role-deleted":
        this.#roles.delete(change.id);
        for (const pubkey of this.#rolesOf.keys()) this.#applyMember(pubkey, change.id, false);
        return;
      case "member":
        return this.#applyMember(change.pubkey, change.role, change.isAssigned);
    }
  }

  #applyVerdict(subject: Subject, key: string, verdict: Verdict | null): void {
    if (subject === "ip") {
      if (verdict === "banned") this.#blocked.add(key);
      else this.#blocked.delete(key);
      return;
    }
    for (const [name, set] of Object.entries(this.#sets[subject])) {
      if (name === verdict) set.add(key);
      else set.delete(key);
    }
    if (subject !== "kind") return;
    for (const [name, set] of Object.entries(this.#kinds)) {
      if (name === verdict) set.add(Number(key));
      else set.delete(Number(key));
    }
  }

  #applyMember(pubkey: string, role: string, isAssigned: boolean): void {
    const roles = this.#rolesOf.get(pubkey) ?? new Set();
    if (isAssigned) roles.add(role);
    else roles.delete(role);
    if (roles.size === 0) this.#rolesOf.delete(pubkey);
    else this.#rolesOf.set(pubkey, roles);
  }
}

const NO_ROLES: ReadonlySet<string> = new Set();

function verdictSets(): Record<Verdict, Set<string>> {
  return { allowed: new Set(), banned: new Set(), pending: new Set() };
}
