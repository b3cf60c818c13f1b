/** The tables of SECURITY.md say what the limits allow. */
import { assertEquals } from "@std/assert";
import * as limits from "../../../lib/limits.ts";
import { takenAtMostBytes } from "./worst_case.ts";

const MIB = 2 ** 20;
const text = await Deno.readTextFile(new URL("../../../SECURITY.md", import.meta.url));

/** The rows of tables, cell by cell. */
const rows = text.split("\n").filter((line) => line.startsWith("|"))
  .map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));

/** As the tables write it, in the unit of `like`. */
function written(value: number, like: string): string {
  const [, unit = ""] = like.split(" ");
  const amount = unit === "MiB" ? value / MIB : unit === "KiB" ? value / 1024 : value;
  return `${Math.round(amount).toLocaleString("en-US")}${unit && ` ${unit}`}`;
}

Deno.test("SECURITY.md states each bound as it is", () => {
  const stated = rows.flatMap(([, bound, most]) => {
    const [, name] = /^`([A-Z_\d]+)`$/.exec(bound ?? "") ?? [];
    return name === undefined || most === undefined ? [] : [{ name, most }];
  });
  assertEquals(stated.length > 20, true);
  const values = limits as unknown as Readonly<Record<string, number>>;
  assertEquals(stated, stated.map(({ name, most }) => ({ name, most: written(values[name] ?? NaN, most) })));
});

Deno.test("SECURITY.md states what hostile connections can take", () => {
  const stated = rows.filter(([count, most]) => /^[\d,]+$/.test(count ?? "") && most?.endsWith("MiB"));
  assertEquals(stated.length, 2);
  for (const [count, most] of stated) {
    assertEquals(most, written(takenAtMostBytes(Number(count!.replaceAll(",", ""))), "MiB MiB"));
  }
});
