/**
 * Tests of the settings as the operator has written them. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../lib/config/config.ts";
import { readSettings } from "./settings_file.ts";

Deno.test("sections of a file of streams in TOML set what the operator's own settings do not", async () => {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  await Deno.writeTextFile(
    path,
    `[relay]
bootstrap_relays = ["wss://a.example"]
[filters]
allowed_kinds = [30931, 30932]
[deduplication]
hotset_size = 500
`,
  );
  const config = await readSettings(null, { STREAMS_FILE: path, UPSTREAM_RECENT_IDS: "700" });
  assertEquals(config.UPSTREAM_RELAYS, ["wss://a.example"]);
  assertEquals(JSON.parse(config.UPSTREAM_FILTER), { kinds: [30931, 30932] });
  assertEquals(config.UPSTREAM_RECENT_IDS, 700);
  await Deno.writeTextFile(path, "[relay]\nno_such_key = 1\n");
  const error = await assertRejects(() => readSettings(null, { STREAMS_FILE: path }), ConfigError);
  assertEquals(error.message.includes("no_such_key"), true, error.message);
  await Deno.remove(path);
});
