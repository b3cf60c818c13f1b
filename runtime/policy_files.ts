/**
 * The operator's policy files (`lib/policy/policy_file.ts`): loaded, and asked within a bound of time. A policy that
 * throws, takes too long or gives no proper answer refuses, and is counted and logged.
 * Each thread that decides has its own; main loads them first, to find out whether they can be.
 *
 * What is loaded goes by a file's path and version, so that a changed file is another module to the runtime. What a file
 * imports itself is loaded once.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import type { ConfigFollower } from "../lib/config/shared_config.ts";
import { POLICY_LOG_INTERVAL_MS, POLICY_MS_MAX } from "../lib/limits.ts";
import { slotsOf } from "../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../lib/metrics/thread_metrics.ts";
import type { Config } from "../lib/config/config.ts";
import type { NostrEvent } from "../lib/nostr/event.ts";
import type { Policy, PolicyEvent } from "../lib/policy/policy.ts";
import {
  type EventPolicy,
  type PolicyFailure,
  type PolicyFile,
  type PolicyFileVersion,
  readAnswer,
  readPolicyFile,
  type RequestPolicy,
} from "../lib/policy/policy_file.ts";
import { fileVersion } from "./settings_file.ts";
import type { Logger } from "./logger.ts";

const FAILURES = slotsOf("nostr_policy_failures_total");
const FAILED = "error: a policy of this relay failed";
/** The global function that the bounded script calls; the runtime bounds nothing but scripts. */
const CALL = "sluicePolicyCall";
const boundedCall = new Script(`${CALL}()`);

/** The files that are in force, in their versions. */
export function policyFilesOf(
  { config, policyVersions }: Pick<ConfigFollower, "config" | "policyVersions">,
): PolicyFileVersion[] {
  return (config.POLICY_FILES ?? []).map((path, n) => ({ path, version: policyVersions[n] ?? "" }));
}

/** Loads one file. Throws where it cannot be loaded or is no policy file. */
async function loadPolicyFile({ path, version }: PolicyFileVersion): Promise<PolicyFile> {
  const url = pathToFileURL(resolve(path));
  url.searchParams.set("version", version);
  let module: Record<string, unknown>;
  try {
    module = await import(url.href);
  } catch (error) {
    throw new Error(`Cannot load policy file "${path}": ${(error as Error).message}`);
  }
  return readPolicyFile(path, module);
}

/**
 * Loads the policy files, to find out whether they can be.
 *
 * @returns a version of each.
 * @throws {Error} that says which of them cannot, and why.
 */
export async function checkPolicyFiles({ POLICY_FILES }: Config): Promise<string[]> {
  return await Promise.all((POLICY_FILES ?? []).map(async (path) => {
    const version = await fileVersion(path);
    if (version === "") throw new Error(`Cannot load policy file "${path}": it does not exist`);
    await loadPolicyFile({ path, version });
    return version;
  }));
}

/** See the module's text. */
export class PolicyFiles {
  readonly #metrics: ThreadMetrics;
  readonly #log: Pick<Logger, "error">;
  #loggedMs = -Infinity;
  #asked = "[]";
  /** Null: no file has one. */
  event: EventPolicy | null = null;
  request: RequestPolicy | null = null;

  constructor(metrics: ThreadMetrics, log: Pick<Logger, "error">) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Whether these are the files that were asked for last. */
  has(files: readonly PolicyFileVersion[]): boolean {
    return JSON.stringify(files) === this.#asked;
  }

  /** Loads these files in place of those before. A file that cannot be loaded refuses everything. */
  async load(files: readonly PolicyFileVersion[]): Promise<void> {
    const asked = this.#asked = JSON.stringify(files);
    const loaded = await Promise.all(
      files.map((file) =>
        loadPolicyFile(file).catch((error): PolicyFile => {
          this.#log.error(error.message);
          return { event: () => FAILED, request: () => FAILED };
        })
      ),
    );
    // Others were asked for meanwhile.
    if (this.#asked !== asked) return;
    const event = this.#firstRefusal(loaded.flatMap(({ event }) => event ?? []));
    this.event = event && ((subject, context) => event(wholeOf(subject), context));
    this.request = this.#firstRefusal(loaded.flatMap(({ request }) => request ?? []));
  }

  #firstRefusal<Subject>(policies: readonly Policy<Subject>[]): Policy<Subject> | null {
    if (policies.length === 0) return null;
    return (subject, context) => {
      for (const policy of policies) {
        const refusal = this.#ask(() => policy(subject, context));
        if (refusal !== null) return refusal;
      }
      return null;
    };
  }

  #ask(ask: () => unknown): string | null {
    let answer: unknown;
    try {
      answer = callBounded(ask);
    } catch (error) {
      const isSlow = (error as { code?: unknown } | null)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
      return isSlow
        ? this.#fail("slow", `it took more than ${POLICY_MS_MAX} ms`)
        : this.#fail("threw", `it threw ${error instanceof Error ? error.message : typeof error}`);
    }
    const refusal = readAnswer(answer);
    return refusal === undefined ? this.#fail("answer", "its answer is neither null nor a text") : refusal;
  }

  #fail(failure: PolicyFailure, why: string): string {
    this.#metrics.add(FAILURES[failure], 1);
    const nowMs = performance.now();
    if (nowMs - this.#loggedMs >= POLICY_LOG_INTERVAL_MS) {
      this.#loggedMs = nowMs;
      this.#log.error(`a policy file failed: ${why}`);
    }
    return FAILED;
  }
}

/** Calls a function and ends it when its time is over: 11 µs more than a plain call. */
function callBounded(call: () => unknown): unknown {
  let answer: unknown;
  (globalThis as Record<string, unknown>)[CALL] = () => {
    answer = call();
  };
  boundedCall.runInThisContext({ timeout: POLICY_MS_MAX });
  return answer;
}

/** An event that may be kept and written as JSON, whatever the operator's file does with it. */
function wholeOf({ id, pubkey, created_at, kind, tags, content, sig }: PolicyEvent): NostrEvent {
  return { id, pubkey, created_at, kind, tags, content, sig };
}
