/** Tests of a store in which keys collide everywhere: that costs time, and no answer. */
import { assertEquals } from "@std/assert";

const NARROW_KEYS = new URL("../../../tests/support/narrow_keys.ts", import.meta.url).href;
const KEYS = new URL("../../nostr/keys.ts", import.meta.url).href;
const WORKER = new URL("shared_keys_test_worker.ts", import.meta.url).href;

Deno.test("whatever shares a key, what is kept and what is found is as a naive model has it", async () => {
  const map = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(map, JSON.stringify({ imports: { [KEYS]: NARROW_KEYS } }));
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", `--import-map=${map}`, WORKER],
      stdin: "null",
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals(code, 0, output);
  } finally {
    await Deno.remove(map);
  }
});
