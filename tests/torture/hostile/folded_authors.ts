/**
 * Filters that are filed under authors whose keys fold to one number, opened and closed again and again; then the
 * connection ends with all of them open.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { FILTER_VALUES_MAX } from "../../../lib/limits.ts";
import type { Attack } from "./attack.ts";
import { foldedPubkeys } from "./collisions.ts";
import { fitting } from "./filling.ts";

const REQUESTS = 100;

/** See the module's text. */
export const foldedAuthors: Attack = {
  name: "folded authors",
  async run(stage) {
    const { limits } = stage;
    const requests = Math.min(stage.amount(REQUESTS, 5), limits.max_subscriptions);
    const pubkeys = foldedPubkeys(stage.prng, FILTER_VALUES_MAX * requests);
    const assailant = await stage.open();
    let at = 0;
    for (let n = 0; n < requests && stage.goesOn; n++) {
      const authors = fitting(limits, pubkeys.slice(at, at + FILTER_VALUES_MAX));
      at += authors.length;
      if (!await assailant?.say(["REQ", `authors ${n}`, { authors, limit: 0 }])) return;
    }
    assailant?.[Symbol.dispose]();
  },
};
