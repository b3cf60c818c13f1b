/** Tests of what bounds events that wait for a plugin. Run on the main thread; no state. */
import { assertEquals } from "@std/assert";
import { UPSTREAM_UNSETTLED_CHARS_MAX, UPSTREAM_UNSETTLED_MAX } from "../../lib/limits.ts";
import { AskedEvents } from "./asked_events.ts";
import { UpstreamConnection } from "./upstream_connection.ts";

function opened() {
  const told: boolean[] = [];
  const asked = new AskedEvents((isFull) => told.push(isFull));
  const waiting: (() => Promise<void>)[] = [];
  const ask = (chars: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const counted = asked.count(chars, promise);
    waiting.push(() => (resolve(), counted));
  };
  return { told, waiting, ask };
}

Deno.test("with too many events, or too long ones, nothing is read until the plugin has decided about half", async () => {
  const { told, waiting, ask } = opened();
  for (let n = 1; n < UPSTREAM_UNSETTLED_MAX; n++) ask(1);
  assertEquals(told, []);
  ask(1);
  assertEquals(told, [true]);
  for (const decide of waiting.splice(0, UPSTREAM_UNSETTLED_MAX / 2)) await decide();
  assertEquals(told, [true]);
  await waiting.shift()!();
  assertEquals(told, [true, false]);
  ask(UPSTREAM_UNSETTLED_CHARS_MAX);
  assertEquals(told, [true, false, true]);
});

Deno.test("a connection is read again when neither the intake nor a plugin is behind", () => {
  const log: string[] = [];
  const pipe = { pause: () => log.push("pause"), resume: () => log.push("resume") };
  const parts = { opened: { conversation: { url: "wss://a.example" }, ...pipe }, counts: {}, number: 1 };
  const connection = new UpstreamConnection(
    parts as unknown as ConstructorParameters<typeof UpstreamConnection>[0],
  );
  connection.pause();
  connection.waitForPlugins(true);
  connection.resume();
  assertEquals(log, ["pause"]);
  connection.waitForPlugins(false);
  connection.waitForPlugins(false);
  assertEquals(log, ["pause", "resume"]);
});
