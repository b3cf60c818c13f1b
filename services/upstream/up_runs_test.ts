/**
 * Tests of what streams stand on when the store was replaced. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createTailMemory } from "../../lib/log/tail.ts";
import type { Stream } from "../../lib/routing/stream.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import type { RelayConversation } from "../../lib/upstream/relay_conversation.ts";
import { UpstreamStore } from "../../lib/upstream/upstream_store.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { memoryStore } from "../../tests/support/memory_store.ts";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import type { StreamPlugins } from "./stream_plugins.ts";
import { UpRuns } from "./up_runs.ts";
import type { UpwardRule } from "./upward_rule.ts";

Deno.test("streams begin anew where an older copy of the store was put back, and else go on", async () => {
  const folder = await Deno.makeTempDir();
  const store = new UpstreamStore(`${folder}/upstream.db`);
  const stream = { stream: "s", url: "wss://a.example" };
  const open = (events: number) => {
    const db = memoryStore(...Array.from({ length: events }, (_, n) => plainEvent({ id: key(`${n}`) })));
    return new UpRuns({
      db,
      reader: new EventReader(db),
      tail: createTailMemory(1 << 20),
      store,
      rule: null as unknown as UpwardRule,
      plugins: null as unknown as StreamPlugins,
    });
  };
  const before = open(5);
  store.places.note(stream, {}, { at: 100, gaps: [] });
  store.places.flush();
  before.flush();
  open(6);
  assertEquals(store.places.placeOf(stream, {})?.at, 100);
  open(3);
  assertEquals(store.places.placeOf(stream, {}), null);
  store.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a log that another worker has seen to grow meanwhile is no older copy", () => {
  const db = memoryStore(plainEvent({ id: key("1") }));
  let end = 0;
  const store = {
    // Whoever waits for another's transaction begins when that one has written.
    transaction(work: () => void) {
      db.exec("INSERT INTO removal (seq, event_seq, id, reason, age) VALUES (7, 1, 'a', 'deleted', 0)");
      work();
    },
    cursors: { forgetBeyond: (lastSeq: number) => (end = lastSeq, false) },
  };
  new UpRuns({
    db,
    reader: new EventReader(db),
    tail: createTailMemory(1 << 20),
    store: store as unknown as UpstreamStore,
    rule: null as unknown as UpwardRule,
    plugins: null as unknown as StreamPlugins,
  });
  assertEquals(end, 7);
});

Deno.test("a stream ends though its cursor cannot be stored", async () => {
  const db = memoryStore(plainEvent({ id: key("1") }));
  let writes = 0;
  const store = {
    transaction: (work: () => void) => work(),
    upCursor: () => 0,
    cursors: {
      forgetBeyond: () => false,
      write() {
        writes++;
        throw new Error("database or disk is full");
      },
    },
  };
  const runs = new UpRuns({
    db,
    reader: new EventReader(db),
    tail: createTailMemory(1 << 20),
    store: store as unknown as UpstreamStore,
    rule: { of: () => () => true } as unknown as UpwardRule,
    plugins: null as unknown as StreamPlugins,
  });
  const conversation = {
    url: "wss://a.example",
    cameFrom: () => false,
    publish: () => Promise.resolve({ accepted: true, message: "" }),
  } as unknown as RelayConversation;
  const { url } = conversation;
  const stream: Stream = {
    name: "s",
    direction: "up",
    filter: {},
    urls: [url],
    pluginUp: null,
    pluginDown: null,
  };
  const up = runs.begin(stream, conversation);
  await eventually(() => up.cursor === 1);
  runs.end(up);
  assertEquals([writes, runs.isIdle, up.step()], [1, true, false]);
});
