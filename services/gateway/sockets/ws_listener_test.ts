/** Tests of the `ws` engine alone: who is silent is asked and then left, a pause is one, pages have bodies. */
import { assertEquals } from "@std/assert";
import { OPCODE, openRawSocket } from "../../../tests/protocol/raw_socket.ts";

/** The engine on a thread of its own, and what it has heard. */
async function startEngine() {
  const worker = new Worker(new URL("./ws_listener_test_worker.ts", import.meta.url), { type: "module" });
  const heard: unknown[][] = [];
  const port = await new Promise<number>((resolve) => {
    worker.onmessage = ({ data }) => data[0] === "port" ? resolve(data[1]) : void heard.push(data);
  });
  return { port, heard, [Symbol.dispose]: () => worker.terminate() };
}

Deno.test("a client that is silent is asked for a sign, and left with 1001; one that answers stays", async () => {
  using engine = await startEngine();
  using silent = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  using polite = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  const opcodes: number[] = [];
  // The polite one has answered at least once when the other one has been left.
  assertEquals((await polite.next())!.opcode, OPCODE.ping);
  await polite.send(OPCODE.pong, "");
  for (let frame = await silent.next(); frame !== null; frame = await silent.next()) {
    opcodes.push(frame.opcode);
    if (frame.opcode !== OPCODE.close) continue;
    assertEquals((frame.payload[0]! << 8) | frame.payload[1]!, 1001);
    await silent.send(OPCODE.close, frame.payload);
  }
  assertEquals(opcodes, [OPCODE.ping, OPCODE.close]);
  await polite.send(OPCODE.text, '["still here"]');
  assertEquals(await polite.nextMessage(), ["still here"]);
});

Deno.test("after a pause comes everything that was sent meanwhile, in order", async () => {
  using engine = await startEngine();
  using socket = await openRawSocket(`ws://127.0.0.1:${engine.port}`);
  const texts = [
    "pause",
    "one",
    "two",
    "pause",
    "three",
    ...Array.from({ length: 500 }, (_, n) => `more ${n}`),
  ];
  for (const text of texts) await socket.send(OPCODE.text, text);
  const echoes: string[] = [];
  while (echoes.length < texts.length) {
    const frame = (await socket.next())!;
    if (frame.opcode === OPCODE.text) echoes.push(new TextDecoder().decode(frame.payload));
    else await socket.send(OPCODE.pong, "");
  }
  assertEquals(echoes, texts);
});

Deno.test("pages get their request's method, path and body", async () => {
  using engine = await startEngine();
  const url = `http://127.0.0.1:${engine.port}/a/page?x=1`;
  assertEquals(await (await fetch(url)).text(), "GET /a/page ");
  const body = "b".repeat(100_000);
  assertEquals(await (await fetch(url, { method: "POST", body })).text(), `POST /a/page ${body}`);
  assertEquals(await (await fetch(url, { method: "HEAD" })).text(), "");
});
