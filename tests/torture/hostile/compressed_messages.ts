/**
 * Compressed messages: many that stay below every bound and inflate some hundredfold, from clients that read no answer;
 * and bombs that inflate to far more than a message may have. Only the engine `ws` inflates.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { constants, deflateRawSync } from "node:zlib";
import { OPCODE } from "../../protocol/raw_socket.ts";
import { signEvent, testKey } from "../../support/sign.ts";
import type { Attack, Stage } from "./attack.ts";
import { longEvent } from "./filling.ts";

const CONNECTIONS = 30;
const MESSAGES = 400;
const BOMBS = 40;
const BOMB_BYTES = 16 * 1024 * 1024;
const HEADERS = { "Sec-WebSocket-Extensions": "permessage-deflate" };
const KEY = testKey(9_040);

/** See the module's text. */
export const compressedMessages: Attack = {
  name: "compressed messages",
  engine: "ws",
  async run(stage) {
    const messages = [
      [
        "EVENT",
        longEvent(stage.limits, KEY, `${crypto.randomUUID()}${"x".repeat(stage.limits.max_content_length)}`),
      ],
      ["REQ", "wide", { "#t": ["y".repeat(stage.limits.max_message_length - 2_000)], limit: 0 }],
      ["EVENT", { ...signEvent(KEY), content: "z".repeat(stage.limits.max_content_length) }],
    ].map((message) => deflated(JSON.stringify(message)));
    const silent = await stage.openMany(stage.amount(CONNECTIONS, 4), { reads: false, headers: HEADERS });
    await Promise.all([
      ...silent.map(async (assailant) => {
        const payload = stage.prng.pick(messages);
        for (let n = 0; n < stage.amount(MESSAGES, 20) && stage.goesOn; n++) {
          if (!await assailant.send(OPCODE.text, payload, { deflated: true })) return;
        }
      }),
      dropBombs(stage),
    ]);
  },
};

async function dropBombs(stage: Stage): Promise<void> {
  const bomb = deflated("x".repeat(BOMB_BYTES));
  for (let n = 0; n < stage.amount(BOMBS, 3) && stage.goesOn; n++) {
    const assailant = await stage.open({ headers: HEADERS });
    await assailant?.send(OPCODE.text, bomb, { deflated: true });
  }
}

/** As RFC 7692 has it: without the last four bytes. */
function deflated(text: string): Uint8Array {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}
