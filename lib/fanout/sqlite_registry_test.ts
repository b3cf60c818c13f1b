/** The registry in SQLite passes the suite of registries, and says that it is away when its file is. */
import { assertRejects } from "@std/assert";
import { RegistryAwayError } from "./registry.ts";
import { testRegistry } from "./registry_test_suite.ts";
import { SqliteRegistry } from "./sqlite_registry.ts";

async function inDirectory(test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  await test(`${directory}/fanout.db`);
  await Deno.remove(directory, { recursive: true });
}

testRegistry(
  "SQLite",
  (test) => inDirectory((path) => test((options) => Promise.resolve(new SqliteRegistry(path, options)))),
);

Deno.test("SQLite: a registry that was closed is away", () =>
  inDirectory(async (path) => {
    const registry = new SqliteRegistry(path);
    await registry.close();
    await assertRejects(() => registry.hasBot("a"), RegistryAwayError);
  }));
