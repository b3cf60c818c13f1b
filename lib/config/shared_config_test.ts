/**
 * Tests of sharing the configuration and of planning its changes. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ConfigError, readConfig } from "./config.ts";
import { CONFIG_BYTES_MAX } from "../limits.ts";
import { planReload } from "./reload.ts";
import { ConfigFollower, ConfigWriter, createConfigMemory } from "./shared_config.ts";

Deno.test("a follower has what was published last, and says whether anything was new", () => {
  const memory = createConfigMemory();
  const writer = new ConfigWriter(memory);
  assertThrows(() => new ConfigFollower(memory), Error, "a configuration was published before");
  writer.publish(readConfig({ RELAY_NAME: "one" }));
  const follower = new ConfigFollower(memory);
  const { config } = follower;
  assertEquals(config, readConfig({ RELAY_NAME: "one" }));
  assert(!follower.refresh());
  assertStrictEquals(follower.config, config);
  writer.publish(readConfig({ RELAY_NAME: "Größer und länger", DENIED_KINDS: "1" }));
  writer.publish(readConfig({ RELAY_NAME: "ü" }));
  assert(follower.refresh());
  assertEquals(follower.config.RELAY_NAME, "ü");
  assert(follower.config !== config);
  assert(Object.isFrozen(follower.config) && Object.isFrozen(follower.config.TRUSTED_PROXIES));
});

Deno.test("a follower leaves a text alone that is being written", () => {
  const memory = createConfigMemory();
  new ConfigWriter(memory).publish(readConfig({ RELAY_NAME: "whole" }));
  const follower = new ConfigFollower(memory);
  Atomics.add(new Int32Array(memory), 0, 1);
  new Uint8Array(memory, 8, 4).fill(0x7b);
  assert(!follower.refresh());
  assertEquals(follower.config.RELAY_NAME, "whole");
});

Deno.test("settings that exceed the memory are refused, and the last ones stay", () => {
  const memory = createConfigMemory();
  const writer = new ConfigWriter(memory);
  writer.publish(readConfig({}));
  const keys = Array.from({ length: CONFIG_BYTES_MAX / 64 }, () => "a".repeat(64)).join(",");
  assertThrows(
    () => writer.publish(readConfig({ ALLOWED_PUBKEYS: keys })),
    RangeError,
    "Cannot use settings",
  );
  assertEquals(new ConfigFollower(memory).config.ALLOWED_PUBKEYS, null);
});

Deno.test("a plan changes what can change and names what has to wait", () => {
  const present = readConfig({ RELAY_NAME: "a", PORT: "1", DENIED_KINDS: "1" });
  const next = readConfig({ RELAY_NAME: "b", PORT: "2", WRITE_PLUGIN: "cat" });
  const plan = planReload(present, next, (name) => name !== "WRITE_PLUGIN");
  assertEquals([plan.changed, plan.waiting], [["RELAY_NAME", "DENIED_KINDS"], ["PORT", "WRITE_PLUGIN"]]);
  assertEquals(plan.config, { ...next, PORT: 1, WRITE_PLUGIN: null });
  assertEquals(planReload(plan.config, next).changed, ["WRITE_PLUGIN"]);
  assertEquals(planReload(next, next), { config: next, changed: [], waiting: [] });
});

Deno.test("a plan that would contradict itself is none, and says what is missing", () => {
  const next = readConfig({ AUTH_TO_READ: "true", RELAY_URL: "wss://relay.example.com" });
  const { problems } = assertThrows(() => planReload(readConfig({}), next), ConfigError);
  assertEquals(problems, [
    'Cannot use AUTH_TO_READ "true": it needs RELAY_URL',
    "Cannot change RELAY_URL: that needs a restart",
  ]);
});
