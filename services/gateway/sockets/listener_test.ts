/** A test of what the engines are built on. It reads their sources, on the main thread. */
import { assertEquals } from "@std/assert";

Deno.test("the engines import nothing of the gateway above them", async () => {
  const folder = new URL("./", import.meta.url);
  const strangers: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".ts") || /_test(_worker)?\.ts$/.test(name)) continue;
    const source = await Deno.readTextFile(new URL(name, folder));
    for (const [, path] of source.matchAll(/(?:from|import\() ?"(\.\.[^"]*)"/g)) {
      if (!/^\.\.\/\.\.\/\.\.\/(lib|runtime)\//.test(path!)) strangers.push(`${name}: ${path}`);
    }
  }
  assertEquals(strangers, []);
});
