/**
 * Our messages against those of other implementations, in both roles: recorded ones of rust-nostr's
 * negentropy, the program itself where cargo is at hand, and nostr-tools' client.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { nip77 } from "nostr-tools";
import { buildOracle, Oracle } from "../../tests/support/negentropy_oracle.ts";
import { type FrameLimits, runSession } from "../../tests/support/negentropy_session.ts";
import { treeOf, type TwoSets, twoSets, vectorOf } from "../../tests/support/negentropy_sets.ts";
import { digestMessage, SCENARIOS, type Vector } from "../../tests/support/negentropy_vectors.ts";
import vectors from "../../tests/support/negentropy_vectors.json" with { type: "json" };
import { Prng, seededPrng } from "../../tests/support/prng.ts";
import { initialMessage, reconcile, reconcileAnswer } from "./reconcile.ts";

const oracle = await buildOracle();

Deno.test("Every recorded scenario is there", () => {
  assertEquals(
    vectors.map(({ messages: _, ...scenario }) => scenario),
    SCENARIOS.map((scenario) => scenario),
  );
});

for (const { name, seed, sizes, frames, messages } of vectors as Vector[]) {
  Deno.test(`Both parties say what was recorded: ${name}`, () => {
    const sets = twoSets(new Prng(seed), sizes);
    for (const make of [vectorOf, treeOf]) {
      const session = runSession(make(sets.ours), make(sets.theirs), frames);
      assertEquals(session.messages.map(digestMessage), messages);
      assertEquals(session.have, sets.have);
      assertEquals(session.need, sets.need);
    }
  });
}

Deno.test({
  name: "rust-nostr's negentropy says the same bytes in both roles",
  ignore: oracle === null,
  async fn() {
    const prng = seededPrng("our messages and the oracle's");
    await using initiator = new Oracle(oracle!);
    await using responder = new Oracle(oracle!);
    for (let i = 0; i < 40; i++) {
      const { sets, frames } = randomCase(prng);
      await initiator.reset(sets.ours, frames.ours);
      await responder.reset(sets.theirs, frames.theirs);
      await compareSessions(initiator, responder, sets, frames);
    }
  },
});

Deno.test("nostr-tools' client learns the exact differences from our answers", () => {
  const prng = seededPrng("nostr-tools as a client");
  for (let i = 0; i < 20; i++) {
    const { sets, frames } = randomCase(prng);
    const storage = new nip77.NegentropyStorageVector();
    for (const { timestamp, id } of sets.ours) storage.insert(timestamp, id.toHex());
    storage.seal();
    const client = new nip77.Negentropy(storage, 60_000);
    const theirs = treeOf(sets.theirs);
    const have = new Set<string>();
    const need = new Set<string>();
    let message: string | null = client.initiate();
    while (message !== null) {
      const answer = reconcile(theirs, Uint8Array.fromHex(message), frames.theirs).toHex();
      message = client.reconcile(answer, (id: string) => have.add(id), (id: string) => need.add(id));
    }
    assertEquals([...have].sort(), sets.have);
    assertEquals([...need].sort(), sets.need);
  }
});

function randomCase(prng: Prng): { sets: TwoSets; frames: FrameLimits } {
  function size(): number {
    return prng.chance(0.2) ? 0 : prng.int(1, 2 ** prng.int(1, 11));
  }
  const sizes = {
    shared: size() * 2,
    ours: size(),
    theirs: size(),
    seconds: prng.pick([1, 40, 2_000, 100_000]),
  };
  function frame(): number {
    return prng.pick([0, 4_096, prng.int(4_096, 8_000), prng.int(4_096, 60_000)]);
  }
  return { sets: twoSets(prng, sizes), frames: { ours: frame(), theirs: frame() } };
}

/** Runs one session, in which each message is said by our party and by the oracle's. */
async function compareSessions(
  initiator: Oracle,
  responder: Oracle,
  sets: TwoSets,
  frames: FrameLimits,
): Promise<void> {
  const [ours, theirs] = [vectorOf(sets.ours), treeOf(sets.theirs)];
  let message = initialMessage(ours);
  assertEquals(message.toHex(), (await initiator.initiate()).message!.toHex());
  const have = new Set<string>();
  const need = new Set<string>();
  while (message.length > 1) {
    const answer = reconcile(theirs, message, frames.theirs);
    assertEquals(answer.toHex(), (await responder.receive(message)).message!.toHex());
    const said = await initiator.receive(answer);
    said.have.forEach((id) => have.add(id));
    said.need.forEach((id) => need.add(id));
    message = reconcileAnswer(ours, answer, frames.ours, () => {});
    if (message.length === 1) assert(said.message === null);
    else assertEquals(message.toHex(), said.message!.toHex());
  }
  assertEquals([...have].sort(), sets.have);
  assertEquals([...need].sort(), sets.need);
}
