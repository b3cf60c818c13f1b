/** Tests of a relay that may open no more files: who is there is served on, and others get in when there is room. */
import { assert, assertEquals } from "@std/assert";
import { OPEN_FILES_VARIABLE } from "../../runtime/open_files.ts";
import { nativeLibraryPath } from "../../scripts/native.ts";
import { relayCommand } from "../../scripts/start.ts";
import { readSettings } from "../../runtime/settings_file.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

const FILES = 250;

/** A relay that may open few files, and knows it as `deno task start` tells. */
async function startBounded(): Promise<TestRelay> {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-files-" });
  const port = freePort();
  const engine = Deno.env.get("SLUICE_TEST_ENGINE") ?? "serve";
  const env = { HOST: "127.0.0.1", PORT: String(port), DATA_DIR: dataDir, WEBSOCKET_ENGINE: engine };
  const command = relayCommand(await readSettings(null, env), await nativeLibraryPath());
  const shell = ["sh", "-c", `ulimit -n ${FILES}; exec "$@"`, "sh", ...command];
  return await startRelay({ dataDir, port, env: { [OPEN_FILES_VARIABLE]: String(FILES) }, command: shell });
}

Deno.test("more connections than descriptors cost no client its connection, and new ones get in afterwards", async () => {
  const relay = await startBounded();
  const connections: Deno.Conn[] = [];
  try {
    await using resident = await connect(relay.url, { timeoutMs: 30_000 });
    const { hostname, port } = new URL(relay.httpUrl);
    for (let n = 0; n < 2 * FILES; n++) {
      // Refused or reset: the relay has no room for it.
      const connection = await Deno.connect({ hostname, port: Number(port) }).catch(() => null);
      if (connection !== null) connections.push(connection);
    }
    assert((await resident.publish(signEvent(testKey(1))))[2]);
    for (const connection of connections.splice(0)) connection.close();
    await eventually(async () => {
      await using late = await connect(relay.url);
      return (await late.publish(signEvent(testKey(2), { content: crypto.randomUUID() })))[2];
    }, 30_000);
    assert((await resident.publish(signEvent(testKey(3))))[2]);
    assert(!relay.output().includes(" died"), relay.output());
    assertEquals(await relay.stop(), { code: 0, signal: null });
  } finally {
    for (const connection of connections) connection.close();
    await relay.kill();
    await Deno.remove(relay.dataDir, { recursive: true });
  }
});
