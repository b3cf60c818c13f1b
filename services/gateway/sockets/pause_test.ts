/** Tests of pauses, which both engines keep: a socket that is paused is not read, and nothing is lost meanwhile. */
import { assertEquals } from "@std/assert";
import { OPCODE, openRawSocket } from "../../../tests/protocol/raw_socket.ts";
import { startEngine } from "./engine_test_fixture.ts";

for (const name of ["serve", "ws"] as const) {
  Deno.test(`after a pause comes everything that was sent meanwhile, in order (${name})`, async () => {
    using engine = await startEngine(name);
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
}
