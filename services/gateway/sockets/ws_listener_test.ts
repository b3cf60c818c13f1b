/** Tests of the `ws` engine alone: who is silent is asked and then left, and pages have bodies. */
import { assertEquals } from "@std/assert";
import { OPCODE, openRawSocket } from "../../../tests/protocol/raw_socket.ts";
import { startEngine } from "./engine_test_fixture.ts";

Deno.test("a client that is silent is asked for a sign, and left with 1001; one that answers stays", async () => {
  using engine = await startEngine("ws");
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

Deno.test("pages get their request's method, path and body", async () => {
  using engine = await startEngine("ws");
  const url = `http://127.0.0.1:${engine.port}/a/page?x=1`;
  assertEquals(await (await fetch(url)).text(), "GET /a/page ");
  const body = "b".repeat(100_000);
  assertEquals(await (await fetch(url, { method: "POST", body })).text(), `POST /a/page ${body}`);
  assertEquals(await (await fetch(url, { method: "HEAD" })).text(), "");
});
