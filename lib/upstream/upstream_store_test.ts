/** Tests of what is remembered of upstream relays: states, places and cursors, over restarts and between threads. */
import { assertEquals, assertThrows } from "@std/assert";
import { SchemaError } from "../sqlite/own_schema.ts";
import { DatabaseSync } from "node:sqlite";
import type { RelayRow } from "./relay_table.ts";
import { UpstreamStore } from "./upstream_store.ts";

const URL = "wss://relay.example.com";

const ROW: RelayRow = {
  url: URL,
  sources: ["setting", "list"],
  worker: 1,
  state: "open",
  failure: "tls",
  failureText: "the certificate has expired",
  nextTryAt: 5,
  received: 10,
  added: 4,
  duplicates: 3,
  invalid: 2,
  unasked: 1,
  sent: 6,
  accepted: 5,
  refused: 1,
  lastEventAt: 1_700_000_000,
  quarantineUntil: 0,
  quarantines: 1,
};

async function inDirectory(test: (path: string) => void): Promise<void> {
  const directory = await Deno.makeTempDir();
  test(`${directory}/upstream.db`);
  await Deno.remove(directory, { recursive: true });
}

/** Uses the store of one life of a worker. */
function life<Result>(path: string, use: (store: UpstreamStore) => Result): Result {
  const store = new UpstreamStore(path);
  try {
    return use(store);
  } finally {
    store.close();
  }
}

Deno.test("states of relays outlive a restart, and are read in pages", () =>
  inDirectory((path) => {
    life(path, ({ relays }) => {
      relays.write({ ...ROW, received: 1 });
      relays.write(ROW);
      relays.write({ ...ROW, url: "wss://a.example.com", failureText: "x".repeat(10_000) });
    });
    life(path, ({ relays }) => {
      assertEquals(relays.get(URL), ROW);
      assertEquals(relays.get("wss://b.example.com"), null);
      assertEquals(relays.page("", 1).map(({ url }) => url), ["wss://a.example.com"]);
      assertEquals(relays.page("wss://a.example.com", 5), [ROW]);
      assertEquals(relays.get("wss://a.example.com")?.failureText.length, 300);
      relays.forget(URL);
      assertEquals(relays.get(URL), null);
    });
  }));

Deno.test("relays that the API has named are kept apart from their states", () =>
  inDirectory((path) => {
    life(path, ({ relays }) => {
      assertEquals([relays.addNamed(URL, 2), relays.addNamed(URL, 3)], [true, false]);
      relays.addNamed("wss://z.example.com", 1);
    });
    life(path, ({ relays }) => {
      assertEquals(relays.named(10), ["wss://z.example.com", URL]);
      assertEquals([relays.removeNamed(URL), relays.removeNamed(URL)], [true, false]);
      assertEquals(relays.named(10), ["wss://z.example.com"]);
    });
  }));

Deno.test("a place is durable after a flush, and an older one is kept until then", () =>
  inDirectory((path) => {
    const key = { stream: "main", url: URL };
    const filter = { kinds: [1, 7] };
    const place = { at: 1_000, gaps: [{ since: 0, until: 500 }] };
    life(path, (store) => {
      assertEquals(store.places.placeOf(key, filter), null);
      store.places.note(key, filter, place);
      assertEquals(store.places.placeOf(key, filter), place);
      store.flush();
      store.places.note(key, filter, { at: 2_000, gaps: [] });
    });
    life(path, ({ places }) => {
      assertEquals(places.placeOf(key, filter), place);
      assertEquals(places.placeOf({ ...key, stream: "other" }, filter), null);
    });
  }));

Deno.test("a narrowed filter keeps its place, and a widened one begins anew", () =>
  inDirectory((path) => {
    const key = { stream: "main", url: URL };
    const place = { at: 1_000, gaps: [] };
    life(path, (store) => {
      store.places.note(key, { kinds: [7, 1], since: 10 }, place);
      store.flush();
      const placeOf = (filter: Record<string, unknown>) => store.places.placeOf(key, filter);
      assertEquals(placeOf({ since: 10, kinds: [1, 7], limit: 5 }), place);
      assertEquals(placeOf({ kinds: [1], since: 20, authors: ["a"] }), place);
      assertEquals(placeOf({ kinds: [1, 7] }), null);
      assertEquals(placeOf({ kinds: [1, 7, 9], since: 10 }), null);
      assertEquals(placeOf({ kinds: [1, 7], since: 9 }), null);
      store.places.note(key, { "&t": ["a"], "#t": ["b", "c"] }, place);
      assertEquals(placeOf({ "&t": ["a", "d"], "#t": ["b"] }), place);
      assertEquals(placeOf({ "&t": [], "#t": ["b"] }), null);
      store.places.forget(key);
      assertEquals(placeOf({ kinds: [1], since: 20 }), null);
    });
  }));

Deno.test("a filter is written once for all places that have it, and goes with the last of them", () =>
  inDirectory((path) => {
    const filters = (): unknown[] => {
      life(path, () => {});
      using db = new DatabaseSync(path);
      return db.prepare("SELECT text FROM place_filter").all().map((row) => row.text);
    };
    life(path, (store) => {
      for (const url of ["wss://a.example.com", "wss://b.example.com"]) {
        store.places.note({ stream: "main", url }, { kinds: [1] }, { at: 1, gaps: [] });
      }
      store.flush();
    });
    assertEquals(filters(), ['{"kinds":[1]}']);
    life(path, ({ places }) => {
      places.forget({ stream: "main", url: "wss://a.example.com" });
      places.forget({ stream: "main", url: "wss://b.example.com" });
    });
    assertEquals(filters(), []);
  }));

Deno.test("a stream that goes up begins where the log ended when it was new, be that before the first entry", () =>
  inDirectory((path) => {
    life(path, (store) => assertEquals(store.upCursor("up", URL, 0), 0));
    life(path, (store) => {
      assertEquals([store.upCursor("up", URL, 7), store.upCursor("other", URL, 7)], [0, 7]);
      store.cursors.write({ follower: "up", generation: URL, seq: 9 });
    });
    life(path, (store) => assertEquals(store.upCursor("up", URL, 20), 9));
  }));

Deno.test("two workers write to one file, each in transactions of its own", () =>
  inDirectory((path) => {
    const [first, second] = [new UpstreamStore(path), new UpstreamStore(path)];
    first.transaction(() => first.cursors.write({ follower: "up", generation: URL, seq: 7 }));
    second.transaction(() => second.relays.write(ROW));
    assertEquals(second.cursors.seqOf("up", URL), 7);
    assertEquals(first.relays.get(URL)?.worker, 1);
    assertThrows(() =>
      first.transaction(() => {
        first.relays.forget(URL);
        throw new Error("no");
      })
    );
    assertEquals(first.relays.get(URL), ROW);
    first.close();
    second.close();
  }));

Deno.test("a file with a trigger is refused", () =>
  inDirectory((path) => {
    life(path, () => {});
    const db = new DatabaseSync(path);
    db.exec("CREATE TRIGGER t AFTER INSERT ON relay BEGIN DELETE FROM relay; END");
    db.close();
    assertThrows(() => new UpstreamStore(path), SchemaError, "trigger t");
  }));
