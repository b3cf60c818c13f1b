/**
 * What an operator's policy file exports: a module in TypeScript or JavaScript that takes part in what the relay takes and
 * answers. `POLICY_FILES` names such files; `runtime/policy_files.ts` loads them.
 * Its functions run on verifiers' threads (`event`) and gateways' (`request`), each with a copy of the module. No state.
 *
 * ```ts
 * import type { EventPolicy, RequestPolicy } from "/opt/sluice/lib/policy/policy_file.ts";
 *
 * export const event: EventPolicy = (event, { authenticated }) =>
 *   event.kind === 30_023 && !authenticated.has(event.pubkey) ? "restricted: prove your key to publish articles" : null;
 *
 * export const request: RequestPolicy = (filters) =>
 *   filters.some(({ search }) => search !== undefined && search.length < 3) ? "blocked: search for more" : null;
 * ```
 *
 * @module
 */
import { refusalText } from "../plugin/decision.ts";
import type { EventPolicy, RequestPolicy } from "./policy.ts";

export type { NostrEvent } from "../nostr/event.ts";
export type { Filter } from "../nostr/filter.ts";
export type { EventPolicy, PolicyContext, RequestPolicy } from "./policy.ts";

/** A policy file's exports; it needs one of them at least. Both are pure functions, and answer at once. */
export interface PolicyFile {
  /**
   * Whether an event is taken: null, or the text of the `OK false`. It is asked after all settings, and before the
   * signature is verified: what it says of an event must not depend on other events.
   */
  readonly event?: EventPolicy;
  /** Whether a REQ, COUNT or NEG-OPEN is served: null, or the text of the CLOSED. It is asked after all settings. */
  readonly request?: RequestPolicy;
}

/** One file in one version. What is loaded goes by both, so that a changed file is loaded anew. */
export interface PolicyFileVersion {
  readonly path: string;
  readonly version: string;
}

/** A policy that is asked in time, whatever it does. */
export type PolicyFailure = "threw" | "slow" | "answer";

/**
 * Looks at a module that was loaded.
 *
 * @throws {TypeError} if it is no policy file.
 */
export function readPolicyFile(path: string, module: Readonly<Record<string, unknown>>): PolicyFile {
  const fault = (what: string) => new TypeError(`Cannot use policy file "${path}": ${what}`);
  for (const name of ["event", "request"]) {
    if (!(name in module)) continue;
    if (typeof module[name] !== "function") throw fault(`its export "${name}" is not a function`);
  }
  const { event, request } = module as PolicyFile;
  if (event === undefined && request === undefined) throw fault('it exports neither "event" nor "request"');
  return { ...(event && { event }), ...(request && { request }) };
}

/**
 * What a policy's answer means.
 *
 * @returns null, a refusal with its prefix, or undefined: it is no answer.
 */
export function readAnswer(answer: unknown): string | null | undefined {
  if (answer === null) return null;
  return typeof answer === "string" && answer !== "" ? refusalText(answer) : undefined;
}
