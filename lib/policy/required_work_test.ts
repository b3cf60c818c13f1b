/**
 * Tests of required work (NIP-13). Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { plainEvent, sender } from "../../tests/support/plain_event.ts";
import { eventLimits } from "./event_limits.ts";
import { fromNobody } from "./policy.ts";
import { requiredWork } from "./required_work.ts";

/** An id with exactly 20 leading zero bits. */
const ID_20 = "00000f" + "f".repeat(58);

function verdict(difficulty: number, nonce: string[] | null, commitmentRequired = false): string | null {
  const event = plainEvent({ id: ID_20, tags: nonce === null ? [] : [["e"], ["nonce", ...nonce]] });
  return requiredWork({ difficulty, commitmentRequired })(event, sender());
}

Deno.test("an id needs as many leading zero bits as are required", () => {
  assertEquals(verdict(20, null), null);
  assertEquals(verdict(21, null), "pow: the id has fewer than 21 leading zero bits");
  assertEquals(verdict(0, null, true), null);
});

Deno.test("luck does not count where the nonce aimed at less", () => {
  assertEquals(verdict(20, ["1", "20"]), null);
  assertEquals(verdict(20, ["1", "24"]), null);
  assertEquals(verdict(20, ["1", "10"]), "pow: the nonce tag aimed at 10 bits, and 20 are required");
  assertEquals(verdict(20, ["1", "24"], true), null);
});

Deno.test("a commitment that is missing or no number is refused where one is required, and only there", () => {
  for (const nonce of [null, ["1"], ["1", ""], ["1", "twenty"], ["1", "-1"]]) {
    assertEquals(verdict(20, nonce), null);
    assertEquals(verdict(20, nonce, true), "pow: the nonce tag does not say what it aimed at");
  }
});

Deno.test("the limits of NIP-11 include the work", () => {
  const limits = {
    MAX_EVENT_TAGS: 10,
    MAX_CONTENT_LENGTH: 10,
    CREATED_AT_LOWER_LIMIT: 0,
    CREATED_AT_UPPER_LIMIT: 10,
    MIN_POW_DIFFICULTY: 20,
  };
  const check = eventLimits(limits);
  const event = plainEvent({ id: ID_20, tags: [["nonce", "1", "10"]] });
  const now = fromNobody(event.created_at);
  assertEquals(check(event, now), "pow: the nonce tag aimed at 10 bits, and 20 are required");
  assertEquals(check({ ...event, tags: [] }, now), null);
});
