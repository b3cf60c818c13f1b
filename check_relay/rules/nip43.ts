/**
 * NIP-43: a relay that keys can join says so with a key of its own, and answers claims. Nobody is made a member here:
 * that takes a code, which only the relay's own people get.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import type { Subject } from "../subject.ts";

function selfOf(relay: Subject): string {
  const { self } = relay.information.document ?? {};
  demand(typeof self === "string" && /^[0-9a-f]{64}$/.test(self), `self is ${brief(self)}`);
  return self;
}

function namesItself(relay: Subject): Promise<string> {
  relay.requireNip(43);
  return Promise.resolve(`self is ${selfOf(relay)}`);
}

async function refusesInvalidCode(relay: Subject): Promise<string> {
  relay.requireNip(43);
  const key = relay.key();
  await using connection = await relay.connect();
  const tags = [["-"], ["claim", crypto.randomUUID()]];
  const ok = await relay.publish(connection, relay.sign(key, { kind: 28_934, tags }));
  demand(ok[2] === false, `accepted: ${brief(ok)}`);
  demand(String(ok[3]).startsWith("restricted:"), `refused without restricted: ${brief(ok)}`);
  return brief(ok);
}

async function protectsItsList(relay: Subject): Promise<string> {
  relay.requireNip(43);
  const self = selfOf(relay);
  await using connection = await relay.join();
  const { events: [list] } = await relay.ask(connection, { kinds: [13_534], authors: [self] });
  if (list === undefined) throw new NotApplicable("the relay shows us no list of members, as it may");
  const { tags } = list;
  demand(tags.some(([name]) => name === "-"), `the list has no tag "-": ${brief(tags)}`);
  const odd = tags.filter(([name, value]) => name === "member" && !/^[0-9a-f]{64}$/.test(value ?? ""));
  demand(odd.length === 0, `member tags without a key: ${brief(odd)}`);
  return `a list with ${tags.length} tags`;
}

export const NIP43_RULES: readonly Rule[] = [
  {
    id: "43/self",
    nip: 43,
    section: "Membership Lists",
    level: "required",
    says: "What the relay signs is signed by the key that NIP-11 names as self.",
    check: namesItself,
  },
  {
    id: "43/invalid-code",
    nip: 43,
    section: "Join Request",
    level: "required",
    says: "A claim is answered by an OK, and one with an invalid code is refused with restricted:.",
    check: refusesInvalidCode,
  },
  {
    id: "43/list",
    nip: 43,
    section: "Membership Lists",
    level: "required",
    says: 'The list of members is protected by a tag "-" and names keys in hex.',
    check: protectsItsList,
  },
];
