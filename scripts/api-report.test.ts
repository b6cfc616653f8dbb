// The report of a public surface: complete, in a stable order, without comments.
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { packageReport } from "./api-report.mjs"
import { tree } from "./lib/temporary.ts"

const manifest = {
  name: "@tacit/demo",
  exports: { ".": { types: "./dist/index.d.ts" }, "./package.json": "./package.json" }
}

const reportOf = (files: Readonly<Record<string, string>>): string => {
  const base = tree(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [join("packages/demo/dist", path), text]))
  )
  const { text, problems } = packageReport({ folder: "packages/demo", manifest }, base)
  expect(problems).toEqual([])
  return text.split("\n").slice(4).join("\n")
}

describe("api-report", () => {
  it("prints exported declarations by name, overloads together, comments left out", () => {
    const text = reportOf({
      "index.d.ts": `/** Second. */
export declare const b: number;
/** First. */
export declare function a(x: string): void;
export declare function a(x: number): void;
export interface C {
    /** Said of it. */
    readonly d: string;
}
export {};
`
    })
    expect(text).toBe(`## @tacit/demo

\`\`\`ts
export interface C {
    readonly d: string;
}
export declare function a(x: string): void;
export declare function a(x: number): void;
export declare const b: number;
\`\`\`
`)
  })

  it("follows re-exports, namespaces, aliases and stars, and names what belongs to others", () => {
    const text = reportOf({
      "index.d.ts": `export * from "./deep/star.js";
export * as Space from "./space.js";
export { one as uno } from "./deep/star.js";
import { local } from "./local.js";
export { local };
export { Result } from "effect/Result";
export * from "effect/Data";
`,
      "deep/star.d.ts": "export declare const one = 1;\n",
      "space.d.ts": "export declare const inside: string;\n",
      "local.d.ts": "declare const local: 2;\nexport { local };\n"
    })
    expect(text).toContain("export declare const one = 1;\n// uno is\nexport declare const one = 1;")
    expect(text).toContain("declare const local: 2;")
    expect(text).toContain('export { Result as Result } from "effect/Result"')
    expect(text).toContain('export * from "effect/Data"')
    expect(text).toContain("## @tacit/demo · Space\n\n```ts\nexport declare const inside: string;")
  })

  it("adds what exported declarations mention but the entry does not export", () => {
    const text = reportOf({
      "index.d.ts": `import type { Shape } from "./shape.js";
import * as Space from "./space.js";
declare const P_base: { readonly a: 1 };
export declare class P extends P_base {
    shape: Shape;
    other: Space.Other;
    third: import("./third.js").Third;
}
export {};
`,
      "shape.d.ts":
        "export interface Shape {\n    readonly deeper: Deeper;\n}\ninterface Deeper {\n    readonly x: 1;\n}\nexport {};\n",
      "space.d.ts": "export type Other = 2;\n",
      "third.d.ts": "export type Third = 3;\n"
    })
    const mentioned = text.slice(text.indexOf("### Mentioned"))
    expect(mentioned.match(/Deeper \{|type Other|P_base|Shape \{|type Third/g)).toEqual([
      "Deeper {",
      "type Other",
      "P_base",
      "Shape {",
      "type Third"
    ])
  })

  it("does not pass over an entry that was not built", () => {
    const { problems } = packageReport({ folder: "packages/demo", manifest }, tree({ "README.md": "" }))
    expect(problems).toEqual(["packages/demo/./dist/index.d.ts is missing: build first"])
  })
})
