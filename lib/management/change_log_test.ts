/**
 * Tests of the decisions' way from the thread that writes to those that follow. Run on the main thread, in files of
 * their own.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { MANAGEMENT_VERSION_BYTES, ManagementFollower, ManagementWriter } from "./change_log.ts";

const KEY = "a".repeat(64);
const OTHER = "b".repeat(64);

const nowSeconds = () => 1_700_000_000;

async function withWriter(test: (path: string, open: () => [ManagementWriter, SharedArrayBuffer]) => void) {
  const dir = await Deno.makeTempDir({ prefix: "sluice-management-" });
  const writers: ManagementWriter[] = [];
  try {
    test(`${dir}/management.db`, () => {
      const version = new SharedArrayBuffer(MANAGEMENT_VERSION_BYTES);
      writers.push(
        new ManagementWriter(`${dir}/management.db`, version, { nowSeconds }),
      );
      return [writers.at(-1)!, version];
    });
  } finally {
    for (const writer of writers) writer.close();
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a follower finds every change at its next look, and the views stay the same objects", async () => {
  await withWriter((path, open) => {
    const [writer, version] = open();
    const follower = new ManagementFollower(path, version);
    const { bannedPubkeys } = follower.view;
    assert(!follower.refresh());
    writer.run((state) => state.decide("pubkey", KEY, "banned", "spam"));
    assert(!bannedPubkeys.has(KEY));
    assert(follower.refresh());
    assert(bannedPubkeys.has(KEY));
    writer.run((state) => {
      state.withdraw("pubkey", KEY, "banned");
      state.setText("name", "Mill");
    });
    assert(follower.refresh());
    assertEquals([bannedPubkeys.has(KEY), follower.view.text("name")], [false, "Mill"]);
    assert(!follower.refresh());
    follower.close();
  });
});

Deno.test("a follower that comes later, and one of the next process, begin with the state as it is", async () => {
  await withWriter((path, open) => {
    const [writer, version] = open();
    writer.run((state) => state.decide("pubkey", KEY, "banned", ""));
    const late = new ManagementFollower(path, version);
    assert(late.view.bannedPubkeys.has(KEY));
    assert(!late.refresh());
    writer.run((state) => state.decide("pubkey", OTHER, "banned", ""));
    assert(late.refresh());
    assertEquals([...late.view.bannedPubkeys], [KEY, OTHER]);
    late.close();
    const [next, nextVersion] = open();
    const follower = new ManagementFollower(path, nextVersion);
    assertEquals([...follower.view.bannedPubkeys], [KEY, OTHER]);
    next.run((state) => state.withdraw("pubkey", KEY, "banned"));
    assert(follower.refresh());
    assertEquals([...follower.view.bannedPubkeys], [OTHER]);
    follower.close();
  });
});

Deno.test("a writer that continues says what its predecessor decided, to those that follow already", async () => {
  await withWriter((path, open) => {
    const [writer, version] = open();
    writer.run((state) => state.decide("pubkey", KEY, "banned", ""));
    const follower = new ManagementFollower(path, version);
    writer.run((state) => state.setText("name", "Mill"));
    // It died before it said so.
    Atomics.store(new Int32Array(version), 0, 1);
    assert(!follower.refresh());
    const next = new ManagementWriter(path, version, { nowSeconds, continues: true });
    assert(follower.refresh());
    assertEquals(follower.view.text("name"), "Mill");
    next.run((state) => state.decide("pubkey", OTHER, "banned", ""));
    assert(follower.refresh());
    assertEquals([...follower.view.bannedPubkeys], [KEY, OTHER]);
    follower.close();
    next.close();
  });
});

Deno.test("what fails in the middle has not happened, for anybody", async () => {
  await withWriter((path, open) => {
    const [writer, version] = open();
    const follower = new ManagementFollower(path, version);
    assertThrows(
      () =>
        writer.run((state) => {
          state.decide("pubkey", KEY, "banned", "");
          throw new Error("half way");
        }),
      Error,
      "half way",
    );
    assert(!follower.refresh());
    assertEquals(writer.run((state) => state.entries("pubkey", "banned")), []);
    assertEquals(writer.run((state) => state.count("pubkey", "banned")), 0);
    writer.run((state) => state.decide("pubkey", OTHER, "banned", ""));
    assert(follower.refresh());
    assertEquals([...follower.view.bannedPubkeys], [OTHER]);
    follower.close();
  });
});
