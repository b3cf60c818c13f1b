/** The registry in Postgres passes the suite of registries, outlives an outage, and tells what it cannot use. */
import { assertEquals, assertRejects } from "@std/assert";
import { postgresPrograms, startPostgres, type TestPostgres } from "../../tests/support/postgres.ts";
import { PostgresRegistry } from "./postgres_registry.ts";
import { RegistryAwayError } from "./registry.ts";
import { testRegistry } from "./registry_test_suite.ts";
// @ts-types="@types/pg"
import pg from "pg";

const isMissing = postgresPrograms() === null;
let server: TestPostgres | undefined;

if (isMissing) {
  Deno.test.ignore("the registry in Postgres: initdb is not installed", () => {});
} else {
  Deno.test.beforeAll(async () => {
    server = await startPostgres();
  });
  Deno.test.afterAll(async () => await server![Symbol.asyncDispose]());

  testRegistry("Postgres", async (test) => {
    const url = await server!.newDatabase();
    await test((options) => Promise.resolve(new PostgresRegistry(url, options)));
  });

  Deno.test("Postgres: while the server is away the registry says so, and it goes on afterwards", async () => {
    const registry = new PostgresRegistry(await server!.newDatabase());
    const bot = { pubkey: "1".padStart(64, "0"), name: "one", nostrPubkey: null, ethAddress: null };
    await registry.register(bot);
    await server!.stop();
    await assertRejects(() => registry.changesAfter(0), RegistryAwayError);
    await assertRejects(() => registry.register(bot), RegistryAwayError);
    await server!.start();
    assertEquals((await registry.changesAfter(0)).bots, [bot.pubkey]);
    await registry.close();
  });

  Deno.test("Postgres: relays that start at once make the tables once", async () => {
    const url = await server!.newDatabase();
    const registries = Array.from({ length: 4 }, () => new PostgresRegistry(url));
    assertEquals(await Promise.all(registries.map((one) => one.bots({ after: "", max: 1 }))), [
      [],
      [],
      [],
      [],
    ]);
    await Promise.all(registries.map((one) => one.close()));
  });

  Deno.test("Postgres: tables of a newer program are not used", async () => {
    const url = await server!.newDatabase();
    const client = new pg.Client(url);
    await client.connect();
    await client.query(
      "CREATE TABLE sluice_schema (version integer NOT NULL); INSERT INTO sluice_schema VALUES (99)",
    );
    await client.end();
    const registry = new PostgresRegistry(url);
    await assertRejects(() => registry.hasBot("a"), RegistryAwayError, "its schema is version 99");
    await registry.close();
  });
}
