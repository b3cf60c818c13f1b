/**
 * The files in the data directory, by name. Runs on any thread; no state.
 *
 * @module
 */

/** The store's database: events and the log. */
export function storePath(dataDir: string): string {
  return `${dataDir}/events.db`;
}

/** The indexer's database: cursor, documents set aside, and the embedded index. */
export function searchPath(dataDir: string): string {
  return `${dataDir}/search.db`;
}

/** The database of the operator's decisions (NIP-86). */
export function managementPath(dataDir: string): string {
  return `${dataDir}/management.db`;
}

/**
 * The databases that a backup holds, in the order of copying: places of upstream streams come before the events that they
 * tell of, and decisions after the events, so that no copy serves what was banned when its events were copied. `search.db`
 * is made anew from the store.
 */
export function keptDatabases(dataDir: string): string[] {
  return [upstreamPath(dataDir), storePath(dataDir), managementPath(dataDir), fanoutPath(dataDir)];
}

/** Who claims which identifier (NIP-05); made anew from the store where it is lost. */
export function identitiesPath(dataDir: string): string {
  return `${dataDir}/nip05.db`;
}

/** Upstream relays, their states, and how far each stream is. */
export function upstreamPath(dataDir: string): string {
  return `${dataDir}/upstream.db`;
}

/** How far the router is with each target. */
export function routerPath(dataDir: string): string {
  return `${dataDir}/router.db`;
}

/** The registry of the fan-out where it is not in Postgres, and how far the fan-out is. */
export function fanoutPath(dataDir: string): string {
  return `${dataDir}/fanout.db`;
}

/** The key that seals the registry's secrets where the relay has no key of its own. */
export function fanoutKeyPath(dataDir: string): string {
  return `${dataDir}/fanout.key`;
}

/** The lock that one relay holds on the data directory. */
export function lockPath(dataDir: string): string {
  return `${dataDir}/relay.lock`;
}

/** A file that the store writes to find out whether a full disk has room again, and removes. */
export function probePath(dataDir: string): string {
  return `${dataDir}/probe`;
}

/** The name that the socket to a service manager has for a moment. */
export function noticePath(dataDir: string): string {
  return `${dataDir}/notices.sock`;
}

/** The socket on which a running relay takes imports. */
export function controlPath(dataDir: string): string {
  return `${dataDir}/control.sock`;
}
