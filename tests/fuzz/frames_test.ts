/**
 * A short run of the differential fuzz of the frame reader, as `deno task fuzz frames` does it.
 * Runs in the process of the tests.
 *
 * @module
 */
import { assert } from "@std/assert";
import { prepareNative } from "../../scripts/native.ts";
import { seededPrng } from "../support/prng.ts";
import { compareFrames } from "./frames.ts";

const FRAMES = 20_000;

const { path, line } = await prepareNative();

Deno.test({
  name: `the frame reader takes what JavaScript takes, and packs it alike${path ? "" : `: skipped, ${line}`}`,
  ignore: path === null,
  async fn() {
    const { frames, right, taken } = await compareFrames(seededPrng("frames against JavaScript"), FRAMES);
    // Many frames are spoiled and many are not, or the comparison says nothing.
    assert(right > frames * 0.3 && right < frames * 0.9, `${right} of ${frames} frames are right`);
    assert(taken > right * 0.5, `${taken} of ${right} right frames are taken`);
  },
});
