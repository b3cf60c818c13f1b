/**
 * The index of one mapping version and the aliases that lead to it.
 * Runs on the indexer's thread; no state: everything is read from OpenSearch.
 *
 * DESIGN. With `sluice` as the name:
 *
 *     sluice            alias that searches use      → the index that holds the whole log
 *     sluice-v2         the index; built anew (`deno task reindex`) its successors are sluice-v2-2, sluice-v2-3, …
 *     sluice-v2-write   alias that bulk calls use    → sluice-v2; each index has its own. Bulk calls demand an alias, so
 *                                                      that one after the index was deleted fails, and makes no index
 *                                                      without a mapping
 *
 * A new mapping version makes an index of its own, and so does an index that is built anew. When it is full, the alias of
 * searches moves in one step, and the old index goes. Which index is the relay's is read from that alias.
 *
 * @module
 */
import { SearchUnavailableError } from "../search_index.ts";
import { type OpenSearchConnection, OpenSearchRefusal } from "./connection.ts";
import { indexDefinition, type IndexLayout, MAPPING_VERSION } from "./mapping.ts";

/** The names that belong to one index. */
export interface IndexNames {
  readonly searched: string;
  readonly written: string;
  readonly index: string;
}

/** Names an index and its aliases; `number` counts those of one version that were built one after another, from 1. */
export function indexNames(name: string, version = MAPPING_VERSION, number = 1): IndexNames {
  const index = number === 1 ? `${name}-v${version}` : `${name}-v${version}-${number}`;
  return { searched: name, written: `${index}-write`, index };
}

/** Version and number of an index of ours, or null. */
function partsOf(index: string, name: string): { version: number; number: number } | null {
  const match = index.startsWith(`${name}-v`) && index.slice(name.length + 2).match(/^(\d+)(?:-(\d+))?$/);
  return match ? { version: Number(match[1]), number: Number(match[2] ?? 1) } : null;
}

/** What is known of the index after {@linkcode ensureIndex}. */
interface FoundIndex {
  readonly names: IndexNames;
  /** OpenSearch's own name for this very index; an index made anew under the same name has another. */
  readonly uuid: string;
  /** Whether searches already use it. */
  readonly searched: boolean;
}

interface IndexAnswer {
  readonly aliases?: Readonly<Record<string, object>>;
  readonly mappings: { readonly _meta?: { readonly application?: string; readonly version?: number } };
  readonly settings: { readonly index: { readonly uuid: string } };
}

/** Finds the index that searches use, or makes the first one, and sees that its aliases are there. */
export async function ensureIndex(
  connection: OpenSearchConnection,
  name: string,
  layout: IndexLayout,
): Promise<FoundIndex> {
  const behind = await indexesBehind(connection, name);
  const current = behind.map((index) => partsOf(index, name)).filter((parts) =>
    parts?.version === MAPPING_VERSION
  );
  const number = Math.max(1, ...current.map((parts) => parts!.number));
  const names = indexNames(name, MAPPING_VERSION, number);
  const found = await readIndex(connection, names) ?? await createIndex(connection, names, layout);
  if (found.mappings._meta?.version !== MAPPING_VERSION) {
    throw new SearchUnavailableError(
      `Cannot use index "${names.index}": its mapping is not of version ${MAPPING_VERSION}`,
    );
  }
  const aliases = found.aliases ?? {};
  const missing: string[] = names.written in aliases ? [] : [names.written];
  let searched = names.searched in aliases;
  if (!searched && behind.length === 0) {
    missing.push(names.searched);
    searched = true;
  }
  if (missing.length > 0) {
    await changeAliases(connection, missing.map((alias) => ({ add: { index: names.index, alias } })));
  }
  return { names, uuid: found.settings.index.uuid, searched };
}

/** One very index, as a generation names it. */
export interface BegunIndex {
  readonly index: string;
  readonly uuid: string;
}

