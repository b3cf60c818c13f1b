/**
 * strfry as a peer: STRFRY_BIN or `strfry` in PATH, with its defaults but for the port, the directory and the file
 * limit, which the bench's environment sets. Runs in the bench's own process.
 *
 * @module
 */
import { capture, locate, type Peer } from "./peer.ts";

export const strfry: Peer = {
  name: "strfry",
  note: "LMDB, synced at each commit; default settings, 200 subscriptions a connection",

  async version() {
    const text = await capture(await locate("STRFRY_BIN", "strfry"), ["--version"]);
    return text.split("\n").find((line) => line.startsWith("strfry"))?.replace("strfry ", "") ?? "unknown";
  },

  async command(port, dataDir) {
    const config = `${dataDir}/strfry.conf`;
    await Deno.writeTextFile(config, configuration(port, dataDir));
    return { program: await locate("STRFRY_BIN", "strfry"), args: [`--config=${config}`, "relay"] };
  },
};

function configuration(port: number, dataDir: string): string {
  return `db = "${dataDir}"
relay {
    bind = "127.0.0.1"
    port = ${port}
    nofiles = 0
    maxSubsPerConnection = 200
    logging {
        invalidEvents = false
    }
}
`;
}
