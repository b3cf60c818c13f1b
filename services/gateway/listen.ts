/**
 * Has a gateway listen by the engine that the settings name, with the bounds that hold for either.
 * Runs once, on the gateway's thread; no state.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import {
  FRAME_BYTES_MAX,
  OPEN_FILES_KEPT,
  PAGE_CONNECTIONS_MAX,
  SOCKET_IDLE_SECONDS_MAX,
} from "../../lib/limits.ts";
import type { ActorStart } from "../../runtime/actor.ts";
import type { Logger } from "../../runtime/logger.ts";
import { OPEN_FILES_VARIABLE } from "../../runtime/open_files.ts";
import { textOfSetting } from "../../runtime/settings_file.ts";
import type { Listen, Listener } from "./sockets/listener.ts";
import type { Opening } from "./sockets/opening.ts";
import type { Turns } from "./sockets/turns.ts";

/** What the engine is given beside the settings. */
interface ListeningMeans<Client> {
  /** Whoever comes waits until it has somebody to serve. */
  readonly opening: Opening<Client>;
  readonly turns: Turns;
  readonly log: Logger;
}

/** Begins to listen. */
export async function listen<Client>(
  { config, memory, libraryPath }: ActorStart,
  { opening, turns, log }: ListeningMeans<Client>,
): Promise<Listener> {
  const tls = config.TLS_CERT === null || config.TLS_KEY === null ? null : {
    cert: await textOfSetting("TLS_CERT", config.TLS_CERT),
    key: await textOfSetting("TLS_KEY", config.TLS_KEY),
  };
  const listenBy = await engine(config.WEBSOCKET_ENGINE);
  return await listenBy({
    hostname: config.HOST,
    port: config.PORT,
    tls,
    frameBytesMax: FRAME_BYTES_MAX,
    idleSeconds: SOCKET_IDLE_SECONDS_MAX,
    compression: config.WEBSOCKET_COMPRESSION,
    libraryPath,
    socketsMax: socketsMax(config, memory.counts.gateways),
    turns,
    failed: (error) => log.error(`cannot accept connections, tries again: ${error}`),
  }, opening);
}

/** The engine that is asked for; the other one is not loaded. */
async function engine(name: Config["WEBSOCKET_ENGINE"]): Promise<Listen> {
  return name === "ws"
    ? (await import("./sockets/ws_listener.ts")).listenWithWs
    : (await import("./sockets/serve_listener.ts")).listenWithServe;
}

/** A gateway's share of the descriptors; pages need a few beyond the connections that are allowed. */
function socketsMax(config: Config, gateways: number): number {
  const most = config.CONNECTIONS_MAX + PAGE_CONNECTIONS_MAX;
  const files = Number(Deno.env.get(OPEN_FILES_VARIABLE)) || Infinity;
  return Math.max(1, Math.min(most, Math.floor((files - OPEN_FILES_KEPT) / gateways)));
}
