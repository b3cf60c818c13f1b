/**
 * NIP-17 and NIP-59: gift wraps are for whom they are addressed to.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { RelayConnection } from "../connection.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import { type Event, type Key, now } from "../signer.ts";
import type { Subject } from "../subject.ts";

const WRAP = 1059;
const EPHEMERAL_WRAP = 21_059;

/** A wrap by a key that is used once, as wraps are. */
function wrap(relay: Subject, recipient: Key, kind = WRAP): Event {
  const tags = [["p", recipient.pubkey]];
  return relay.sign(relay.key(), { kind, tags, content: btoa(crypto.randomUUID()), created_at: now() - 10 });
}

/** Sends wraps. @throws {NotApplicable} if the relay takes none. */
async function deliver(relay: Subject, writer: RelayConnection, ...wraps: Event[]): Promise<void> {
  for (const event of wraps) {
    const ok = await relay.publish(writer, event);
    if (ok[2] !== true) throw new NotApplicable(`gift wraps are not taken: ${brief(ok)}`);
  }
}

/** A connection on which these keys are proved. @throws {NotApplicable} where the relay knows no AUTH. */
async function as(relay: Subject, ...keys: Key[]): Promise<RelayConnection> {
  if (!relay.lists(42)) throw new NotApplicable("supported_nips has no 42, so nobody can be told apart");
  const connection = await relay.connect();
  if (connection.challenge === undefined) {
    connection.send(["REQ", "challenge-me", { kinds: [WRAP], limit: 1 }]);
  }
  for (const key of keys) await relay.authenticate(connection, key);
  return connection;
}

async function toRecipient(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const recipient = relay.key();
  const [stored, live] = [wrap(relay, recipient), wrap(relay, recipient)];
  await deliver(relay, writer, stored);
  await using reader = await as(relay, recipient);
  await relay.find(reader, { kinds: [WRAP], "#p": [recipient.pubkey] }, [stored.id]);
  await reader.subscribe("wraps", { kinds: [WRAP], "#p": [recipient.pubkey] });
  await deliver(relay, writer, live);
  await reader.live("wraps", live.id);
  return "the recipient gets a stored and a live one";
}

/** Demands that `reader` gets a wrap by no query, and not live. */
async function demandHidden(relay: Subject, reader: RelayConnection, recipient: Key): Promise<string> {
  await using writer = await relay.writer();
  const [stored, live] = [wrap(relay, recipient), wrap(relay, recipient)];
  await deliver(relay, writer, stored);
  let refusals = 0;
  const marker = relay.key();
  for (
    const filter of [{ kinds: [WRAP], "#p": [recipient.pubkey] }, { ids: [stored.id] }, {
      authors: [stored.pubkey],
    }]
  ) {
    const { events, end } = await reader.ask(filter);
    demand(events.length === 0, `${brief(Object.keys(filter))} brought the wrap`);
    if (end[0] === "CLOSED") refusals++;
  }
  await reader.subscribe("hidden", { authors: [live.pubkey, marker.pubkey] });
  await deliver(relay, writer, live);
  const sign = relay.sign(marker);
  await relay.accept(writer, sign);
  await reader.next(([type, , event]) => type === "EVENT" && (event as Event).id === sign.id, 2_000);
  demand(reader.drain("hidden").every(({ id }) => id !== live.id), "the wrap came live");
  return `four ways to ask, nothing came; ${refusals} were refused`;
}

async function notToStrangers(relay: Subject): Promise<string> {
  await using reader = await relay.connect();
  return await demandHidden(relay, reader, relay.key());
}

async function notToOthers(relay: Subject): Promise<string> {
  await using reader = await as(relay, relay.key());
  return await demandHidden(relay, reader, relay.key());
}

async function eachOfSeveral(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const keys = [relay.key(), relay.key()];
  const wraps = keys.map((key) => wrap(relay, key));
  await deliver(relay, writer, ...wraps);
  await using reader = await as(relay, ...keys);
  for (const [i, { pubkey }] of keys.entries()) {
    await relay.find(reader, { kinds: [WRAP], "#p": [pubkey] }, [wraps[i]!.id]);
  }
  return "who proved two keys gets the wraps of both";
}

async function deletable(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [recipient, stranger] = [relay.key(), relay.key()];
  const [kept, gone] = [wrap(relay, recipient), wrap(relay, recipient)];
  await deliver(relay, writer, kept, gone);
  await relay.publish(writer, relay.sign(stranger, { kind: 5, tags: [["e", kept.id], ["k", String(WRAP)]] }));
  await relay.accept(writer, relay.sign(recipient, { kind: 5, tags: [["e", gone.id], ["k", String(WRAP)]] }));
  await using reader = await as(relay, recipient);
  await relay.find(reader, { kinds: [WRAP], "#p": [recipient.pubkey] }, [kept.id]);
  return "the recipient's request deletes, a stranger's does not";
}

async function ephemeralNotStored(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const recipient = relay.key();
  await using reader = relay.lists(42) ? await as(relay, recipient) : await relay.join();
  await reader.subscribe("now", { kinds: [EPHEMERAL_WRAP], "#p": [recipient.pubkey] });
  const event = wrap(relay, recipient, EPHEMERAL_WRAP);
  await deliver(relay, writer, event);
  await reader.live("now", event.id);
  await relay.find(reader, { kinds: [EPHEMERAL_WRAP], "#p": [recipient.pubkey] }, []);
  return "delivered live, not found later";
}

const rule = { nip: 59, section: "Other Considerations", level: "advised" } as const;

export const NIP59_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "17/wraps-reach-recipient",
    nip: 17,
    section: "Relays",
    level: "required",
    says: "The p-tagged user, proved by AUTH, is served the gift wraps.",
    check: toRecipient,
  },
  {
    ...rule,
    id: "17/wraps-hidden",
    nip: 17,
    section: "Relays",
    says: "Gift wraps are served to users that they p-tag, by AUTH, to nobody else.",
    check: notToStrangers,
  },
  {
    ...rule,
    id: "59/other-key",
    says: "Another authenticated key is not served the wrap.",
    check: notToOthers,
  },
  {
    ...rule,
    id: "59/several-keys",
    says: "Every key of the connection is a recipient.",
    check: eachOfSeveral,
  },
  {
    ...rule,
    id: "59/recipient-deletes",
    says: "The p-tagged key may delete the wrap by NIP-09.",
    check: deletable,
  },
  {
    ...rule,
    id: "59/ephemeral-not-stored",
    section: "Ephemeral Gift Wrap Event Kind",
    level: "required",
    says: "Kind 21059 is never stored.",
    check: ephemeralNotStored,
  },
];
