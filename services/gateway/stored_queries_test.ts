/** Tests of stored queries whose clients have no room: they pause, go on, and send each event once. */
import { assertEquals } from "@std/assert";
import { OUTBOUND_FLOOR_BYTES } from "../../lib/limits.ts";
import { parseFilter } from "../../lib/nostr/filter.ts";
import type { ReadingRights } from "../../lib/policy/read_gate.ts";
import type { EventReader } from "../../lib/store/read/event_reader.ts";
import type { Logger } from "../../runtime/logger.ts";
import { LoopTurn } from "../../runtime/loop_turn.ts";
import type { Socket } from "./sockets/listener.ts";
import { Connection } from "./connection.ts";
import { OutboundPool } from "./outbound_pool.ts";
import type { ReaderLink, SliceHeader } from "./reader_link.ts";
import { StoredQueries } from "./stored_queries.ts";
import type { StoredQuery } from "./stored_query.ts";
import { Turns } from "./sockets/turns.ts";

const SEARCH = parseFilter({ search: "notes" }, { limitMax: 100, limitDefault: 100 });
const KIND = parseFilter({ kinds: [1] }, { limitMax: 100, limitDefault: 100 });

/** A client that reads when the test says so, and a reader that the test answers for. */
function client() {
  const socket = { bufferedBytes: 0, sent: [] as string[] };
  const send = (text: string) => {
    socket.bufferedBytes += text.length;
    socket.sent.push(text);
  };
  const pool = new OutboundPool(new SharedArrayBuffer(8), 0);
  pool.use(1024 * 1024);
  const connection = new Connection(
    1,
    Object.assign(socket, { send }) as unknown as Socket,
    "",
    { authenticated: new Set() } as unknown as Connection["auth"],
    OUTBOUND_FLOOR_BYTES,
    pool,
  );
  const asked: StoredQuery[] = [];
  const link = {
    ask: (query: StoredQuery) => asked.push(query) > 0,
    more: (query: StoredQuery) => asked.push(query),
    cancel: () => {},
  } as unknown as ReaderLink;
  const steps = { count: 0 };
  const reader = {
    refresh: () => 9,
    lastRemoval: 0,
    goneSince: () => () => false,
    cachedScan: () => null,
    scan: () => ({
      openingRows: 0,
      end: "all",
      step: () => {
        steps.count++;
        return "done";
      },
    }),
  } as unknown as EventReader;
  const ended: string[] = [];
  const turns = new Turns(new LoopTurn());
  const queries = new StoredQueries(
    { reader, link, turns, log: {} as Logger },
    {
      rightsOf: () => ({ isWhole: true, mayRead: null }) as unknown as ReadingRights,
      spent: () => {},
      finished: () => void ended.push("finished"),
      counted: () => {},
      failed: (_, reason) => void ended.push(reason),
      tooSlow: () => void ended.push("too slow"),
    },
  );
  return { socket, connection, queries, asked, ended, steps };
}

Deno.test("a slice that its client has no room for is asked for again, and each of its events is sent once", () => {
  const { socket, connection, queries, asked, ended } = client();
  const subscription = connection.open("s", 0, 0);
  queries.begin(subscription, [SEARCH], 0);
  const texts = Array.from({ length: 10 }, (_, n) => `{"n":${n},"x":"${"x".repeat(60_000)}"}`);
  const slice: SliceHeader = {
    state: "done",
    note: { ends: ["all"] },
    rows: (visit) => texts.forEach((text, n) => visit(text, n + 1)),
  };
  for (let times = 0; times < 10 && ended.length === 0; times++) {
    asked[times]!.onSlice(slice);
    socket.bufferedBytes = 0;
    queries.resumePaused();
  }
  assertEquals(ended, ["finished"]);
  assertEquals(socket.sent.map((text) => JSON.parse(text)[2].n), texts.map((_, n) => n));
  assertEquals(asked.length > 1, true);
});

Deno.test("a query whose client has just as much waiting as pauses it goes on when there is less", () => {
  const { socket, connection, queries, ended, steps } = client();
  socket.bufferedBytes = OUTBOUND_FLOOR_BYTES / 4;
  connection.measureBufferedBytes();
  assertEquals(socket.bufferedBytes, connection.pauseBytes);
  queries.begin(connection.open("s", 0, 0), [KIND], 0);
  queries.resumePaused();
  assertEquals([queries.pausedCount, steps.count], [1, 0]);
  socket.bufferedBytes--;
  queries.resumePaused();
  assertEquals([queries.pausedCount, steps.count, ended], [0, 1, ["finished"]]);
});
