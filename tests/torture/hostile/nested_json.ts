/**
 * Messages of arrays and objects within each other, as deep as a message is long, alone and within a request or an event.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import type { Attack, Stage } from "./attack.ts";

const SENDERS = 3;
const MESSAGES = 300;

/** See the module's text. */
export const nestedJson: Attack = {
  name: "nested JSON",
  async run(stage) {
    const senders = await stage.openMany(SENDERS);
    await Promise.all(senders.map(async (sender) => {
      for (let n = 0; n < stage.amount(MESSAGES, 10) && stage.goesOn; n++) {
        if (!await sender.say(nested(stage))) return;
        await stage.pause(5);
      }
    }));
  },
};

function nested({ prng, limits }: Stage): string {
  const [open, close, inner] = prng.pick(
    [["[", "]", ""], ['{"a":', "}", "1"], ['[{"a":[', "]}]", ""]] as const,
  );
  const depth = Math.floor((limits.max_message_length - 1_000) / (open.length + close.length));
  const text = open.repeat(depth) + inner + close.repeat(depth);
  return prng.pick([
    text,
    open.repeat(depth),
    `["REQ","nested",{"#t":${text}}]`,
    `["EVENT",{"id":"","tags":${text}}]`,
    `["NEG-OPEN","nested",${text},"61"]`,
  ]);
}
