/**
 * Tests of what outcomes say about events of upstream relays. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { signEvent, testKey } from "../../tests/support/sign.ts";
import { sender } from "../../tests/support/plain_event.ts";
import { EventIntake } from "../verify/event_intake.ts";
import { openVerifier } from "../verify/open_verifier.ts";
import { classOfOutcome, type JudgedOutcome } from "./outcome_class.ts";

const judged = (message: string, fields: Partial<JudgedOutcome> = {}) =>
  classOfOutcome({ message, accepted: false, wasVerified: false, ...fields });

Deno.test("each outcome has its class", () => {
  assertEquals(judged("", { accepted: true, wasVerified: true }), "stored");
  assertEquals(
    judged("duplicate: already have this event", { accepted: true, wasVerified: true }),
    "duplicate",
  );
  assertEquals(
    judged("duplicate: a newer version of this event is stored", { wasVerified: true }),
    "duplicate",
  );
  assertEquals(judged("blocked: its author has deleted this event", { wasVerified: true }), "refused");
  assertEquals(judged("blocked: kind 4 is not accepted here"), "unwanted");
  assertEquals(judged("invalid: the event has expired"), "unwanted");
  assertEquals(
    judged("error: the event could not be stored, try again later", { wasVerified: true }),
    "again",
  );
  assertEquals(
    judged("rate-limited: the relay's policy is busy, try again later", { wasVerified: true }),
    "again",
  );
});

Deno.test("what verifiers say of forged events is known as that", async () => {
  const { verifier } = await openVerifier({ tier: "wasm", libraryPath: null });
  const event = signEvent(testKey(1));
  const forged = [
    { ...event, sig: signEvent(testKey(1), { content: "other" }).sig },
    { ...event, content: "other" },
  ];
  const intake = new EventIntake(verifier, () => null, () => null);
  for (const one of forged) intake.addText(JSON.stringify(["EVENT", one]), sender());
  intake.decide();
  assertEquals(intake.entries.map(({ refusal }) => judged(refusal!.message)), ["invalid", "invalid"]);
});
