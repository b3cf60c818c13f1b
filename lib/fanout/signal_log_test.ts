/** Tests of the signals' log: where it begins, what it keeps, and a store that has lost its end. */
import { assertEquals } from "@std/assert";
import { FANOUT_CURSOR_ENTRIES, FANOUT_SIGNALS_KEPT, FANOUT_SIGNALS_TRIM_EVERY } from "../limits.ts";
import { SignalLog } from "./signal_log.ts";

async function inDirectory(test: (path: string) => void): Promise<void> {
  const directory = await Deno.makeTempDir();
  test(`${directory}/fanout.db`);
  await Deno.remove(directory, { recursive: true });
}

function opened(path: string, lastSeq: number): SignalLog {
  const log = new SignalLog(path);
  log.open(lastSeq);
  return log;
}

function seqs(log: SignalLog, bot: string, after = 0, max = Infinity): number[] {
  return log.signalsOf(bot, { after, max: Math.min(max, 100_000) }).map(({ seq }) => seq);
}

Deno.test("a signal log begins with what is still to come, and goes on where it was", () =>
  inDirectory((path) => {
    const first = opened(path, 100);
    assertEquals(first.cursor, 100);
    first.advance(110, [{ bot: "a", seq: 103, at: 1 }, { bot: "b", seq: 104, at: 2 }, {
      bot: "a",
      seq: 109,
      at: 3,
    }]);
    first.close();
    const second = opened(path, 200);
    assertEquals(second.cursor, 110);
    assertEquals(second.signalsOf("a", { after: 103, max: 5 }).map((place) => ({ ...place })), [
      { bot: "a", seq: 109, at: 3 },
    ]);
    assertEquals([seqs(second, "a"), seqs(second, "a", 0, 1), seqs(second, "b")], [[103, 109], [103], [104]]);
    second.forget("a");
    assertEquals([seqs(second, "a"), seqs(second, "b")], [[], [104]]);
    second.close();
  }));

Deno.test("a signal log that began with an empty store goes on with its first entry", () =>
  inDirectory((path) => {
    opened(path, 0).close();
    const log = opened(path, 50);
    assertEquals(log.cursor, 0);
    log.close();
  }));

Deno.test("a signal log forgets what a store has lost, whose numbers come again", () =>
  inDirectory((path) => {
    const first = opened(path, 100);
    first.advance(110, [{ bot: "a", seq: 103, at: 1 }, { bot: "a", seq: 109, at: 1 }]);
    first.close();
    const second = opened(path, 105);
    second.advance(104 + FANOUT_CURSOR_ENTRIES, []);
    assertEquals([second.cursor, seqs(second, "a")], [104 + FANOUT_CURSOR_ENTRIES, [103]]);
    // Another life began while this one had not written that.
    const third = opened(path, 200);
    assertEquals(third.cursor, 105);
    second.advance(105 + FANOUT_CURSOR_ENTRIES, []);
    second.close();
    third.open(5_000);
    assertEquals(third.cursor, 105 + FANOUT_CURSOR_ENTRIES);
    third.close();
  }));

Deno.test("a signal log keeps the newest of each bot", () =>
  inDirectory((path) => {
    const log = opened(path, 0);
    const many = FANOUT_SIGNALS_KEPT + 3 * FANOUT_SIGNALS_TRIM_EVERY;
    log.advance(many, [
      { bot: "b", seq: 1, at: 1 },
      ...Array.from({ length: many - 1 }, (_, i) => ({ bot: "a", seq: i + 2, at: 1 })),
    ]);
    const kept = seqs(log, "a");
    assertEquals([kept.length <= FANOUT_SIGNALS_KEPT + FANOUT_SIGNALS_TRIM_EVERY, kept.at(-1)], [true, many]);
    assertEquals(seqs(log, "b"), [1]);
    log.close();
  }));
