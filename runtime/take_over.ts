/**
 * A restart without refused connections: a new process takes over from the one that serves.
 * Runs on the main thread of the new process; the old one is reached by its control socket.
 *
 * DESIGN. Only one process may have the store, and connections that wait in the queue of a socket are reset when it
 * closes. So the new process listens on the same port first (SO_REUSEPORT), and the kernel is told to give it all new
 * connections (`steering.ts`); they wait in its gateways until the store is free.
 *
 * ```
 *   old   serves ───────────────────── grace ── drains ── goodbye ── store free ── linger ── ends
 *   new          listens ─ asks ─ steers        holds new connections ...  takes it ── serves ──▶
 * ```
 *
 * @module
 */
import { HAND_OVER_LINGER_MS, TAKE_OVER_LOOK_MS, TAKE_OVER_MS_MAX } from "../lib/limits.ts";
import type { Config } from "../lib/config/config.ts";
import type { HandOverReply, HandOverRequest } from "../wire/control_lines.ts";
import { type DataDirLock, tryLockDataDir } from "./data_dir.ts";
import { controlPath } from "./data_paths.ts";
import type { Logger } from "./logger.ts";
import type { ServiceNotices } from "./service_notices.ts";
import { steerListeners } from "./steering.ts";
import type { Supervisor } from "./supervisor.ts";

/** What a take-over needs. */
interface TakeOver {
  readonly config: Config;
  readonly supervisor: Supervisor;
  readonly notices: ServiceNotices;
  readonly libraryPath: string | null;
  readonly log: Logger;
}

/** What a take-over brought. */
interface TakenOver {
  readonly lock: DataDirLock;
  /** Leaves the choice of sockets alone from now on: the next process makes its own. */
  letGo(): void;
}

/**
 * Has the relay on `DATA_DIR` drain and end, and takes its store. Gateways listen first, and hold whoever comes.
 *
 * @throws {Error} if it does not, within {@linkcode TAKE_OVER_MS_MAX}: the other process serves on.
 */
export async function takeOver(parts: TakeOver): Promise<TakenOver> {
  const { supervisor, notices } = parts;
  notices.tell("RELOADING=1");
  try {
    return await takeFrom(parts, await supervisor.hold());
  } catch (error) {
    await notices.tell("READY=1");
    throw error;
  }
}

/** @param listeners Sockets with which this process listens. */
async function takeFrom({ config, libraryPath, log }: TakeOver, listeners: number): Promise<TakenOver> {
  const { DATA_DIR: dataDir, PORT: port } = config;
  const before = await askToHandOver(dataDir);
  const steered = before !== null &&
    steerListeners(libraryPath, port, { first: before.listeners, count: listeners });
  if (!steered) {
    log.warn("new connections cannot be steered here: some may be refused until the other relay has ended");
  }
  const lock = await waitForLock(dataDir);
  if (!steered) return { lock, letGo: () => {} };
  // One by one the old sockets close now, and others move to their places; only the first of ours keeps its own.
  steerListeners(libraryPath, port, { first: before.listeners, count: 1 });
  const settling = setTimeout(() => steerListeners(libraryPath, port, null), 4 * HAND_OVER_LINGER_MS);
  return { lock, letGo: () => clearTimeout(settling) };
}

/** Null: the relay has gone by itself meanwhile. */
async function askToHandOver(dataDir: string): Promise<HandOverReply | null> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path: controlPath(dataDir) });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return null;
    throw error;
  }
  const late = setTimeout(() => connection.close(), TAKE_OVER_MS_MAX);
  let line = "";
  try {
    const request: HandOverRequest = { command: "hand-over" };
    await connection.write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
    await connection.closeWrite();
    line = (await new Response(connection.readable).text()).split("\n")[0]!;
  } catch {
    // It went away, or says nothing: told below.
  } finally {
    clearTimeout(late);
  }
  const reply = JSON.parse(line || "{}") as Partial<HandOverReply> & { error?: string };
  if (typeof reply.listeners !== "number") {
    throw new Error(
      `Cannot take over DATA_DIR "${dataDir}": ${reply.error ?? "the relay on it does not answer"}`,
    );
  }
  return { listeners: reply.listeners };
}

async function waitForLock(dataDir: string): Promise<DataDirLock> {
  const untilMs = performance.now() + TAKE_OVER_MS_MAX;
  while (true) {
    const lock = await tryLockDataDir(dataDir);
    if (lock !== null) return lock;
    if (performance.now() > untilMs) {
      throw new Error(
        `Cannot take over DATA_DIR "${dataDir}": the relay on it has not ended after ${TAKE_OVER_MS_MAX} ms`,
      );
    }
    await new Promise<void>((resolve) => setTimeout(resolve, TAKE_OVER_LOOK_MS));
  }
}
