/** Tests of client addresses: a header counts from listed proxies only, and a client cannot name another's address. */
import { assertEquals } from "@std/assert";
import { ClientAddress } from "./client_address.ts";

const PROXIES = ["127.0.0.0/8", "::1", "10.1.2.3"];

/** The address that a request from `remote` has, with this header. */
function addressOf(remote: string, header: string | null, name: string | null = "X-Forwarded-For"): string {
  const headers = header === null ? {} : { "X-Forwarded-For": header };
  const settings = { REAL_IP_HEADER: name, TRUSTED_PROXIES: PROXIES };
  return new ClientAddress().of(new Headers(headers), remote, settings);
}

Deno.test("the header counts from listed proxies, by address and by network", () => {
  for (const proxy of ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3"]) {
    assertEquals(addressOf(proxy, "203.0.113.5"), "203.0.113.5", proxy);
    assertEquals(addressOf(proxy, "2001:db8::7"), "2001:db8::7", proxy);
  }
});

Deno.test("from anybody else it is ignored", () => {
  for (const remote of ["10.1.2.4", "203.0.113.9", "2001:db8::1", "::2"]) {
    assertEquals(addressOf(remote, "127.0.0.1"), remote);
  }
});

Deno.test("a proxy that is met over a socket of both families is the same proxy", () => {
  assertEquals(addressOf("::ffff:127.0.0.1", "203.0.113.5"), "203.0.113.5");
  assertEquals(addressOf("::ffff:10.1.2.4", "203.0.113.5"), "::ffff:10.1.2.4");
});

Deno.test("of a list the last entry counts, which the proxy itself wrote", () => {
  assertEquals(addressOf("127.0.0.1", "10.1.2.3, 198.51.100.1,203.0.113.5"), "203.0.113.5");
});

Deno.test("what is no address, or is missing, leaves the proxy's own", () => {
  for (const header of [null, "", ",", "unknown", "203.0.113.5:80", "203.0.113.5,", "localhost"]) {
    assertEquals(addressOf("127.0.0.1", header), "127.0.0.1", String(header));
  }
});

Deno.test("without REAL_IP_HEADER no header counts", () => {
  assertEquals(addressOf("127.0.0.1", "203.0.113.5", null), "127.0.0.1");
});
