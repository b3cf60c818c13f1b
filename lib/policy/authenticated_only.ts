/**
 * Policies: who writes or reads has to prove a key first (NIP-42).
 * Run on the thread that built them; no state.
 *
 * @module
 */
import type { EventPolicy, Policy, PolicyContext, RequestPolicy } from "./policy.ts";
import type { ValueSet } from "../value_set.ts";

/** Who may read. */
interface AuthToReadOptions {
  /** One of these keys has to be proved, or null: any key. */
  readonly keys: ValueSet<string> | null;
}

/** Who may write. */
interface AuthToWriteOptions extends AuthToReadOptions {
  /** Kinds that may be written without; null: none. */
  readonly openKinds: ValueSet<number> | null;
}

/** Makes the policy for events. Cost: `lookup`. */
export function authToWrite(options: AuthToWriteOptions): EventPolicy {
  const proved = provedKey(options.keys, "write");
  return function byAuthenticated(event, context) {
    return options.openKinds?.has(event.kind) ? null : proved(event, context);
  };
}

/** Makes the policy for requests. Cost: `lookup`. */
export function authToRead(options: AuthToReadOptions): RequestPolicy {
  return provedKey(options.keys, "read");
}

function provedKey(keys: ValueSet<string> | null, what: "read" | "write"): Policy<unknown> {
  return function hasProvedKey(_subject: unknown, { authenticated }: PolicyContext) {
    if (authenticated.size === 0) return `auth-required: prove a key to ${what} here`;
    if (keys === null) return null;
    for (const key of authenticated) if (keys.has(key)) return null;
    return `restricted: none of your keys may ${what} here`;
  };
}
