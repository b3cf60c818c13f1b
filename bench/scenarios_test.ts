/**
 * The benches in small: the driver against our relay, where it counts and nothing is timed. What the driver checks
 * (every query's number of events, each delivery once) is a test of the relay too. Needs cargo. Runs on a test's
 * thread.
 */
import { assertEquals } from "@std/assert";
import { corpus } from "./corpus.ts";
import { drive } from "./driver.ts";
import { main as intake } from "./intake.ts";
import { QUERY_KINDS } from "./query.ts";
import { readSetting, SETTING, target, withRelay } from "./scenario.ts";

const EVENTS = 2_000;
const hasCargo = await new Deno.Command("cargo", { args: ["--version"], stdout: "null", stderr: "null" })
  .output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: "every published event gets its OK, every query its exact events, every subscription each event once",
  ignore: !hasCargo,
  async fn(t) {
    const file = await corpus(EVENTS, 7);
    const setting = readSetting({ ...SETTING, data: await Deno.makeTempDir({ prefix: "sluice-bench-" }) });
    await withRelay(setting, async ({ relay }) => {
      const to = target(relay);
      await t.step("ingest", async () => {
        const line = await drive(["ingest", ...to, "--file", file, "--connections", 20, "--window", 8]);
        assertEquals([line.events, line.unanswered, line.problems], [EVENTS, 0, 0], JSON.stringify(line));
      });
      for (const kind of QUERY_KINDS) {
        await t.step(`query ${kind}`, async () => {
          const load = ["--kind", kind, "--seconds", 0.2, "--warmup", 0, "--window", 4];
          const line = await drive(["query", ...to, "--file", file, ...load]);
          assertEquals([line.wrong_answers, line.problems], [0, 0], JSON.stringify(line));
        });
      }
      await t.step("fanout", async () => {
        const crowd = ["--subscribers", 20, "--subscriptions", 400, "--matching", 100, "--events", 50];
        const line = await drive(["fanout", ...to, ...crowd]);
        assertEquals([line.deliveries, line.problems], [5_000, 0], JSON.stringify(line));
      });
    });
    await t.step("intake", () => intake(["--rounds", "1", "--events", `${EVENTS}`, "--seed", "7"]));
    await Deno.remove(setting.dataRoot);
  },
});
