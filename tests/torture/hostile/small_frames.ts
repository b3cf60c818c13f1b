/**
 * Messages in fragments of one byte, messages of one byte, pings in between, and messages that never end.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { OPCODE } from "../../protocol/raw_socket.ts";
import type { Attack } from "./attack.ts";

const SENDERS = 4;
const BLOCKS = 200;
const FRAMES_A_BLOCK = 1_000;
/** Of frames of one byte, masked with zeros: a fragment that is not the last, a message, a ping. */
const KINDS = [
  { first: OPCODE.text, opcode: OPCODE.continuation },
  { first: 0x80 | OPCODE.text, opcode: 0x80 | OPCODE.text },
  { first: 0x80 | OPCODE.ping, opcode: 0x80 | OPCODE.ping },
] as const;

/** See the module's text. */
export const smallFrames: Attack = {
  name: "small frames",
  async run(stage) {
    const work = Array.from({ length: SENDERS }, async () => {
      for (let n = 0; n < stage.amount(BLOCKS, 4) && stage.goesOn; n++) {
        // The relay may end a connection for these: the next one goes on.
        const sender = await stage.open();
        const { first, opcode } = stage.prng.pick(KINDS);
        await sender?.write(block(first, opcode));
        await stage.pause(20);
        sender?.[Symbol.dispose]();
      }
    });
    await Promise.all(work);
  },
};

function block(first: number, opcode: number): Uint8Array {
  const bytes = new Uint8Array(7 * FRAMES_A_BLOCK);
  for (let n = 0; n < FRAMES_A_BLOCK; n++) {
    bytes.set([n === 0 ? first : opcode, 0x81, 0, 0, 0, 0, 0x61], 7 * n);
  }
  return bytes;
}
