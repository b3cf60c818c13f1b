/**
 * Tests of the circuit of one relay. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UPSTREAM_PATIENCE, UPSTREAM_RETRY_MOST_MS } from "../limits.ts";
import { Circuit } from "./circuit.ts";
import type { Failure } from "./failure.ts";

Deno.test("short pauses come first, and the circuit opens after as many failures as its kind allows", () => {
  for (const kind of Object.keys(UPSTREAM_PATIENCE) as Failure["kind"][]) {
    const circuit = new Circuit(() => 0.5);
    const { failures, firstMs } = UPSTREAM_PATIENCE[kind];
    for (let n = 1; n < failures; n++) {
      assert(circuit.failed(kind) <= UPSTREAM_RETRY_MOST_MS, kind);
      assertEquals(circuit.state, "closed", kind);
    }
    const pause = circuit.failed(kind);
    assertEquals(circuit.state, "open", kind);
    assert(pause >= firstMs / 2 && pause <= firstMs, `${kind} waits ${pause} ms`);
  }
});

Deno.test("a trial that fails opens the circuit for twice as long, up to a bound; a steady one closes it", () => {
  const circuit = new Circuit(() => 0.999_999);
  const { firstMs, mostMs } = UPSTREAM_PATIENCE.redirect;
  const pauses: number[] = [];
  for (let n = 0; n < 8; n++) {
    pauses.push(Math.round(circuit.failed("redirect") / firstMs));
    circuit.dials();
    assertEquals(circuit.state, "half-open");
  }
  assertEquals(pauses, [1, 2, 4, 8, 16, 24, 24, 24].map((many) => Math.min(many, mostMs / firstMs)));
  circuit.steady();
  assertEquals([circuit.state, circuit.failures], ["closed", 0]);
});

Deno.test("a relay that accepts and closes each time, and is never steady, ends with an open circuit", () => {
  const circuit = new Circuit(() => 0);
  for (let n = 0; n < UPSTREAM_PATIENCE.closed.failures; n++) {
    circuit.dials();
    circuit.failed("closed");
  }
  assertEquals(circuit.state, "open");
});
