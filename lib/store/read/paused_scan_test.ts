/** Tests of a scan that pauses, over scans that only say where they stand. Run on the main thread. */
import { assertEquals } from "@std/assert";
import { PausedScan } from "./paused_scan.ts";
import type { EventScan, ScanPosition } from "./scan.ts";

const placeOf = (age: number): ScanPosition => ({ age, idKey: 0, remaining: 1, tied: 0 });
const scanAt = (age: number) => ({ position: placeOf(age) }) as EventScan;

Deno.test("a scan goes on while nothing is removed, and is left for one from its position when something is", () => {
  const paused = new PausedScan(9, 1_000);
  assertEquals(paused.place, null);
  paused.renew(1_000, null, 5);
  const scan = paused.begin(scanAt(3));
  paused.renew(1_001, null, 5);
  assertEquals([paused.open === scan, paused.place], [true, placeOf(3)]);
  paused.renew(1_001, null, 6);
  assertEquals([paused.open, paused.position, paused.place], [null, placeOf(3), placeOf(3)]);
  paused.begin(scanAt(4));
  assertEquals([paused.position, paused.place], [undefined, placeOf(4)]);
  paused.end();
  assertEquals(paused.place, null);
});

Deno.test("what is renewed holds for the scan that is open: later times, and other rights", () => {
  const paused = new PausedScan(9, 1_000, placeOf(7));
  const scan = paused.begin(scanAt(7));
  const mayRead = () => false;
  paused.renew(999, mayRead, 0);
  assertEquals([paused.now, paused.mayRead, paused.open], [1_000, mayRead, scan]);
  paused.renew(1_002, null, 0);
  assertEquals([paused.now, paused.mayRead, paused.seqMax], [1_002, null, 9]);
});
