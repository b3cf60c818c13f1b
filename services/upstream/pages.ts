/**
 * The pages about upstream relays: their states, and those that the API adds and removes. Gateways let admins only pass.
 * Runs on the first upstream worker; all workers write the table that it reads.
 *
 * @module
 */
import type { SeenEvents } from "../../lib/dedupe/seen_events.ts";
import { UPSTREAM_PAGE_ROWS, UPSTREAM_RELAYS_BOUND, UPSTREAM_URL_CHARS_MAX } from "../../lib/limits.ts";
import { normalRelayUrl } from "../../lib/nostr/relay_url.ts";
import type { RelayRow } from "../../lib/upstream/relay_table.ts";
import type { UpstreamStore } from "../../lib/upstream/upstream_store.ts";
import { type ActorPage, pageReply } from "../../runtime/page_server.ts";
import type { PageAsked, PageReply } from "../../wire/pages.ts";

/** What the pages show. */
interface PageParts {
  readonly store: UpstreamStore;
  readonly seen: SeenEvents;
  /** Events in our own store. */
  readonly storedEvents: () => number;
  /** The relay's own key, hex; null: it has none. */
  readonly pubkey: string | null;
  /** Something was added or removed. */
  readonly changed: () => void;
}

/** See the module's text. */
export function upstreamPages(parts: PageParts): ActorPage[] {
  return [
    { method: "GET", path: "/api/relays", answer: () => relaysPage(parts) },
    { method: "GET", path: "/status", answer: () => statusPage(parts) },
    { method: "POST", path: "/api/relays/add", answer: (asked) => add(asked, parts) },
    { method: "DELETE", path: "/api/relays/remove", answer: (asked) => remove(asked, parts) },
  ];
}

function relaysPage({ store }: PageParts): PageReply {
  const relays = allRows(store).map(({ state, ...row }) => ({ ...row, status: state }));
  return pageReply({ relays, count: relays.length });
}

function statusPage({ store, seen, storedEvents, pubkey }: PageParts): PageReply {
  const rows = allRows(store);
  const { recent, bloom, lru } = seen.sizes;
  return pageReply({
    active_connections: rows.filter(({ state }) => state === "open").length,
    connections: rows.map(({ url, state }) => ({ url, status: state })),
    relayer_nostr_pubkey: pubkey,
    deduplication_engine: {
      bloom_filter_size: bloom,
      lru_cache_size: lru,
      hot_set_size: recent,
      stored_entry_count: storedEvents(),
    },
  });
}

function add(asked: PageAsked, { store, changed }: PageParts): PageReply {
  const url = urlOf(asked);
  if (url === null) return wrongUrl("add");
  if (store.relays.named(UPSTREAM_RELAYS_BOUND).length >= UPSTREAM_RELAYS_BOUND) {
    return pageReply(
      { success: false, message: `Cannot add relay "${url}": there are ${UPSTREAM_RELAYS_BOUND} already` },
      409,
    );
  }
  const isNew = store.relays.addNamed(url, Math.floor(Date.now() / 1000));
  changed();
  return pageReply({ success: true, message: isNew ? `${url} was added` : `${url} was there already` });
}

function remove(asked: PageAsked, { store, changed }: PageParts): PageReply {
  const url = urlOf(asked);
  if (url === null) return wrongUrl("remove");
  if (store.relays.removeNamed(url)) {
    changed();
    return pageReply({ success: true, message: `${url} was removed` });
  }
  const { sources } = store.relays.get(url) ?? { sources: [] };
  const state = sources.length === 0 ? "there is no such relay" : `it is named by: ${sources.join(", ")}`;
  return pageReply(
    { success: false, message: `Cannot remove relay "${url}": ${state}` },
    sources.length === 0 ? 404 : 409,
  );
}

function allRows(store: UpstreamStore): RelayRow[] {
  const rows: RelayRow[] = [];
  for (let page = store.relays.page("", UPSTREAM_PAGE_ROWS); page.length > 0;) {
    rows.push(...page);
    if (page.length < UPSTREAM_PAGE_ROWS) break;
    page = store.relays.page(page.at(-1)!.url, UPSTREAM_PAGE_ROWS);
  }
  return rows;
}

/** The URL in a body `{url}`, normalized; null: there is none. */
function urlOf({ body }: PageAsked): string | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  const url = (value as { url?: unknown } | null)?.url;
  return typeof url === "string" && url.length <= UPSTREAM_URL_CHARS_MAX ? normalRelayUrl(url) : null;
}

function wrongUrl(verb: string): PageReply {
  const message = `Cannot ${verb} relay: the body is no {"url"} with ws:// or wss://`;
  return pageReply({ success: false, message }, 400);
}
