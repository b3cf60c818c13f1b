/** Tests of the rests of Deno's own WebSockets: nothing is lost, doubled or overtaken, whatever happens meanwhile. */
import { assertEquals } from "@std/assert";
import { SOCKET_TURN_MESSAGES_MAX } from "../../../lib/limits.ts";
import { OPCODE, openRawSocket, type RawSocket, textFrame } from "../../../tests/protocol/raw_socket.ts";
import { eventually } from "../../../tests/support/eventually.ts";
import { startEngine } from "./engine_test_fixture.ts";

const BOUND_MS = 30_000;

/** So many texts, of which the one that is due for a rest is `word`. */
function textsWith(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => n + 1 === SOCKET_TURN_MESSAGES_MAX ? word : `text ${n}`);
}

/** Writes all of them at once, so that they lie ready when the first is read. */
async function writeAll(socket: RawSocket, texts: readonly string[]): Promise<void> {
  await socket.write(new Uint8Array(await new Blob(texts.map(textFrame)).arrayBuffer()));
}

async function echoesOf(socket: RawSocket, count: number): Promise<string[]> {
  const echoes: string[] = [];
  while (echoes.length < count) {
    const frame = (await socket.next())!;
    assertEquals(frame.opcode, OPCODE.text);
    echoes.push(new TextDecoder().decode(frame.payload));
  }
  return echoes;
}

Deno.test("texts keep their order across many rests, on several sockets at once", async () => {
  using engine = await startEngine("serve");
  const texts = textsWith("in the middle", 20 * SOCKET_TURN_MESSAGES_MAX + 7);
  await Promise.all(Array.from({ length: 5 }, async () => {
    using socket = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
    const [, echoes] = await Promise.all([writeAll(socket, texts), echoesOf(socket, texts.length)]);
    assertEquals(echoes, texts);
  }));
});

Deno.test("what is sent in a rest arrives, before the answers to what waits behind it", async () => {
  using engine = await startEngine("serve");
  using socket = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  const texts = textsWith("send", 3 * SOCKET_TURN_MESSAGES_MAX);
  await writeAll(socket, texts);
  assertEquals(
    await echoesOf(socket, texts.length + 1),
    texts.toSpliced(SOCKET_TURN_MESSAGES_MAX, 0, "sent in a rest"),
  );
  assertEquals(engine.said, [["resting", 1]]);
});

Deno.test("a socket that is closed in a rest says so, and reads its client's part of that", async () => {
  using engine = await startEngine("serve");
  using socket = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  // What lies behind it in the system is not answered.
  await writeAll(socket, textsWith("close", SOCKET_TURN_MESSAGES_MAX));
  await echoesOf(socket, SOCKET_TURN_MESSAGES_MAX);
  const frame = (await socket.next())!;
  assertEquals(frame.opcode, OPCODE.close);
  assertEquals(new TextDecoder().decode(frame.payload.subarray(2)), "closed in a rest");
  await socket.send(OPCODE.close, frame.payload);
  await eventually(
    () => engine.said.some(([what]) => what === "closed"),
    BOUND_MS,
    "the gateway hears of it",
  );
  assertEquals(engine.said, [["resting", 1], ["closed"]]);
});

Deno.test("a client that closes, or is gone, in a rest of its socket is left", async () => {
  using engine = await startEngine("serve");
  const texts = textsWith("the last", SOCKET_TURN_MESSAGES_MAX);
  const close = new Uint8Array([0x88, 0x82, 0, 0, 0, 0, 3, 232]);
  using closing = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  await closing.write(new Uint8Array(await new Blob([...texts.map(textFrame), close]).arrayBuffer()));
  assertEquals(await echoesOf(closing, texts.length), texts);
  assertEquals(await closing.untilClosed(), 1000);
  await eventually(() => engine.said.length === 1, BOUND_MS, "the gateway hears of the one");
  const vanishing = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  await writeAll(vanishing, texts);
  vanishing[Symbol.dispose]();
  await eventually(() => engine.said.length === 2, BOUND_MS, "the gateway hears of the other");
  assertEquals(engine.said, [["closed"], ["closed"]]);
  // And serves on.
  using next = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  await writeAll(next, texts);
  assertEquals(await echoesOf(next, texts.length), texts);
});
