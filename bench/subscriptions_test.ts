/** The scenario `subscriptions` in small: whoever matches is found, nobody else. Nothing is timed. */
import { assertEquals } from "@std/assert";
import { measure } from "./subscriptions.ts";

Deno.test("of many subscriptions exactly those that match get an event", () => {
  assertEquals(measure(2_000, 7, 200).deliveries_per_event, 7);
});
