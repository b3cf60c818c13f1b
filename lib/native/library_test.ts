/** Tests of the binding of the project's own library; they need it built. Run on the main thread. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { prepareNative } from "../../scripts/native.ts";
import { openNativeLibrary } from "./library.ts";

const { path } = await prepareNative();

Deno.test({
  name: "a thread opens the library once, and the last of its users closes it",
  ignore: path === null,
  fn() {
    const first = openNativeLibrary(path!);
    const second = openNativeLibrary(path!);
    assertStrictEquals(first.symbols, second.symbols);
    first.close();
    assert(second.symbols.sluice_tiers() > 0);
    second.close();
    // Were it still open, the sanitizer of resources would say so.
    const again = openNativeLibrary(path!);
    assertEquals(again.symbols === second.symbols, false);
    again.close();
  },
});

Deno.test("a library that is not there is an error each time", () => {
  for (let n = 0; n < 2; n++) assertThrows(() => openNativeLibrary("/nowhere/libsluice.so"));
});

Deno.test("only the modules of this folder open libraries", async () => {
  const found: string[] = [];
  for (const layer of ["lib", "wire", "runtime", "services"]) {
    await collect(new URL(`../../${layer}/`, import.meta.url), found);
  }
  assertEquals(found.sort(), ["library.ts", "system_secp256k1.ts"]);
});

async function collect(folder: URL, found: string[]): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await collect(new URL(`${name}/`, folder), found);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) {
      if ((await Deno.readTextFile(new URL(name, folder))).includes("Deno.dlopen(")) found.push(name);
    }
  }
}
