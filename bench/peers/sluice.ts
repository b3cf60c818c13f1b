/**
 * Ourselves as a peer: the relay of this source tree, started as an operator starts it, with the environment's
 * own settings (GATEWAY_WORKERS, VERIFIER_WORKERS, READER_WORKERS …). Runs in the bench's own process.
 *
 * @module
 */
import { capture, type Peer } from "./peer.ts";

const ROOT = new URL("../../", import.meta.url);

export const sluice: Peer = {
  name: "sluice",
  note: "SQLite, WAL, synchronous=FULL: one fsync a group of events, before their OKs",

  async version() {
    // Without a compiler the relay verifies with what the system has, and says so itself.
    await capture(Deno.execPath(), ["task", "native"], ROOT).catch(() => "");
    const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as {
      version: string;
    };
    const commit = await capture("git", ["rev-parse", "--short", "HEAD"], ROOT).catch(() => "no commit");
    return `${version} (${commit})`;
  },

  command(port, dataDir) {
    return Promise.resolve({
      program: Deno.execPath(),
      args: ["run", "--allow-all", "--unstable-net", "main.ts"],
      env: { HOST: "127.0.0.1", PORT: String(port), DATA_DIR: dataDir },
      cwd: ROOT,
    });
  },
};
