/**
 * COUNTs over as many filters as one may have, each of which selects nearly all there is.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { FILTERS_MAX } from "../../../lib/limits.ts";
import type { Attack } from "./attack.ts";

const ASKERS = 4;
const COUNTS = 1_000;
const BURST = 8;

/** See the module's text. */
export const counts: Attack = {
  name: "counts",
  async run(stage) {
    const askers = await stage.openMany(ASKERS);
    await Promise.all(askers.map(async (asker) => {
      for (let n = 0; n < stage.amount(COUNTS, 16) && stage.goesOn; n++) {
        const filters = Array.from(
          { length: FILTERS_MAX },
          (_, at) => ({ since: at, until: 4_000_000_000 + n }),
        );
        if (!await asker.say(["COUNT", `count ${n % 20}`, ...filters])) return;
        if (n % BURST === 0) await stage.pause(50);
      }
    }));
  },
};
