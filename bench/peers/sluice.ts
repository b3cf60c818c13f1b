/**
 * Ourselves as a peer, once with each socket engine: the relay of this source tree, started as `deno task start` starts
 * it, with the environment's own settings (GATEWAY_WORKERS, VERIFIER_WORKERS, READER_WORKERS …).
 * Runs in the bench's own process.
 *
 * @module
 */
import { type Config, readConfig } from "../../lib/config/config.ts";
import { nativeLibraryPath, prepareNative } from "../../scripts/native.ts";
import { relayCommand } from "../../scripts/start.ts";
import { capture, type Peer } from "./peer.ts";

const ROOT = new URL("../../", import.meta.url);

/** With Deno's own sockets. */
export const sluice = withEngine("sluice", "serve");
/** With the second socket engine. */
export const sluiceWs = withEngine("sluice-ws", "ws");

function withEngine(name: string, engine: Config["WEBSOCKET_ENGINE"]): Peer {
  return {
    name,
    note:
      `SQLite, WAL, synchronous=FULL: one fsync a group of events, before their OKs; WEBSOCKET_ENGINE=${engine}`,

    async version() {
      // Without a compiler another tier of verification serves; the version says whether ours does.
      const { path } = await prepareNative();
      const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as {
        version: string;
      };
      const commit = await capture("git", ["rev-parse", "--short", "HEAD"], ROOT).catch(() => "no commit");
      return `${version} (${commit}${path === null ? ", without its verification library" : ""})`;
    },

    async command(port, dataDir) {
      const library = await nativeLibraryPath();
      const settings = { HOST: "127.0.0.1", PORT: String(port), DATA_DIR: dataDir, WEBSOCKET_ENGINE: engine };
      const config = readConfig({ ...Deno.env.toObject(), ...settings });
      const [program, ...args] = relayCommand(config, library);
      return {
        program: program!,
        args,
        env: { ...settings, SLUICE_NATIVE_LIBRARY: library ?? "" },
        cwd: ROOT,
      };
    },
  };
}
