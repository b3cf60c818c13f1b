/**
 * A short run of the differential fuzz of verification, as `deno task fuzz verify` does it. The longer ones of the
 * suite are in `native/native_test.ts`. Runs in the process of the tests.
 *
 * @module
 */
import { prepareNativePrograms } from "../../scripts/native.ts";
import { fuzzVerification } from "./verify.ts";

const prepared = await prepareNativePrograms(["verify_fuzz"], false);
const missing = "reason" in prepared ? `: skipped, ${prepared.reason}` : "";

Deno.test({
  name: `the tiers of lanes and of batches agree with libsecp256k1 on signatures of a fresh seed${missing}`,
  ignore: missing !== "",
  async fn() {
    await fuzzVerification(20_000);
  },
});
