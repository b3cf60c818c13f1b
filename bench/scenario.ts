/**
 * What every scenario shares: a relay on an empty data directory, which goes when the scenario ends.
 * Runs in the bench's own process.
 *
 * Flags: `--peer NAME` (default sluice), `--data DIR` (where data directories are made, e.g. on a tmpfs),
 * `--seed S` (of the corpus).
 *
 * @module
 */
import { peerNamed } from "./peers/all.ts";
import { type Peer, type RunningRelay, startPeer } from "./peers/peer.ts";

const DATA = new URL("./cache/data", import.meta.url).pathname;

const temporaryDirs = new Set<string>();
globalThis.addEventListener("unload", () => {
  for (const dir of temporaryDirs) Deno.removeSync(dir, { recursive: true });
});

/** Where and against whom a scenario runs. */
interface Setting {
  readonly peer: Peer;
  readonly dataRoot: string;
  readonly seed: number;
}

/** A started relay and the facts that go with each of its results. */
interface Stage {
  readonly relay: RunningRelay;
  readonly facts: { readonly peer: string; readonly version: string; readonly start_ms: number };
}

/** The flags that every scenario has, with their defaults. */
export const SETTING = { peer: "sluice", data: DATA, seed: 1 };

/** What these flags mean. */
export function readSetting({ peer, data, seed }: typeof SETTING): Setting {
  return { peer: peerNamed(peer), dataRoot: data, seed };
}

/** Makes an empty data directory, lets it be used, and removes it, whatever happens. */
export async function withDataDir<T>(
  root: string,
  name: string,
  use: (dataDir: string) => Promise<T>,
): Promise<T> {
  await Deno.mkdir(root, { recursive: true });
  const dataDir = await Deno.makeTempDir({ dir: root, prefix: `${name}-` });
  temporaryDirs.add(dataDir);
  try {
    return await use(dataDir);
  } finally {
    temporaryDirs.delete(dataDir);
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Starts a relay on an empty directory, uses it and stops it, whatever happens. */
export async function withRelay<T>(
  { peer, dataRoot }: Setting,
  use: (stage: Stage) => Promise<T>,
): Promise<T> {
  const version = await peer.version();
  return await withDataDir(dataRoot, peer.name, async (dataDir) => {
    const relay = await startPeer(peer, dataDir);
    try {
      const facts = { peer: peer.name, version, start_ms: Math.round(relay.startMs) };
      return await use({ relay, facts });
    } finally {
      await relay.stop();
    }
  });
}

/** The flags by which the driver finds a relay. */
export function target(relay: RunningRelay): (string | number)[] {
  return ["--url", relay.url, "--pid", relay.pid];
}
