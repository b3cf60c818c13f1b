/** Tests of the pool where its file fails. Run on the main thread; no state. */
import { assertEquals } from "@std/assert";
import { readConfig } from "../../lib/config/config.ts";
import { Pool } from "./pool.ts";

Deno.test("a disk that stores no cursor ends nothing, and relays are taken in when it does again", () => {
  const config = readConfig({});
  const reserved: string[] = [];
  const errors: string[] = [];
  let isFull = true;
  const reserve = (_: unknown, url: string) => {
    if (isFull) throw new Error("database or disk is full");
    reserved.push(url);
  };
  const up = { name: "s", direction: "up", filter: {}, urls: [], pluginUp: null, pluginDown: null };
  // An address that is not called, so that nothing goes out.
  const urls = ["ws://127.0.0.1:1", "ws://127.0.0.1:2"];
  const parts = {
    worker: 0,
    workers: 1,
    config: () => config,
    directory: { version: "1", relays: () => urls.map((url) => ({ url, sources: [], streams: [up] })) },
    store: { relays: { get: () => null, page: () => [] }, transaction: () => {} },
    metrics: { set: () => {} },
    streams: { ups: { reserve, flush: () => {} } },
    log: { error: (text: string) => errors.push(text), debug: () => {} },
    key: null,
    intake: null,
  };
  const pool = new Pool(parts as unknown as ConstructorParameters<typeof Pool>[0]);
  pool.tick();
  assertEquals([reserved, errors], [[], ["Cannot write upstream.db: database or disk is full"]]);
  isFull = false;
  pool.tick();
  assertEquals(reserved, urls);
  pool.tick();
  assertEquals([reserved, errors.length], [urls, 1]);
});
