/**
 * Every rule of the relay checker, tried on this relay: required and advised ones alike must hold.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { RULES } from "../../scripts/check_relay/rules/all.ts";
import { tryRule } from "../../scripts/check_relay/run.ts";
import { freshKey } from "../../scripts/check_relay/signer.ts";
import { Subject } from "../../scripts/check_relay/subject.ts";
import { startRelay } from "../support/relay.ts";
import { RELAY_URL } from "./auth.ts";

/** Why a rule cannot be tried here, by its id: part of the reason. */
const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  "11/software": "there is no software",
};

/** Limits small enough to be tried, and proof of work: the checker must cope with both. */
const ENV = {
  RELAY_URL,
  LOG_LEVEL: "error",
  MAX_LIMIT: "200",
  DEFAULT_LIMIT: "60",
  MAX_SUBSCRIPTIONS: "20",
  CREATED_AT_LOWER_LIMIT: "1000000",
  MIN_POW_DIFFICULTY: "6",
};

Deno.test("every rule of the relay checker holds for this relay", async (t) => {
  const admin = freshKey();
  await using process = await startRelay({ env: { ...ENV, RELAY_ADMINS: admin.pubkey } });
  const relay = await Subject.meet({
    url: `${process.url}/`,
    relayUrl: RELAY_URL,
    answerMs: 15_000,
    adminKey: admin,
    process: { kill: () => process.kill(), start: () => process.restart() },
  });
  for (const rule of RULES) {
    await t.step(`${rule.id}: ${rule.says}`, async () => {
      const { outcome, seen } = await tryRule(relay, rule);
      const reason = NOT_APPLICABLE[rule.id];
      assertEquals(outcome, reason === undefined ? "pass" : "n.a.", seen);
      if (reason !== undefined) assertEquals(seen.includes(reason), true, seen);
    });
  }
});

Deno.test("rules have ids of their own, which name their NIP", () => {
  assertEquals(RULES.map(({ id }) => id), [...new Set(RULES.map(({ id }) => id))]);
  assertEquals(RULES.filter(({ id, nip }) => Number(id.split("/")[0]) !== nip), []);
});
