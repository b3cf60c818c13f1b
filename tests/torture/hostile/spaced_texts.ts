/**
 * Events whose texts are long for regular expressions: spaces, repeats and near misses of what marks spam or an address.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { signEvent, testKey } from "../../support/sign.ts";
import type { Attack } from "./attack.ts";

const EVENTS = 2_000;
const CHARS = 4_000;
const KEY = testKey(9_050);

/** See the module's text. */
export const spacedTexts: Attack = {
  name: "spaced texts",
  async run(stage) {
    const sender = await stage.open();
    for (let n = 0; n < stage.amount(EVENTS, 50) && stage.goesOn; n++) {
      const piece = stage.prng.pick([
        " ",
        "\n \t",
        "a ",
        "http://",
        "$ ",
        "#a ",
        "1,000 ",
        "@",
        "!? ",
        "\u{1f4b0} ",
      ]);
      const content = `${piece.repeat(CHARS / piece.length)}${n} ${crypto.randomUUID()}`;
      if (!await sender?.say(["EVENT", signEvent(KEY, { content })])) return;
      if (n % 10 === 0) await stage.pause(5);
    }
  },
};
