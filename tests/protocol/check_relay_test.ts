/**
 * Every rule of the relay checker, tried on this relay: required and advised ones alike must hold.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { NIPS } from "../../lib/relay/nips.ts";
import { RULES } from "../../check_relay/rules/all.ts";
import { tryRule } from "../../check_relay/run.ts";
import { freshKey } from "../../check_relay/signer.ts";
import { Subject } from "../../check_relay/subject.ts";
import { startRelay } from "../support/relay.ts";
import { RELAY_URL } from "./auth.ts";

type Reasons = Readonly<Record<string, string>>;

/** A relay that is open to everybody, with limits small enough to be tried. */
const OPEN = {
  env: {
    MAX_LIMIT: "200",
    DEFAULT_LIMIT: "60",
    MAX_SUBSCRIPTIONS: "20",
    MAX_MESSAGE_LENGTH: "70000",
    MAX_CONTENT_LENGTH: "60000",
    MAX_EVENT_TAGS: "100",
    CREATED_AT_LOWER_LIMIT: "1000000",
    FLUSH_INTERVAL_MS: "50",
  },
  /** Why a rule cannot be tried, by its id: a part of what it says. */
  reasons: {
    "11/software": "there is no software",
    "11/auth-required": "auth_required is not true",
    "13/work-accepted": "no work is demanded",
    "13/less-refused": "no work is demanded",
    "13/commitment": "no work is demanded",
    "43/self": "supported_nips has no 43",
    "43/invalid-code": "supported_nips has no 43",
    "43/list": "supported_nips has no 43",
  },
};

/** A relay that demands work and a proof of a key for everything: the checker gives both where that is not the matter. */
const STRICT = {
  env: {
    AUTH_TO_READ: "true",
    AUTH_TO_WRITE: "true",
    MIN_POW_DIFFICULTY: "6",
    FLUSH_INTERVAL_MS: "50",
  },
  reasons: {
    "11/software": "there is no software",
    "11/created-at-lower-limit": "no limitation.created_at_lower_limit",
    "43/self": "supported_nips has no 43",
    "43/invalid-code": "supported_nips has no 43",
    "43/list": "supported_nips has no 43",
  },
};

async function tryAll(t: Deno.TestContext, env: Record<string, string>, reasons: Reasons): Promise<void> {
  const admin = freshKey();
  await using process = await startRelay({
    env: { RELAY_URL, LOG_LEVEL: "error", RELAY_ADMINS: admin.pubkey, ...env },
  });
  const relay = await Subject.meet({
    url: `${process.url}/`,
    relayUrl: RELAY_URL,
    answerMs: 15_000,
    adminKey: admin,
    forced: new Set([65]),
    process: { kill: () => process.kill(), start: () => process.restart() },
  });
  for (const rule of RULES) {
    await t.step(`${rule.id}: ${rule.says}`, async () => {
      const { outcome, seen } = await tryRule(relay, rule);
      const reason = reasons[rule.id];
      assertEquals(outcome, reason === undefined ? "pass" : "n.a.", seen);
      if (reason !== undefined) assertStringIncludes(seen, reason);
    });
  }
}

Deno.test("every rule of the relay checker holds for this relay", (t) => tryAll(t, OPEN.env, OPEN.reasons));

Deno.test("every rule holds where everything needs a proof of a key and of work", (t) =>
  tryAll(t, STRICT.env, STRICT.reasons));

Deno.test("rules have ids of their own, which name their NIP", () => {
  assertEquals(RULES.map(({ id }) => id), [...new Set(RULES.map(({ id }) => id))]);
  assertEquals(RULES.filter(({ id, nip }) => Number(id.split("/")[0]) !== nip), []);
});

Deno.test("every NIP that this relay advertises has rules", () => {
  assertEquals(NIPS.map(({ number }) => number).filter((n) => !RULES.some(({ nip }) => nip === n)), []);
});
