/** Tests of the outbox: one write a socket and turn, in order, and no page written over while a socket still holds it. */
import { assert, assertEquals } from "@std/assert";
import { Writable } from "node:stream";
import { OUTBOX_PAGE_BYTES, OUTBOX_SOCKET_CHARS_MAX } from "../../../lib/limits.ts";
import { CachedText } from "../../../lib/store/read/text_cache.ts";
import { Outbox, PendingFrames } from "./outbox.ts";

/** A socket that takes writes when the test says so, and keeps the very bytes until then. */
class Sink extends Writable {
  readonly writes: string[] = [];
  isSlow = false;
  #taken: (() => void) | null = null;

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    const take = () => {
      this.writes.push(new TextDecoder("latin1").decode(chunk));
      done();
    };
    if (this.isSlow) this.#taken = take;
    else take();
  }

  takeNext(): void {
    const take = this.#taken;
    this.#taken = null;
    take?.();
  }

  /** The texts that were written; all of these tests' are short ASCII. */
  get texts(): string[] {
    return this.writes.join("").split("\x81").slice(1).map((frame) => frame.slice(1));
  }
}

Deno.test("what one turn sends to a socket is one write, in order; sockets get their own", async () => {
  const outbox = new Outbox();
  const [a, b] = [new Sink(), new Sink()];
  const [toA, toB] = [new PendingFrames(a), new PendingFrames(b)];
  for (const n of [1, 2, 3]) {
    outbox.send(toA, `a${n}`);
    outbox.send(toB, `b${n}`);
  }
  assertEquals([a.writes, b.writes], [[], []]);
  await Promise.resolve();
  assertEquals([a.writes.length, b.writes.length], [1, 1]);
  assertEquals([a.texts, b.texts], [["a1", "a2", "a3"], ["b1", "b2", "b3"]]);
  outbox.send(toA, "a4");
  outbox.flush(toA);
  assertEquals(a.texts.at(-1), "a4");
  await Promise.resolve();
  assertEquals(a.texts, ["a1", "a2", "a3", "a4"]);
});

Deno.test("a socket that does not take its bytes gets them unchanged later", async () => {
  const outbox = new Outbox();
  const [slow, quick] = [new Sink(), new Sink()];
  const [toSlow, toQuick] = [new PendingFrames(slow), new PendingFrames(quick)];
  slow.isSlow = true;
  for (let turn = 0; turn < 3; turn++) {
    outbox.send(toSlow, `slow ${turn}`);
    outbox.send(toQuick, `quick ${turn}`);
    await Promise.resolve();
  }
  assert(slow.writableLength > 0);
  for (let turn = 0; turn < 3; turn++) {
    slow.takeNext();
    // The stream passes its next chunk on in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  assertEquals(slow.texts, ["slow 0", "slow 1", "slow 2"]);
  assertEquals(quick.texts, ["quick 0", "quick 1", "quick 2"]);
});

Deno.test("a long turn is written in parts, and a frame longer than a page whole", () => {
  const outbox = new Outbox();
  const sink = new Sink();
  const pending = new PendingFrames(sink);
  const text = "x".repeat(1_000);
  let sent = 0;
  while (sink.writes.length === 0) {
    outbox.send(pending, text);
    sent++;
  }
  assert(sent * 1_000 <= OUTBOX_SOCKET_CHARS_MAX + 1_000);
  outbox.send(pending, "y".repeat(OUTBOX_PAGE_BYTES));
  outbox.flushAll();
  const bytes = sink.writes.join("").length;
  assert(bytes > sent * 1_000 + OUTBOX_PAGE_BYTES);
  assert(sink.writes.at(-1)!.endsWith("y".repeat(OUTBOX_PAGE_BYTES)));
});

Deno.test("a socket that is gone gets nothing, and nobody is disturbed", () => {
  const outbox = new Outbox();
  const sink = new Sink();
  const pending = new PendingFrames(sink);
  outbox.send(pending, "late");
  sink.destroy();
  outbox.flushAll();
  assertEquals([sink.writes, pending.chars], [[], 0]);
});

function hotText(text: string): CachedText {
  const bytes = new TextEncoder().encode(`.${text}.`);
  return new CachedText(1, 1, 0, null, bytes, 1, bytes.length - 1);
}

Deno.test("events go out as bytes, in order among texts, each under its own subscription", async () => {
  const outbox = new Outbox();
  const [a, b] = [new Sink(), new Sink()];
  const [toA, toB] = [new PendingFrames(a), new PendingFrames(b)];
  outbox.sendEvent(toA, "[1,", hotText("{x}"));
  outbox.send(toA, "text");
  outbox.sendEvent(toA, "[2,", hotText("{y}"));
  outbox.sendEvent(toB, "[3,", hotText("{z}"));
  outbox.sendEvent(toA, "[2,", hotText("{x}"));
  assertEquals([toA.chars, toB.chars], [3 * 6 + 4, 6]);
  await Promise.resolve();
  assertEquals([a.writes.length, b.writes.length], [1, 1]);
  assertEquals(a.texts, ["[1,{x}]", "text", "[2,{y}]", "[2,{x}]"]);
  assertEquals(b.texts, ["[3,{z}]"]);
});

Deno.test("an event whose message is longer than a page is sent whole", () => {
  const outbox = new Outbox();
  const sink = new Sink();
  const pending = new PendingFrames(sink);
  const prefix = `["${"s".repeat(OUTBOX_PAGE_BYTES)}",`;
  outbox.send(pending, "before");
  outbox.sendEvent(pending, prefix, hotText("{x}"));
  outbox.send(pending, "after");
  outbox.flushAll();
  const written = sink.writes.join("");
  assert(written.includes(`${prefix}{x}]`));
  assert(written.indexOf("before") < written.indexOf(prefix) && written.endsWith("after"));
});
