/**
 * Tests of the file of streams, with real relays on both sides. Run on the main thread; relays belong to the tests.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { CuttableLink } from "./cuttable_link.ts";
import { ALLOWED, has, notes, publishAll, shown } from "./support.ts";

/** A plugin of the shell that rejects what holds the word. */
const PLUGIN = `#!/bin/sh
while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"id":"\\([0-9a-f]*\\)".*/\\1/')
  case "$line" in
    *unwanted*) echo "{\\"id\\":\\"$id\\",\\"action\\":\\"reject\\",\\"msg\\":\\"blocked: unwanted\\"}" ;;
    *) echo "{\\"id\\":\\"$id\\",\\"action\\":\\"accept\\"}" ;;
  esac
done
`;

Deno.test("streams of strfry's router file go up, down and both ways, and change with the file", async (t) => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/router.conf`;
  const plugin = `${folder}/plugin.sh`;
  await Deno.writeTextFile(plugin, PLUGIN, { mode: 0o755 });
  await using other = await startRelay();
  await using link = new CuttableLink(other.url);
  const streams = (upKinds: string) => `
    # what comes and goes
    streams {
      out { dir = "up" filter = { "kinds": [${upKinds}] } urls = ["${link.url}"] }
      in {
        dir = "down"
        pluginDown = "${plugin}"
        filter = { kinds: [7] }
        urls = [ "${link.url}" ]
      }
      twoway { dir = "both", filter = {"kinds":[30]}, urls = ["${link.url}"] }
    }`;
  await Deno.writeTextFile(file, streams("1, 40"));
  await using relay = await startRelay({ env: { ...ALLOWED, STREAMS_FILE: file } });
  await eventually(async () => (await shown(relay)).get(link.url)?.status === "open", 10_000, "it is open");

  await t.step("each kind goes the way of its stream", async () => {
    await using ours = await connect(relay.url);
    await using theirs = await connect(other.url);
    const up = notes(5);
    const there = notes(5, { kind: 7 });
    const both = [notes(3, { kind: 30 }), notes(3, { kind: 30 })] as const;
    await publishAll(ours, [...up, ...notes(2, { kind: 20 }), ...both[0]]);
    await publishAll(theirs, [...there, ...notes(2, { kind: 21 }), ...both[1]]);
    await eventually(() => has(theirs, [...up, ...both[0]]), 10_000, "what goes up is there");
    await eventually(() => has(ours, [...there, ...both[1]]), 10_000, "what comes down is here");
    assertEquals((await ours.query({ kinds: [21] })).events, []);
    assertEquals((await theirs.query({ kinds: [20] })).events, []);
    await eventually(
      async () => {
        const { sent, accepted } = (await shown(relay)).get(link.url)!;
        return sent === accepted && sent >= 8;
      },
      10_000,
      "they are counted",
    );
  });

  await t.step("a plugin decides about what comes down", async () => {
    await using ours = await connect(relay.url);
    await using theirs = await connect(other.url);
    const unwanted = notes(1, { kind: 7, content: "unwanted" });
    const wanted = notes(1, { kind: 7 });
    await publishAll(theirs, [...unwanted, ...wanted]);
    await eventually(() => has(ours, wanted), 10_000, "the wanted one is here");
    assert(!await has(ours, unwanted));
  });

  await t.step(
    "what is written while there is no way to the other goes up later, even after a kill",
    async () => {
      link.cut();
      const [before, after] = [notes(30), notes(30)];
      {
        await using ours = await connect(relay.url);
        await publishAll(ours, before);
      }
      await relay.kill();
      await relay.restart();
      {
        await using ours = await connect(relay.url);
        await publishAll(ours, after);
      }
      link.mend();
      await using theirs = await connect(other.url);
      await eventually(() => has(theirs, [...before, ...after]), 20_000, "what was missed is there");
    },
  );

  await t.step("a filter that is narrowed ends, and nothing else is interrupted", async () => {
    await Deno.writeTextFile(file, "streams { broken");
    await eventually(() => relay.output().includes("stays as it was"), 10_000, "the mistake is told");
    await Deno.writeTextFile(file, streams("40"));
    await eventually(() => relay.output().split("has 3 streams").length > 3, 10_000, "the file was read");
    await using ours = await connect(relay.url);
    await using theirs = await connect(other.url);
    const [narrowed, still] = [notes(2), notes(2, { kind: 40 })];
    await eventually(
      async () => (await shown(relay)).get(link.url)?.status === "open",
      10_000,
      "it is open",
    );
    await publishAll(ours, [...narrowed, ...still]);
    await eventually(() => has(theirs, still), 10_000, "the rest goes up");
    assert(!await has(theirs, narrowed.slice(0, 1)));
  });

  await relay.stop();
  await Deno.remove(folder, { recursive: true });
});
