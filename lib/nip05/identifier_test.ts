/**
 * Tests of reading identifiers and addresses. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { claimedIdentifier, readDomain, readIdentifier } from "./identifier.ts";
import { isPublicAddress } from "../network/public_address.ts";

Deno.test("an identifier is a name and a domain, in lower case, or a domain alone", () => {
  assertEquals(readIdentifier("Bob.1-x_y@Example.COM"), { name: "bob.1-x_y", domain: "example.com" });
  assertEquals(readIdentifier(" example.com "), { name: "_", domain: "example.com" });
  assertEquals(readIdentifier("_@bücher.example"), { name: "_", domain: "xn--bcher-kva.example" });
});

Deno.test("what names a port, a path, an address or no domain of the DNS is no identifier", () => {
  const wrong = [
    ...["", "@", "bob@", "bob@localhost", "bob@example", "a@b@example.com", "bob smith@example.com"],
    ...[
      "bob@example.com:8443",
      "bob@example.com/x",
      "bob@example.com?x",
      "bob@example.com#x",
      "b/b@example.com",
    ],
    ...["bob@127.0.0.1", "bob@0x7f.1", "bob@2130706433", "bob@[::1]", "bob@1.2.3", "bob@user:p@example.com"],
    ...[
      "bob@example..com",
      "bob@-example.com",
      "bob@ex%61mple.com",
      `bob@${"a".repeat(64)}.com`,
      "bob@a.b\\c",
    ],
    ...["bob@example.com\r\nHost: x", "b\r\nb@example.com", `${"b".repeat(65)}@example.com`],
  ];
  for (const text of wrong) assertEquals(readIdentifier(text), null, JSON.stringify(text));
  for (const value of [null, 1, {}, ["bob@example.com"]]) assertEquals(readIdentifier(value), null);
  assertEquals(readDomain("ｅxample.com"), "example.com");
});

Deno.test("a profile claims what its nip05 says, and a broken one claims nothing", () => {
  assertEquals(claimedIdentifier('{"nip05":"bob@example.com"}')?.name, "bob");
  for (const content of ["", "{", "[]", "null", '"nip05"', '{"nip05":1}', '{"name":"bob@example.com"}']) {
    assertEquals(claimedIdentifier(content), null, content);
  }
});

Deno.test("addresses of the operator's own networks, and of none, are not public, however they are written", () => {
  const hidden = [
    ...[
      "0.0.0.0",
      "10.1.2.3",
      "100.64.0.1",
      "100.127.255.255",
      "127.0.0.1",
      "127.255.255.254",
      "169.254.169.254",
    ],
    ...[
      "172.16.0.1",
      "172.31.255.255",
      "192.0.0.1",
      "192.0.2.1",
      "192.168.1.1",
      "198.18.0.1",
      "198.51.100.1",
    ],
    ...["203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
    ...[
      "::",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:10.0.0.1",
      "::127.0.0.1",
      "64:ff9b::a00:1",
      "fc00::1",
      "fd12::1",
    ],
    ...[
      "fe80::1",
      "fec0::1",
      "ff02::1",
      "2001::1",
      "2001:db8::1",
      "2002:7f00:1::1",
      "3fff::1",
      "100::1",
      "4000::1",
    ],
    ...["", "x", "localhost", "1.1.1.1/32x", "8.8.8.0/24", "0177.0.0.1"],
  ];
  for (const address of hidden) assert(!isPublicAddress(address), address);
  for (
    const address of ["1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00::1", "::ffff:1.1.1.1"]
  ) {
    assert(isPublicAddress(address), address);
  }
});
