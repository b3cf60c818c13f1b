/**
 * Runs the native test programs (`native/tests/*.c`) as they are and with AddressSanitizer and
 * UndefinedBehaviorSanitizer. Without a C compiler or libsecp256k1's source they are skipped, and the name says why.
 * Runs in the process of the tests.
 * `SEED`, a number, seeds them.
 *
 * @module
 */
import { assert } from "@std/assert";
import { AVX512_PROGRAMS } from "../scripts/native/compile.ts";
import { prepareNativePrograms } from "../scripts/native.ts";

const SEED = Deno.env.get("SEED") ?? "1";

/** Programs, what they test, and their amounts of work: plain, and with sanitizers, where they are slower. */
const PROGRAMS = {
  field_test: {
    what: "field arithmetic agrees with libsecp256k1 and keeps its bounds",
    amounts: [20_000, 2_000],
  },
  point_test: { what: "points and their tables agree with libsecp256k1", amounts: [400, 40] },
  walk_test: {
    what: "the walk agrees with libsecp256k1, and shows where points meet",
    amounts: [2_000, 150],
  },
  edge_test: { what: "edge cases get libsecp256k1's verdict in every tier", amounts: [1, 1] },
  verify_fuzz: {
    what: "lanes and batches agree with libsecp256k1 on spoiled signatures",
    amounts: [50_000, 5_000],
  },
  frames_fuzz: {
    what: "frames are read inside their bounds, and what was packed packs alike",
    amounts: [100_000, 10_000],
  },
} as const;
const NAMES = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];

/** Elsewhere the programs with AVX-512 instructions would end at their first such instruction. */
const hasAvx512 = await Deno.readTextFile("/proc/cpuinfo").then(
  (text) => text.includes("avx512ifma"),
  () => false,
);

for (const sanitize of [false, true]) {
  const prepared = await prepareNativePrograms(NAMES, sanitize);
  for (const [i, name] of NAMES.entries()) {
    const { what, amounts } = PROGRAMS[name];
    const title = `${name}: ${what}${sanitize ? ", sanitized" : ""} (SEED=${SEED})`;
    if ("reason" in prepared) {
      Deno.test({ name: `${title}: skipped, ${prepared.reason}`, ignore: true, fn() {} });
      continue;
    }
    if (AVX512_PROGRAMS.has(name) && !hasAvx512) {
      Deno.test({ name: `${title}: skipped, no AVX-512 IFMA`, ignore: true, fn() {} });
      continue;
    }
    const path = prepared.paths[i]!;
    Deno.test(title, async () => {
      const args = [SEED, String(amounts[sanitize ? 1 : 0])];
      const { success, stdout, stderr } = await new Deno.Command(path, { args }).output();
      const decoder = new TextDecoder();
      assert(success, decoder.decode(stdout) + decoder.decode(stderr));
    });
  }
}