/** The index that takes the place of `before`: the one that was begun if it is still there, else a new one. */
export async function openSuccessor(
  connection: OpenSearchConnection,
  before: IndexNames,
  { layout, begun }: { layout: IndexLayout; begun: BegunIndex | null },
): Promise<FoundIndex> {
  const parts = begun && partsOf(begun.index, before.searched);
  if (parts?.version === MAPPING_VERSION) {
    const names = indexNames(before.searched, parts.version, parts.number);
    const uuid = (await readIndex(connection, names))?.settings.index.uuid;
    if (uuid === begun!.uuid) return { names, uuid, searched: false };
  }
  // What an attempt that nobody goes on with has left may hold what was deleted since.
  if (parts && begun!.index !== before.index) await deleteIndex(connection, begun!.index);
  const names = indexNames(
    before.searched,
    MAPPING_VERSION,
    partsOf(before.index, before.searched)!.number + 1,
  );
  await deleteIndex(connection, names.index);
  const { settings } = await createIndex(connection, names, layout);
  return { names, uuid: settings.index.uuid, searched: false };
}

/** Lets searches use the index, in one step, and deletes those that came before it. */
export async function moveSearches(connection: OpenSearchConnection, names: IndexNames): Promise<void> {
  // Else what it took last would be found a second later.
  await connection.ask({
    purpose: `refresh index "${names.index}"`,
    method: "POST",
    path: `/${names.index}/_refresh`,
  });
  const before = (await indexesBehind(connection, names.searched)).filter((index) => index !== names.index);
  await changeAliases(connection, [
    ...before.map((index) => ({ remove: { index, alias: names.searched } })),
    { add: { index: names.index, alias: names.searched } },
  ]);
  const all = await connection.ask<object>({
    purpose: "list the indexes",
    method: "GET",
    path: `/${names.searched}-v*/_alias`,
  });
  for (const index of Object.keys(all)) if (isBefore(index, names)) await deleteIndex(connection, index);
}

/** An index of a newer version stays: whoever went back to an older program may return. */
function isBefore(index: string, names: IndexNames): boolean {
  const parts = partsOf(index, names.searched);
  if (parts === null) return false;
  const { version, number } = partsOf(names.index, names.searched)!;
  return parts.version < version || (parts.version === version && parts.number < number);
}

async function deleteIndex(connection: OpenSearchConnection, index: string): Promise<void> {
  await connection.ask({
    purpose: `delete index "${index}"`,
    method: "DELETE",
    path: `/${index}`,
    unless: 404,
  });
}

async function createIndex(
  connection: OpenSearchConnection,
  names: IndexNames,
  layout: IndexLayout,
): Promise<IndexAnswer> {
  try {
    await connection.ask({
      purpose: `create index "${names.index}"`,
      method: "PUT",
      path: `/${names.index}`,
      body: indexDefinition(layout, [names.written]),
    });
  } catch (error) {
    // Another relay on the same cluster was faster.
    const exists = error instanceof OpenSearchRefusal && error.type === "resource_already_exists_exception";
    if (!exists) throw error;
  }
  const made = await readIndex(connection, names);
  if (!made) {
    throw new SearchUnavailableError(`Cannot find index "${names.index}": it vanished after it was made`);
  }
  return made;
}

async function readIndex(
  connection: OpenSearchConnection,
  names: IndexNames,
): Promise<IndexAnswer | undefined> {
  const answer = await connection.ask<Readonly<Record<string, IndexAnswer>> | null>({
    purpose: `read index "${names.index}"`,
    method: "GET",
    path: `/${names.index}`,
    unless: 404,
  });
  return answer?.[names.index];
}

async function indexesBehind(connection: OpenSearchConnection, alias: string): Promise<string[]> {
  const answer = await connection.ask<object | null>({
    purpose: `read alias "${alias}"`,
    method: "GET",
    path: `/_alias/${alias}`,
    unless: 404,
  });
  return Object.keys(answer ?? {});
}

async function changeAliases(connection: OpenSearchConnection, actions: readonly object[]): Promise<void> {
  await connection.ask({ purpose: "change aliases", method: "POST", path: "/_aliases", body: { actions } });
}
