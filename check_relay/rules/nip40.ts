/**
 * NIP-40: what has expired is neither taken nor served.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { DELAY_MS_MAX } from "../bounds.ts";
import { brief, demand, type Rule } from "../rule.ts";
import { type Event, type Key, now } from "../signer.ts";
import { patiently, type Subject } from "../subject.ts";

function expiring(relay: Subject, key: Key, at: number, kind = 1): Event {
  return relay.sign(key, { kind, tags: [["expiration", String(at)]], created_at: now() - 100 });
}

async function servedBefore(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await relay.store(writer, expiring(relay, relay.key(), now() + 3_600));
  return "an event that expires in an hour is served";
}

async function refused(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const event = expiring(relay, relay.key(), now() - 60);
  const ok = await relay.publish(writer, event);
  demand(ok[2] === false, `an expired event was answered ${brief(ok)}`);
  await relay.find(writer, { ids: [event.id] }, []);
  return brief(ok);
}

async function notServed(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const [soon, later] = [expiring(relay, key, now() + 3), relay.sign(key)];
  await relay.accept(writer, soon, later);
  await relay.find(writer, { authors: [key.pubkey] }, [soon.id, later.id]);
  const gone = await patiently(
    DELAY_MS_MAX,
    async () => (await relay.ids(writer, { ids: [soon.id] })).length === 0,
  );
  demand(gone, "served long after its expiration");
  const seconds = now() - Number(soon.tags[0]![1]);
  await relay.find(writer, { authors: [key.pubkey] }, [later.id]);
  return `no longer served ${seconds} s after its expiration`;
}

async function ephemeral(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  await reader.subscribe("soon", { authors: [key.pubkey] });
  const event = relay.sign(key, { kind: 20_040, tags: [["expiration", String(now() + 60)]] });
  writer.send(["EVENT", event]);
  await reader.live("soon", event.id);
  return "delivered as without expiration";
}

const rule = { nip: 40, section: "Relay Behavior", level: "advised" } as const;

export const NIP40_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "40/served-before",
    level: "required",
    says: "Until it expires an event is like any other.",
    check: servedBefore,
  },
  { ...rule, id: "40/expired-refused", says: "An event that has expired is dropped.", check: refused },
  {
    ...rule,
    id: "40/expired-not-served",
    says: "An event is not sent once it has expired.",
    check: notServed,
  },
  {
    ...rule,
    id: "40/ephemeral",
    says: "An expiration changes nothing for ephemeral events.",
    check: ephemeral,
  },
];
