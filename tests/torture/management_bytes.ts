/**
 * Bad bytes in management requests (NIP-86) by an operator who is one: the authorization fits, the body is mutated. Each is
 * answered with JSON, and never by 500. Methods that would refuse the other clients of this trial are left out.
 *
 * Runs in the process of whoever calls it.
 *
 * @module
 */
import { authorization, headerOf, post } from "../protocol/management.ts";
import type { Prng } from "../support/prng.ts";
import type { TestKey } from "../support/sign.ts";
import { mutateText, mutateValue } from "./mutations.ts";
import type { Findings } from "./trial.ts";

/** Asks until `untilMs`, or so many times. */
export async function fuzzManagement(
  httpUrl: string,
  operator: TestKey,
  prng: Prng,
  { findings, untilMs, requestsMax }: { findings: Findings; untilMs: number; requestsMax: number },
): Promise<void> {
  for (let sent = 0; sent < requestsMax && performance.now() < untilMs; sent++) {
    const request = someRequest(prng);
    const body = prng.chance(0.5)
      ? JSON.stringify({ ...request, params: mutateValue(prng, request.params) })
      : mutateText(prng, JSON.stringify(request)).toWellFormed();
    findings.count("management requests");
    try {
      const { status } = await post(httpUrl, body, headerOf(authorization(operator, httpUrl, body)));
      if (status >= 500) findings.fail("management", [`${status}: ${body}`]);
    } catch (error) {
      findings.fail("management", [`${error}: ${body}`]);
    }
  }
}

function someRequest(prng: Prng): { method: string; params: unknown[] } {
  return prng.pick([
    { method: "supportedmethods", params: [] },
    { method: "listbannedpubkeys", params: [] },
    { method: "banpubkey", params: [prng.hex(32), "spam"] },
    { method: "unbanpubkey", params: [prng.hex(32)] },
    { method: "banevent", params: [prng.hex(32), "spam"] },
    { method: "listeventsneedingmoderation", params: [] },
    { method: "changerelayname", params: ["a name"] },
    { method: "changerelaydescription", params: ["a text"] },
    { method: "createrole", params: [{ name: "friends", description: "people" }] },
    { method: "stats", params: [] },
  ]);
}
