import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const source = fileURLToPath(new URL("../src/", import.meta.url))

/** What a file of this package and the files it imports take from elsewhere. */
const imports = (entry: string): ReadonlySet<string> => {
  const seen = new Set<string>()
  const outside = new Set<string>()
  const walk = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const [, specifier] of readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)) {
      if (specifier!.startsWith(".")) walk(join(dirname(file), specifier!))
      else outside.add(specifier!)
    }
  }
  walk(join(source, entry))
  return outside
}

describe("the portable entries", () => {
  it.each(["portable.ts", "frames.ts"])("%s loads neither ws nor Node", (entry) => {
    const found = [...imports(entry)]
    expect(found.length).toBeGreaterThan(1)
    expect(found.filter((name) => !/^(@tacit\/core(\/hazmat)?|effect\/\w+)$/.test(name))).toEqual([])
  })

  it("the one for Node loads ws", () => {
    expect(imports("index.ts")).toContain("ws")
  })
})
