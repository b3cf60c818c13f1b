/** Tests of what may leave: bans, private kinds and expiry decide at the moment of sending. */
import { assertEquals } from "@std/assert";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import { eventParts, eventText } from "../nostr/event.ts";
import { PrivateKinds } from "../policy/private_kinds.ts";
import { ReadGate } from "../policy/read_gate.ts";
import { readEventFilter } from "./event_filter.ts";
import { ForwardRights } from "./forward_rights.ts";

Deno.test("banned, expired and private events stay, unless the filter names a private kind", () => {
  const banned = { bannedPubkeys: new Set<string>(), bannedEvents: new Set<string>() };
  const gate = new ReadGate(new PrivateKinds(new Set([4, 1059])), banned);
  const rights = new ForwardRights({
    gate,
    filter: readEventFilter({ kinds: [1, 4] }),
    nowSeconds: () => 100,
  });
  const allows = (fields: Parameters<typeof plainEvent>[0]) => {
    const event = plainEvent(fields);
    return rights.allows(eventText(event, eventParts(event)));
  };
  assertEquals([allows({ kind: 1 }), allows({ kind: 4 }), allows({ kind: 1059 })], [true, true, false]);
  const expiring = (at: string) => allows({ kind: 1, tags: [["expiration", at]] });
  assertEquals([expiring("100"), expiring("101"), expiring("x")], [false, true, true]);
  banned.bannedPubkeys.add(key("b"));
  banned.bannedEvents.add(key("c"));
  assertEquals([allows({ pubkey: key("b") }), allows({ id: key("c") }), allows({ id: key("d") })], [
    false,
    false,
    true,
  ]);
  assertEquals(rights.reachesPrivate, true);
  gate.use(new PrivateKinds(new Set([1059])));
  assertEquals(rights.reachesPrivate, false);
});
