/** Tests of what waits for a request plugin. */
import { assertEquals } from "@std/assert";
import { readConfig } from "../../lib/config/config.ts";
import { PLUGIN_REQUEST_CHARS_MAX } from "../../lib/limits.ts";
import { Logger } from "../../runtime/logger.ts";
import { createLogLevel } from "../../wire/log_level.ts";
import type { Connection } from "./connection.ts";
import { RequestPlugin } from "./request_plugin.ts";

Deno.test("what waits for a plugin is bounded by its length, and a request that replaces another waits too", async () => {
  const config = readConfig({ REQUEST_PLUGIN: "cat > /dev/null" });
  const plugin = new RequestPlugin(config, new Logger("gateway 0", createLogLevel("error")));
  const connection = { address: "127.0.0.1", auth: { authenticated: new Set() } } as unknown as Connection;
  const text = JSON.stringify(["REQ", "a", { "#t": ["x".repeat(PLUGIN_REQUEST_CHARS_MAX / 32)] }]);
  const refusals: (string | null)[] = [];
  for (let n = 0; n < 40; n++) {
    const decision = plugin.ask(connection, { verb: "REQ", subscriptionId: "a", text });
    if (!(decision instanceof Promise)) refusals.push(decision);
  }
  assertEquals(refusals, Array(9).fill("rate-limited: too many requests wait to be decided about"));
  await plugin.close();
});
