/**
 * nostr-rs-relay as a peer: NOSTR_RS_RELAY_BIN or `nostr-rs-relay` in PATH (`cargo install nostr-rs-relay`). Its limits
 * are lifted to what the load needs. Runs in the bench's own process.
 *
 * @module
 */
import { capture, locate, type Peer } from "./peer.ts";

const VARIABLE = "NOSTR_RS_RELAY_BIN";
const NAME = "nostr-rs-relay";

export const nostrRsRelay: Peer = {
  name: NAME,
  note: "SQLite, WAL; it fixes synchronous=NORMAL itself, so an OK may be lost with the power",

  async version() {
    const text = await capture(await locate(VARIABLE, NAME), ["--version"]);
    return text.replace(`${NAME} `, "");
  },

  async command(port, dataDir) {
    const config = `${dataDir}/config.toml`;
    await Deno.writeTextFile(config, configuration(port, dataDir));
    return {
      program: await locate(VARIABLE, NAME),
      args: ["--db", dataDir, "--config", config],
      env: { RUST_LOG: "error" },
    };
  },
};

function configuration(port: number, dataDir: string): string {
  return `[info]
relay_url = "ws://127.0.0.1:${port}"
[database]
data_directory = "${dataDir}"
[network]
address = "127.0.0.1"
port = ${port}
[limits]
max_event_bytes = 131072
max_ws_message_bytes = 262144
max_ws_frame_bytes = 262144
broadcast_buffer = 65536
event_persist_buffer = 65536
[options]
reject_future_seconds = 1800
`;
}
