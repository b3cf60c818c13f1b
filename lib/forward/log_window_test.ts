/** Tests of the window: whatever a target's place, it gets what a plain list gives, and says where SQLite has to help. */
import { assert, assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { type LogPlace, LogWindow } from "./log_window.ts";

const textOf = (id: number) => `{"id":"${String(id).padStart(64, "0")}"}`;
const idOf = (id: number) => String(id).padStart(64, "0");
const BOUNDS = { events: 100, chars: 100_000 };

Deno.test("a target reads what follows its place, within bounds, and an ephemeral event only if it is there", () => {
  const window = new LogWindow(10, { events: 8, chars: 10_000 });
  const early = window.end;
  window.add(11, textOf(1));
  window.pass(textOf(2));
  window.skip(12);
  window.add(13, textOf(3));
  const seqs = (from: LogPlace, bounds = BOUNDS) => window.read(from, bounds).events.map(({ seq }) => seq);
  assertEquals(seqs(early), [11, 11, 13]);
  assertEquals(seqs({ seq: 11, place: null }), [13]);
  assertEquals(seqs(early, { ...BOUNDS, events: 2 }), [11, 11]);
  assertEquals(seqs(early, { ...BOUNDS, chars: 1 }), [11]);
  assertEquals(window.read(early, { ...BOUNDS, to: 12 }).after, { seq: 12, place: null });
  const { after, isEnd } = window.read(early, BOUNDS);
  assertEquals([after, isEnd, window.isEnd(after)], [window.end, true, true]);
  window.skip(14);
  assertEquals([window.isEnd(after), window.read(after, BOUNDS).after.seq], [false, 14]);
});

Deno.test("a removed event is in no later read, and does not take room", () => {
  const window = new LogWindow(0, { events: 8, chars: 3 * textOf(1).length });
  const start = window.end;
  for (let seq = 1; seq <= 3; seq++) window.add(seq, textOf(seq));
  window.remove(4, idOf(2));
  window.remove(5, idOf(77));
  window.add(6, textOf(6));
  assertEquals(window.read(start, BOUNDS).events.map(({ seq }) => seq), [1, 3, 6]);
  assertEquals([window.size, window.endSeq], [3, 6]);
});

Deno.test("many targets at any place read the same as from a list, or are told that the window has lost it", () => {
  const random = seededPrng("a window of the log");
  for (let round = 0; round < 30; round++) {
    const window = new LogWindow(0, { events: random.int(1, 30), chars: random.int(100, 3_000) });
    const log: { seq: number; id: number; isEphemeral: boolean; isRemoved: boolean }[] = [];
    const targets = Array.from({ length: 5 }, () => ({ place: window.end, at: 0, isJoining: false }));
    let seq = 0;
    for (let step = 0; step < 400; step++) {
      const what = random.int(0, 9);
      const id = log.length + 1;
      if (what < 5) {
        window.add(++seq, textOf(id));
        log.push({ seq, id, isEphemeral: false, isRemoved: false });
      } else if (what === 5) {
        window.pass(textOf(id));
        log.push({ seq, id, isEphemeral: true, isRemoved: false });
      } else if (what === 6) window.skip(++seq);
      else if (what === 7 && log.length > 0) {
        const gone = log[random.int(Math.max(0, log.length - 20), log.length - 1)]!;
        gone.isRemoved = true;
        window.remove(++seq, idOf(gone.id));
      } else {
        const target = targets[random.int(0, 4)]!;
        if (!window.holds(target.place)) {
          // SQLite brings it to some later entry; ephemeral events in between are gone for it.
          target.place = { seq: random.int(target.place.seq, seq), place: null };
          target.isJoining = true;
          continue;
        }
        const { events, after } = window.read(target.place, { events: random.int(1, 20), chars: 5_000 });
        const from = target.isJoining ? log.findIndex((entry) => entry.seq > target.place.seq) : target.at;
        const expected = (from < 0 ? [] : log.slice(from)).filter(({ isRemoved }) => !isRemoved);
        assertEquals(
          events.map(({ text }) => text),
          expected.slice(0, events.length).map(({ id }) => textOf(id)),
        );
        if (events.length === 0) assertEquals(expected, []);
        const last = expected[events.length - 1];
        if (last !== undefined) target.at = log.indexOf(last) + 1;
        else if (from >= 0) target.at = from;
        else target.at = log.length;
        target.isJoining = after.place === null;
        target.place = after;
        assert(after.seq <= seq);
      }
    }
  }
});
