/**
 * The OpenSearch of a test run, with an index of the test's own.
 * Runs on a test's thread; a test removes the index that it had made.
 *
 * @module
 */

/** The node that `deno task test` started, or null: tests that need it are ignored. */
export const NODE_URL: string | null = nodeUrl();

function nodeUrl(): string | null {
  const url = Deno.env.get("SLUICE_TEST_OPENSEARCH");
  return url === undefined || url === "" || url === "none" ? null : url;
}

/** A name for an index, and the index's end. */
export class OwnIndex implements AsyncDisposable {
  /** @param url The node, if it is not the run's. */
  constructor(readonly url: string = NODE_URL!) {}

  readonly name = `pipeline-${crypto.randomUUID().slice(0, 8)}`;

  /** The settings of a relay that uses it; `url` may be a proxy's. */
  settings(url = this.url): Record<string, string> {
    return { OPENSEARCH_URL: url, OPENSEARCH_INDEX: this.name, FLUSH_INTERVAL_MS: "200" };
  }

  /** Which of `ids` have a document. */
  async documents(ids: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    for (let at = 0; at < ids.length; at += 5_000) {
      const response = await fetch(`${this.url}/${this.name}/_mget?_source=false`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ids: ids.slice(at, at + 5_000) }),
      });
      const { docs } = await response.json() as { docs: { _id: string; found?: boolean }[] };
      for (const { _id, found: isThere } of docs) if (isThere) found.add(_id);
    }
    return found;
  }

  /** Does something to the index behind the relay's back. */
  async ask(method: string, path: string, body: object | string): Promise<void> {
    const response = await fetch(`${this.url}/${this.name}${path}`, {
      method,
      headers: { "Content-Type": typeof body === "string" ? "application/x-ndjson" : "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot ${method} "${path}": ${text}`);
  }

  /** Removes documents behind the relay's back. */
  async removeDocuments(ids: readonly string[]): Promise<void> {
    const lines = ids.map((id) => `${JSON.stringify({ delete: { _id: id } })}\n`).join("");
    await this.ask("POST", "/_bulk?refresh=true", lines);
  }

  /** The indexes that the relay has made under this name. */
  async indexes(): Promise<string[]> {
    const response = await fetch(`${this.url}/${this.name}-v*/_alias`);
    return Object.keys(await response.json()).sort();
  }

  async removeIndex(index: string): Promise<void> {
    await (await fetch(`${this.url}/${index}`, { method: "DELETE" })).body?.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of await this.indexes().catch(() => [])) await this.removeIndex(index);
  }
}
