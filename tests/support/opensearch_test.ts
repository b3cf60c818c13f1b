/** Tests of the test node: it serves, comes back with its data, leaves nothing, and names what is missing. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { eventually } from "./eventually.ts";
import { startOpenSearch, useOpenSearch } from "./opensearch.ts";

/** For programs of their own, which get it as an argument. */
const SUPPORT = new URL("opensearch.ts", import.meta.url).href;
const ignore = Deno.env.get("SLUICE_TEST_OPENSEARCH") === "none";

Deno.test({
  name: "startOpenSearch() starts a node that keeps its data over a restart and leaves nothing",
  ignore,
  async fn() {
    const node = await startOpenSearch();
    const { pid } = node;
    const headers = { "content-type": "application/json" };
    const path = `${node.url}/fruit/_doc/1`;
    await (await fetch(path, { method: "PUT", headers, body: '{"name":"apple"}' })).body?.cancel();
    await node.restart();
    assert(node.pid !== pid);
    assertEquals((await (await fetch(path)).json())._source, { name: "apple" });
    await node.stop();
    await node.stop();
    await assertRejects(() => fetch(node.url));
    await assertRejects(() => Deno.stat(node.dataDir), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "startOpenSearch() starts a node that ends with the process that started it",
  ignore,
  async fn() {
    const script = `const { startOpenSearch } = await import(Deno.args[0]);
      const node = await startOpenSearch();
      console.log(JSON.stringify({ pid: node.pid, dataDir: node.dataDir, url: node.url }));
      Deno.kill(Deno.pid, "SIGKILL");`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", script, SUPPORT],
      stderr: "null",
    })
      .output();
    const { pid, url, dataDir } = JSON.parse(new TextDecoder().decode(stdout));
    await eventually(() => isGone(pid), 20_000);
    await assertRejects(() => fetch(url));
    await Deno.remove(dataDir, { recursive: true });
  },
});

function isGone(pid: number): boolean {
  try {
    // A process that has ended, and whose end nobody has read, is a zombie.
    return /^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

Deno.test("startOpenSearch() names the package of a tool that is missing", async () => {
  const script = `const { startOpenSearch } = await import(Deno.args[0]); await startOpenSearch();`;
  const { stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", script, SUPPORT],
    env: { PATH: "/nowhere" },
  }).output();
  assert(!success);
  assertStringIncludes(
    new TextDecoder().decode(stderr),
    '"java" is not installed (Debian package openjdk-17-jdk-headless)',
  );
});

Deno.test({
  name: "useOpenSearch() returns the node of the run, and does not stop it",
  ignore,
  async fn() {
    const before = Deno.env.get("SLUICE_TEST_OPENSEARCH");
    const own = before ? undefined : await startOpenSearch();
    if (own) Deno.env.set("SLUICE_TEST_OPENSEARCH", own.url);
    try {
      const shared = await useOpenSearch();
      assertEquals(shared?.url, before ?? own?.url);
      await shared?.stop();
      assertEquals((await (await fetch(shared!.url)).json()).version.number.startsWith("2."), true);
      Deno.env.set("SLUICE_TEST_OPENSEARCH", "none");
      assertEquals(await useOpenSearch(), null);
    } finally {
      if (before) Deno.env.set("SLUICE_TEST_OPENSEARCH", before);
      else Deno.env.delete("SLUICE_TEST_OPENSEARCH");
      await own?.stop();
    }
  },
});
