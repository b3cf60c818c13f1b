/**
 * Searches of as many common words as act, in phrases and sorted, for as many hits as are served.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { SEARCH_BYTES_MAX, SEARCH_CLAUSES_MAX } from "../../../lib/limits.ts";
import { WORDS } from "../../pipeline/workload.ts";
import type { Attack, Stage } from "./attack.ts";

const ASKERS = 4;
const SEARCHES = 1_000;
/** Searches that a client has unanswered before it pauses. */
const BURST = 8;

/** See the module's text. */
export const searches: Attack = {
  name: "searches",
  async run(stage) {
    const askers = await stage.openMany(ASKERS);
    await Promise.all(askers.map(async (asker) => {
      for (let n = 0; n < stage.amount(SEARCHES, 16) && stage.goesOn; n++) {
        const filter = { search: searchText(stage), limit: stage.limits.max_limit };
        const verb = stage.prng.chance(0.3) ? "COUNT" : "REQ";
        if (!await asker.say([verb, `search ${n % 20}`, filter])) return;
        if (n % BURST === 0) await stage.pause(50);
      }
    }));
  },
};

function searchText(stage: Stage): string {
  const { prng } = stage;
  const frequent = [...WORDS, "number", "a", "1", "n*", "number*"];
  const clause = () => {
    const words = Array.from({ length: prng.int(1, 3) }, () => prng.pick(frequent)).join(" ");
    return prng.chance(0.3) ? `"${words}"` : prng.chance(0.2) ? `-${words}` : words;
  };
  const text = Array.from({ length: prng.int(1, 2 * SEARCH_CLAUSES_MAX) }, clause).join(
    prng.pick([" ", " OR "]),
  );
  return `${prng.chance(0.3) ? "sort:top " : ""}${text}`.slice(0, SEARCH_BYTES_MAX);
}
