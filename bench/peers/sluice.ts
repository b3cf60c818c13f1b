/**
 * Ourselves as a peer: the relay of this source tree, started as an operator starts it, with the environment's
 * own settings (GATEWAY_WORKERS, VERIFIER_WORKERS, READER_WORKERS …). Runs in the bench's own process.
 *
 * @module
 */
import { readConfig } from "../../lib/config.ts";
import { nativeLibraryPath } from "../../scripts/native.ts";
import { relayCommand } from "../../scripts/start.ts";
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

  async command(port, dataDir) {
    const env = { ...Deno.env.toObject(), HOST: "127.0.0.1", PORT: String(port), DATA_DIR: dataDir };
    const libraryPath = await nativeLibraryPath();
    const [program, ...narrow] = relayCommand(readConfig(env), libraryPath);
    // Deno opens nothing below /dev, where tmpfs is, but to a program that may do all.
    const args = dataDir.startsWith("/dev/")
      ? [...narrow.filter((word) => !word.startsWith("--allow-")), "--allow-all"].toSorted(programLast)
      : narrow;
    return { program: program!, args, env: { ...env, SLUICE_NATIVE_LIBRARY: libraryPath ?? "" }, cwd: ROOT };
  },
};

/** Deno's own flags come before the file it runs. */
function programLast(a: string, b: string): number {
  return Number(a.endsWith("main.ts")) - Number(b.endsWith("main.ts"));
}
