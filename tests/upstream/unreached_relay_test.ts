/**
 * A stream that goes up to a relay which cannot be reached at first. Runs on the main thread; relays belong to the test.
 *
 * @module
 */
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { CuttableLink } from "./cuttable_link.ts";
import { ALLOWED, has, notes, publishAll } from "./support.ts";

Deno.test("what is written before the relay of a new stream was ever reached goes up, even after a kill", async () => {
  const file = await Deno.makeTempFile({ suffix: ".conf" });
  await using other = await startRelay();
  await using link = new CuttableLink(other.url);
  link.cut();
  await Deno.writeTextFile(file, `streams { out { dir = "up" urls = ["${link.url}"] } }`);
  await using relay = await startRelay({ env: { ...ALLOWED, STREAMS_FILE: file } });
  const written = notes(100);
  {
    await using ours = await connect(relay.url);
    await publishAll(ours, written);
  }
  await relay.kill();
  await relay.restart();
  link.mend();
  await using theirs = await connect(other.url);
  await eventually(() => has(theirs, written), 20_000, "all of it is there");
  await Deno.remove(file);
});
