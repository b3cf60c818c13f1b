/**
 * Tests of requests for invite codes that are taken back while they wait.
 * Run on the main thread, with a link whose answers the test gives.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { parseFilter } from "../../lib/nostr/filter.ts";
import type { ManagementLink } from "../../runtime/management_link.ts";
import type { InviteAnswer } from "../../wire/management_requests.ts";
import type { Connection } from "./connection.ts";
import { Invites } from "./invites.ts";

const SELF = "a".repeat(64);

function waitingInvites() {
  const answers: ((answer: InviteAnswer) => void)[] = [];
  const link = { invite: () => new Promise<InviteAnswer>((resolve) => answers.push(resolve)) };
  const connection = { auth: { authenticated: new Set() } } as unknown as Connection;
  const invites = new Invites(SELF, link as unknown as ManagementLink);
  const got: string[] = [];
  const ask = (id: string, name: string) => invites.ask(connection, id, () => got.push(name));
  return { invites, connection, answers, got, ask };
}

Deno.test("a request that is closed gets no code, and of two with one id the later does", async () => {
  const { invites, connection, answers, got, ask } = waitingInvites();
  const asked = [ask("a", "closed"), ask("b", "replaced"), ask("b", "the later"), ask("c", "another")];
  invites.cancel(connection, "a");
  assertEquals(invites.waitingOf(connection), 2);
  for (const answer of answers) answer({ event: "{}" });
  await Promise.all(asked);
  assertEquals(got, ["the later", "another"]);
  assertEquals(invites.waitingOf(connection), 0);
});

Deno.test("a client that has gone gets no code", async () => {
  const { invites, connection, answers, got, ask } = waitingInvites();
  const asked = [ask("a", "1"), ask("b", "2")];
  invites.forget(connection);
  for (const answer of answers) answer({ refusal: "error: x" });
  await Promise.all(asked);
  assertEquals(got, []);
});

Deno.test("a code is asked for by its kind, unless the filter wants something else", () => {
  const { invites } = waitingInvites();
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
