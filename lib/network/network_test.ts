/**
 * Tests of addresses, networks and the list of blocked ones. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { BlockList, isIPv4 } from "node:net";
import { sender } from "../../tests/support/plain_event.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { AddressSet } from "./address_set.ts";
import { blockedAddresses } from "../policy/blocked_addresses.ts";
import { networkText, readNetwork } from "./network.ts";

function written(text: string): string | null {
  const network = readNetwork(text);
  return network && networkText(network);
}

Deno.test("addresses and networks are written in one way", () => {
  const cases = {
    "192.0.2.1": "192.0.2.1",
    "192.0.2.1/32": "192.0.2.1",
    "10.1.2.3/8": "10.0.0.0/8",
    "0.0.0.0/0": "0.0.0.0/0",
    "::ffff:192.0.2.1": "192.0.2.1",
    "::FFFF:c000:201": "192.0.2.1",
    "::ffff:10.0.0.0/104": "10.0.0.0/8",
    "2001:DB8:0:0:0:0:0:1": "2001:db8::1",
    "2001:db8::1:0:0:1": "2001:db8::1:0:0:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "2001:db8:10:0:1:1:1:1": "2001:db8:10:0:1:1:1:1",
    "1:0:0:2:0:0:3:4": "1::2:0:0:3:4",
    "::": "::",
    "::1": "::1",
    "1::": "1::",
    "2001:db8:ffff::/33": "2001:db8:8000::/33",
    "::/0": "::/0",
    "64:ff9b::192.0.2.1": "64:ff9b::c000:201",
  };
  for (const [text, expected] of Object.entries(cases)) assertEquals(written(text), expected, text);
});

Deno.test("what is neither address nor network is not read", () => {
  const texts = [
    "",
    "x",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "1.2.3.4/33",
    "1.2.3.4/",
    "1.2.3.4/-1",
    "::1/129",
    ":::",
    "1:2",
    "1.2.3.4 ",
    "fe80::1%eth0",
    "1.2.3.4/8/8",
  ];
  for (const text of texts) assertEquals(readNetwork(text), null, text);
});

Deno.test("a set holds addresses and whole networks, and gives them back in any spelling", () => {
  const set = new AddressSet();
  assert(!set.has("192.0.2.1"));
  assert(set.add("192.0.2.1") && set.add("10.0.0.0/8") && set.add("2001:db8::/32"));
  assert(!set.add("nonsense"));
  for (const inside of ["192.0.2.1", "::ffff:192.0.2.1", "10.255.0.1", "2001:db8:1::5"]) {
    assert(set.has(inside), inside);
  }
  for (const outside of ["192.0.2.2", "11.0.0.1", "2001:db9::1", "::192.0.2.1", "", "x"]) {
    assert(!set.has(outside), outside);
  }
  assert(set.delete("10.9.9.9/8"));
  assert(!set.delete("10.9.9.9/8"));
  assert(!set.delete("nonsense"));
  assert(!set.has("10.255.0.1"));
});

Deno.test("fuzz: the set agrees with the runtime's own list", () => {
  const prng = seededPrng("blocked networks against BlockList");
  for (let round = 0; round < 30; round++) {
    const set = new AddressSet();
    const oracle = new BlockList();
    const address = () =>
      prng.chance(0.5)
        ? Array.from({ length: 4 }, () => prng.pick([0, 1, 127, 128, 255])).join(".")
        // No group of zeros in front: an IPv4 address inside IPv6 is in no IPv6 network here.
        : ["8000", ...Array.from({ length: 7 }, () => prng.pick(["0", "1", "8000", "ffff"]))].join(":");
    for (let n = 0; n < 8; n++) {
      const member = address();
      const bits = prng.int(isIPv4(member) ? 1 : 2, isIPv4(member) ? 32 : 128);
      set.add(`${member}/${bits}`);
      oracle.addSubnet(member, bits, isIPv4(member) ? "ipv4" : "ipv6");
    }
    for (let n = 0; n < 60; n++) {
      const probe = address();
      assertEquals(set.has(probe), oracle.check(probe, isIPv4(probe) ? "ipv4" : "ipv6"), probe);
    }
  }
});

Deno.test("a blocked address is refused, and what came off no socket is not", () => {
  const blocked = new AddressSet();
  blocked.add("192.0.2.0/24");
  const policy = blockedAddresses({ blocked });
  assertEquals(policy(null, sender([], { ip: "192.0.2.77" })), "blocked: your address is blocked here");
  assertEquals(policy(null, sender([], { ip: "192.0.3.1" })), null);
  assertEquals(policy(null, sender([], { ip: null })), null);
});
