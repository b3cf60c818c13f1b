/** The least follower: notes each entry of the log once, however often its thread is killed. Owns its database. */
import { DurableCursors } from "../../lib/log/durable_cursor.ts";
import { Follower } from "../../lib/log/follower.ts";
import { LogReader } from "../../lib/log/log_reader.ts";
import { TAIL_HEADER_BYTES, TAIL_REMOVED, TAIL_STORED } from "../../lib/log/tail_entry.ts";
import { idOf } from "../../lib/nostr/exact.ts";
import { createPackTarget, PackedEvent } from "../../lib/nostr/packed_event.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { openToWrite } from "../../lib/sqlite/open_database.ts";
import { openForFollowing } from "../../lib/store/keep/open.ts";

addEventListener("message", async (message) => {
  const { path, tail, bell } = (message as MessageEvent).data;
  const db = openToWrite(`${path}.noted`, { synchronous: "NORMAL", busyMs: 5_000 });
  db.exec("CREATE TABLE IF NOT EXISTS noted (seq INTEGER PRIMARY KEY, id TEXT, source TEXT)");
  const insert = db.prepare("INSERT INTO noted VALUES (?, ?, ?)");
  const note = (seq: number, id: string, source: string) => void insert.run(seq, id, source);
  const cursors = new DurableCursors(db);
  const packed = new PackedEvent(createPackTarget(0));
  const follower = new Follower({
    log: new LogReader(openForFollowing(path)),
    sink: {
      add: ([seq, text]) => note(seq, idOf(text), "log"),
      remove: ([seq, id]) => note(seq, id, "log"),
    },
    after: cursors.seqOf("least"),
    tail,
    record: (tail) => {
      const [seq, id] = [tail.doubles[0]!, tail.bytes.subarray(TAIL_HEADER_BYTES)];
      if (tail.type === TAIL_STORED) note(seq, packed.at(TAIL_HEADER_BYTES, tail).id.toHex(), "tail");
      else if (tail.type === TAIL_REMOVED) note(seq, id.toHex(), "tail");
    },
  });
  for (const doorbell = new Doorbell(bell);; await follower.wait(doorbell)) {
    db.exec("BEGIN IMMEDIATE");
    follower.step(20);
    cursors.write({ follower: "least", generation: "", seq: follower.cursor });
    db.exec("COMMIT");
  }
});
