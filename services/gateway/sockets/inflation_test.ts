/** Tests of inflating what a client sends: when, how much, and what ends it. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";
import { Inflation } from "./inflation.ts";

const BYTES_MAX = 10_000;

/** A message as a client deflates it (RFC 7692). */
function deflated(text: string): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** An inflation, the socket that it asks, and what it hands over: texts, and codes of errors. */
function inflating() {
  const socket = { isHeld: false, isOpen: true };
  const taken: (string | number)[] = [];
  const inflation = new Inflation(socket, BYTES_MAX, (code) => Object.assign(new Error(), { code }));
  const send = (data: Buffer, isLast = true) =>
    inflation.decompress(data, isLast, (error, bytes) => {
      taken.push(error === null ? Buffer.from(bytes!).toString() : (error as Error & { code: number }).code);
    });
  return { socket, taken, inflation, send };
}

Deno.test("a message is handed over inflated, never within the call that brought it", async () => {
  const { taken, send } = inflating();
  send(deflated("grain"));
  assertEquals(taken, []);
  await Promise.resolve();
  assertEquals(taken, ["grain"]);
});

Deno.test("while its sender has to wait, a message stays deflated", async () => {
  const { socket, taken, inflation, send } = inflating();
  socket.isHeld = true;
  send(deflated("grain"));
  await Promise.resolve();
  inflation.goOn();
  assertEquals(taken, []);
  socket.isHeld = false;
  inflation.goOn();
  inflation.goOn();
  assertEquals(taken, ["grain"]);
});

Deno.test("fragments stay deflated until the message is whole", async () => {
  const { taken, send } = inflating();
  const message = deflated("flour ".repeat(1_000));
  for (let at = 0; at < message.length; at += 10) {
    send(message.subarray(at, at + 10), at + 10 >= message.length);
    await Promise.resolve();
  }
  assertEquals(taken.slice(0, -1).join(""), "");
  assertEquals(taken.at(-1), "flour ".repeat(1_000));
});

Deno.test("a message that inflates beyond the bound is 1009, one that does not inflate 1007", async () => {
  const { taken, send } = inflating();
  send(deflated("x".repeat(BYTES_MAX)));
  await Promise.resolve();
  send(deflated("x".repeat(BYTES_MAX + 1)));
  await Promise.resolve();
  send(Buffer.from([0xff, 0xff]));
  await Promise.resolve();
  assertEquals(taken, ["x".repeat(BYTES_MAX), 1009, 1007]);
});

Deno.test("what a closed connection sent is not inflated, and nothing waits for it", async () => {
  const { socket, taken, inflation, send } = inflating();
  socket.isHeld = true;
  send(deflated("grain"));
  await Promise.resolve();
  socket.isOpen = false;
  inflation.goOn();
  assertEquals(taken, [""]);
});
