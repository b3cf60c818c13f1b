/**
 * Tests of what asks for an invite code; how requests wait for one is tested with the gate.
 * Run on the main thread.
 *
 * @module
 */
import { assert } from "@std/assert";
import { parseFilter } from "../../lib/nostr/filter.ts";
import type { ManagementLink } from "../../runtime/management_link.ts";
import { Invites } from "./invites.ts";

const SELF = "a".repeat(64);

Deno.test("a code is asked for by its kind, unless the filter wants something else", () => {
  const invites = new Invites(SELF, {} as ManagementLink);
  const isAskedFor = (filter: Record<string, unknown>) =>
    invites.isAskedFor([parseFilter(filter, { limitMax: 10, limitDefault: 10 })]);
  assert(isAskedFor({ kinds: [28_935] }));
  assert(isAskedFor({ kinds: [1, 28_935], authors: [SELF] }));
  assert(!isAskedFor({}));
  for (
    const other of [{ kinds: [1] }, { authors: ["b".repeat(64)] }, { limit: 0 }, { ids: [SELF] }, {
      "#t": ["x"],
    }]
  ) {
    assert(!isAskedFor({ kinds: [28_935], ...other }), JSON.stringify(other));
  }
});
