/** Tests of lanes: order, fullness, restarts, the ring's end, two threads. */
import { assert, assertEquals } from "@std/assert";
import { createLaneMemory, LaneConsumer, LaneProducer } from "./lane.ts";

function put(lane: LaneProducer, text: string, type = 1): boolean {
  const bytes = new TextEncoder().encode(text);
  const at = lane.reserve(bytes.length);
  if (at < 0) return false;
  lane.bytes.set(bytes, at);
  lane.commit(type, bytes.length);
  return true;
}

function nextText(lane: LaneConsumer): string | null {
  if (!lane.next()) return null;
  return new TextDecoder().decode(lane.bytes.slice(lane.offset, lane.offset + lane.length));
}

Deno.test("a lane hands records over in order, with their types", () => {
  const memory = createLaneMemory(256);
  const producer = new LaneProducer(memory);
  const consumer = new LaneConsumer(memory);
  assertEquals(nextText(consumer), null);
  assert(put(producer, "one", 7));
  assert(put(producer, "", 8));
  assertEquals(nextText(consumer), "one");
  assertEquals(consumer.type, 7);
  assertEquals(nextText(consumer), "");
  assertEquals(consumer.type, 8);
  assertEquals(nextText(consumer), null);
});

Deno.test("a full lane refuses and takes again after a release", () => {
  const memory = createLaneMemory(64);
  const producer = new LaneProducer(memory);
  const consumer = new LaneConsumer(memory);
  for (let i = 0; i < 4; i++) assert(put(producer, "12345678"));
  assertEquals(put(producer, "x"), false);
  assertEquals(nextText(consumer), "12345678");
  assertEquals(put(producer, "x"), false, "read is not released");
  consumer.release();
  assert(put(producer, "12345678"));
  assertEquals(producer.usedBytes, 64);
});

Deno.test("a record that was read but not released is met again by the next consumer", () => {
  const memory = createLaneMemory(256);
  const producer = new LaneProducer(memory);
  put(producer, "a");
  put(producer, "b");
  const first = new LaneConsumer(memory);
  assertEquals(nextText(first), "a");
  first.release();
  assertEquals(nextText(first), "b");
  const second = new LaneConsumer(memory);
  assertEquals(nextText(second), "b");
});

Deno.test("a reservation that is not committed is never seen", () => {
  const memory = createLaneMemory(256);
  const producer = new LaneProducer(memory);
  producer.reserve(10);
  const restarted = new LaneProducer(memory);
  put(restarted, "whole");
  assertEquals(nextText(new LaneConsumer(memory)), "whole");
});

Deno.test("records of every size survive the end of the ring, 20,000 times", () => {
  const memory = createLaneMemory(256);
  const producer = new LaneProducer(memory);
  const consumer = new LaneConsumer(memory);
  let written = 0, read = 0;
  while (read < 20_000) {
    while (put(producer, `${written}:${"é".repeat(written % 23)}`)) written++;
    for (let n = 1 + read % 5; n > 0; n--) {
      const text = nextText(consumer);
      if (text === null) break;
      assertEquals(text, `${read}:${"é".repeat(read % 23)}`);
      read++;
    }
    consumer.release();
  }
});

Deno.test("two threads pass 200,000 records without losing or mixing one", async () => {
  const memory = createLaneMemory(4096);
  const source = `
    import { LaneProducer } from ${JSON.stringify(new URL("./lane.ts", import.meta.url).href)};
    self.onmessage = (message) => {
      const lane = new LaneProducer(message.data);
      for (let i = 0; i < 200_000; i++) {
        const bytes = 8 + i % 90;
        let at;
        while ((at = lane.reserve(bytes)) < 0);
        lane.bytes.fill(i & 255, at, at + bytes);
        lane.words[at / 4] = i;
        lane.commit(i % 7, bytes);
      }
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  const worker = new Worker(url, { type: "module" });
  worker.postMessage(memory);
  const lane = new LaneConsumer(memory);
  for (let i = 0; i < 200_000;) {
    if (!lane.next()) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      continue;
    }
    assertEquals(lane.words[lane.offset / 4], i);
    assertEquals(lane.length, 8 + i % 90);
    assertEquals(lane.type, i % 7);
    for (let b = lane.offset + 4; b < lane.offset + lane.length; b++) {
      if (lane.bytes[b] !== (i & 255)) throw new Error(`record ${i} is mixed at byte ${b - lane.offset}`);
    }
    lane.release();
    i++;
  }
  worker.terminate();
  URL.revokeObjectURL(url);
});
