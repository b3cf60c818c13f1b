/** Tests of the tail: every follower sees whole records or knows that it was overtaken. */
import { assertEquals } from "@std/assert";
import { createTailMemory, TailProducer, TailReader } from "./tail.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (follower: TailReader) => new TextDecoder().decode(follower.bytes);

Deno.test("every follower of the tail sees every record, from where it joined", () => {
  const memory = createTailMemory(1024);
  const producer = new TailProducer(memory);
  const early = new TailReader(memory);
  producer.append(1, bytes("head"), bytes("body"));
  const late = new TailReader(memory);
  producer.append(2, bytes(""), bytes("next"));
  assertEquals([early.next(), text(early), early.type], ["record", "headbody", 1]);
  assertEquals([early.next(), text(early), early.type], ["record", "next", 2]);
  assertEquals(early.next(), "empty");
  assertEquals([late.next(), text(late)], ["record", "next"]);
});

Deno.test("a follower that was overtaken is told so, and joins again at the end", () => {
  const memory = createTailMemory(256);
  const producer = new TailProducer(memory);
  const follower = new TailReader(memory);
  for (let i = 0; i < 100; i++) producer.append(0, bytes(String(i)), bytes("0123456789"));
  assertEquals(follower.next(), "lapped");
  follower.jumpToEnd();
  assertEquals(follower.next(), "empty");
  producer.append(0, bytes("again"), bytes(""));
  assertEquals([follower.next(), text(follower)], ["record", "again"]);
});

Deno.test("a follower in another thread sees whole records only, however fast the store writes", async () => {
  const memory = createTailMemory(4096);
  const source = `
    import { TailProducer } from ${JSON.stringify(new URL("./tail.ts", import.meta.url).href)};
    self.onmessage = (message) => {
      const tail = new TailProducer(message.data);
      const head = new Uint8Array(4);
      for (let i = 1; i <= 300_000; i++) {
        const body = new Uint8Array(i % 200).fill(i & 255);
        new Uint32Array(head.buffer)[0] = i;
        tail.append(i % 5, head, body);
      }
      self.postMessage("done");
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  const worker = new Worker(url, { type: "module" });
  let done = false;
  worker.onmessage = () => done = true;
  const follower = new TailReader(memory);
  worker.postMessage(memory);
  let seen = 0, last = 0, lapped = 0;
  while (!done || follower.hasNext) {
    const step = follower.next();
    if (step === "empty") await new Promise((resolve) => setTimeout(resolve, 0));
    if (step === "lapped") {
      lapped++;
      follower.jumpToEnd();
    }
    if (step !== "record") continue;
    const i = new DataView(follower.bytes.buffer).getUint32(0, true);
    if (i <= last) throw new Error(`record ${i} after ${last}`);
    last = i;
    seen++;
    assertEquals(follower.bytes.length, 4 + i % 200);
    assertEquals(follower.type, i % 5);
    for (const byte of follower.bytes.subarray(4)) {
      if (byte !== (i & 255)) throw new Error(`record ${i} is mixed`);
    }
  }
  worker.terminate();
  URL.revokeObjectURL(url);
  if (lapped === 0) assertEquals(seen, 300_000);
  else assertEquals(last <= 300_000, true);
});

Deno.test("what a dead store left half-written is passed over, and never mistaken for a record", () => {
  const memory = createTailMemory(256);
  const first = new TailProducer(memory);
  const follower = new TailReader(memory);
  for (let i = 0; i < 14; i++) first.append(1, bytes("before"), bytes(""));
  while (follower.next() === "record");
  // The state of a store that died between moving `reserved` and `committed`: 10 units, over the ring's end.
  const state = new Int32Array(memory.buffer, 0, 32);
  Atomics.add(state, 0, 10);
  const second = new TailProducer(memory);
  second.append(2, bytes("after"), bytes(""));
  assertEquals([follower.next(), text(follower), follower.type], ["record", "after", 2]);
  assertEquals(follower.next(), "empty");
});
