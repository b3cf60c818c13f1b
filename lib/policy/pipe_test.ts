/**
 * Tests of composing policies. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { plainEvent, sender } from "../../tests/support/plain_event.ts";
import { pipe } from "./pipe.ts";
import { COST, type EventPolicy } from "./policy.ts";

Deno.test("the cheapest policies run first, equals in their order, and the first refusal ends it", () => {
  const ran: string[] = [];
  const step = (name: string, cost: number, answer: string | null) => {
    const policy: EventPolicy = () => {
      ran.push(name);
      return answer;
    };
    return { cost, policy };
  };
  const policy = pipe([
    step("dear", COST.parse, "error: dear"),
    step("second", COST.lookup, null),
    step("third", COST.lookup, "blocked: third"),
    step("fourth", COST.lookup, "blocked: fourth"),
    step("first", COST.field, null),
  ]);
  assertEquals(policy(plainEvent(), sender()), "blocked: third");
  assertEquals(ran, ["first", "second", "third"]);
});

Deno.test("a pipe of nothing and a pipe that nothing stops refuse nothing", () => {
  assertEquals(pipe([])(plainEvent(), sender()), null);
  assertEquals(pipe([{ cost: 0, policy: () => null }])(plainEvent(), sender()), null);
});

Deno.test("a policy sees the subject and the sender", () => {
  const policy = pipe<number>([{ cost: 0, policy: (n, { ip }) => `error: ${n} ${ip}` }]);
  assertEquals(policy(7, sender([], { ip: "::1" })), "error: 7 ::1");
});
