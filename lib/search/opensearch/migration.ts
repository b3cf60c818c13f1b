/**
 * The index of one mapping version and the aliases that lead to it.
 * Runs on the indexer's thread; no state: everything is read from OpenSearch.
 *
 * DESIGN. With `sluice` as the name:
 *
 *     sluice            alias that searches use      → the index that holds the whole log
 *     sluice-v2-write   alias that bulk calls use    → sluice-v2. They demand an alias, so that a bulk after the
 *                                                      index was deleted fails, and makes no index without a mapping
 *     sluice-v2         the index
 *
 * A new mapping version makes an index of its own. While it fills, searches stay with the old one; then the alias moves
 * in one step and the old index goes.
 *
 * @module
 */
import { SearchUnavailableError } from "../search_index.ts";
import { type OpenSearchConnection, OpenSearchRefusal } from "./connection.ts";
import { indexDefinition, type IndexLayout, MAPPING_VERSION } from "./mapping.ts";

/** The names that belong to one index name and version. */
export interface IndexNames {
  readonly searched: string;
  readonly written: string;
  readonly index: string;
}

/** Names the index and its aliases. */
export function indexNames(name: string, version = MAPPING_VERSION): IndexNames {
  return { searched: name, written: `${name}-v${version}-write`, index: `${name}-v${version}` };
}

/** What is known of the index after {@linkcode ensureIndex}. */
export interface FoundIndex {
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

/** Makes the index unless it is there, and sees that its aliases are. */
export async function ensureIndex(
  connection: OpenSearchConnection,
  names: IndexNames,
  layout: IndexLayout,
): Promise<FoundIndex> {
  const found = await readIndex(connection, names) ?? await createIndex(connection, names, layout);
  if (found.mappings._meta?.version !== MAPPING_VERSION) {
    throw new SearchUnavailableError(
      `Cannot use index "${names.index}": its mapping is not of version ${MAPPING_VERSION}`,
    );
  }
  const aliases = found.aliases ?? {};
  const missing: string[] = names.written in aliases ? [] : [names.written];
  let searched = names.searched in aliases;
  if (!searched && (await indexesBehind(connection, names.searched)).length === 0) {
    missing.push(names.searched);
    searched = true;
  }
  if (missing.length > 0) {
    await changeAliases(connection, missing.map((alias) => ({ add: { index: names.index, alias } })));
  }
  return { uuid: found.settings.index.uuid, searched };
}

/** Lets searches use the index, in one step, and deletes the indexes of older versions that they used before. */
export async function moveSearches(connection: OpenSearchConnection, names: IndexNames): Promise<void> {
  const before = (await indexesBehind(connection, names.searched)).filter((index) => index !== names.index);
  await changeAliases(connection, [
    ...before.map((index) => ({ remove: { index, alias: names.searched } })),
    { add: { index: names.index, alias: names.searched } },
  ]);
  for (const index of before) {
    // An index of a newer version stays: whoever went back to an older program may return.
    if (!isOlder(index, names.searched)) continue;
    await connection.ask({
      purpose: `delete index "${index}"`,
      method: "DELETE",
      path: `/${index}`,
      unless: 404,
    });
  }
}

function isOlder(index: string, name: string): boolean {
  const version = index.startsWith(`${name}-v`) ? index.slice(name.length + 2) : "";
  return /^\d+$/.test(version) && Number(version) < MAPPING_VERSION;
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
