// Every import rule and every lint rule on architecture refuses what it names, and lets the right form pass.
import { spawnSync } from "node:child_process"
import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { check, checkFile } from "./check-imports.mjs"
import { root } from "./lib/repo.mjs"
import { tree } from "./lib/temporary.ts"

const manifests = new Map<string, unknown>([
  [
    "@tacit/core",
    {
      name: "@tacit/core",
      exports: { ".": {}, "./hazmat": {}, "./testing": {} },
      dependencies: { "@noble/hashes": "*", msgpackr: "*", "libsodium-sumo": "*", "fast-check": "*", ws: "*" },
      peerDependencies: { effect: "*" }
    }
  ],
  [
    "@tacit/transport-ws",
    {
      name: "@tacit/transport-ws",
      exports: { ".": {}, "./frames": {} },
      dependencies: { "@tacit/core": "*", "@tacit/storage": "*" }
    }
  ],
  [
    "@tacit/storage",
    {
      name: "@tacit/storage",
      exports: { ".": {} },
      dependencies: { "@tacit/core": "*", "@tacit/transport-ws": "*", "@tacit/transport-mqtt": "*" }
    }
  ],
  [
    "@tacit/relay",
    { name: "@tacit/relay", exports: { ".": {} }, dependencies: { "@tacit/storage": "*", "@tacit/transport-ws": "*" } }
  ],
  ["@tacit/vectors", { name: "@tacit/vectors", exports: { "./*.json": "./*.json" } }]
])

const rulesOf = (path: string, text: string): ReadonlyArray<string> =>
  checkFile(path, text, manifests).map((problem: string) => /\[([a-z]+)\]/.exec(problem)?.[1] ?? problem)

const core = "packages/core/src"

describe("check-imports refuses", () => {
  it.each([
    ["the barrel of Effect", `${core}/client/A.ts`, `import { Effect } from "effect"`, "barrel"],
    [
      "a runtime module of Effect in a pure folder",
      `${core}/ratchet/A.ts`,
      `import * as Effect from "effect/Effect"`,
      "pure"
    ],
    [
      "the type of a runtime module in a pure folder",
      `${core}/ratchet/A.ts`,
      `import type { Layer } from "effect/Layer"`,
      "pure"
    ],
    ["Context in a pure folder", `${core}/group/log/A.ts`, `export * from "effect/Context"`, "pure"],
    [
      "Stream in a pure folder through an import type",
      `${core}/vault/A.ts`,
      `export type S = import("effect/Stream").Stream<1>`,
      "pure"
    ],
    ["a port in a pure folder", `${core}/ratchet/A.ts`, `import { Store } from "../ports/Store.ts"`, "layer"],
    [
      "the client in a pure folder",
      `${core}/envelope/A.ts`,
      `import type { Client } from "../client/Client.ts"`,
      "layer"
    ],
    ["a session in a pure folder", `${core}/identity/A.ts`, `import { A } from "../session/A.ts"`, "layer"],
    ["an entry point from within", `${core}/client/A.ts`, `import { A } from "../index.ts"`, "layer"],
    ["the codec in base", `${core}/base/A.ts`, `import { A } from "../codec/A.ts"`, "layer"],
    ["crypto in the codec", `${core}/codec/A.ts`, `import { A } from "../crypto/A.ts"`, "layer"],
    ["a step in crypto", `${core}/crypto/A.ts`, `import { A } from "../ratchet/A.ts"`, "layer"],
    ["the client in session", `${core}/session/A.ts`, `import { A } from "../client/A.ts"`, "layer"],
    ["a folder without a place", `${core}/misc/A.ts`, `import { A } from "../base/A.ts"`, "layer"],
    ["a value from below in a port", `${core}/ports/A.ts`, `import { A } from "../crypto/Provider.ts"`, "ports"],
    ["a provider picked inside a step", `${core}/agreement/A.ts`, `import { A } from "../crypto/Noble.ts"`, "provider"],
    ["a platform module in core", `${core}/client/A.ts`, `import { readFileSync } from "node:fs"`, "platform"],
    [
      "a platform module by its bare name",
      `${core}/client/A.ts`,
      `import { readFileSync } from "fs/promises"`,
      "platform"
    ],
    [
      "a platform module through import()",
      `${core}/client/A.ts`,
      `export const a = () => import("node:fs")`,
      "platform"
    ],
    ["a platform package in core", `${core}/client/A.ts`, `import { WebSocket } from "ws"`, "platform"],
    ["libsodium outside crypto/Sodium.ts", `${core}/crypto/A.ts`, `import load from "libsodium-sumo"`, "platform"],
    ["noble outside crypto/Noble.ts", `${core}/crypto/A.ts`, `import { sha256 } from "@noble/hashes/sha2.js"`, "noble"],
    ["msgpackr outside the codec", `${core}/envelope/A.ts`, `import { pack } from "msgpackr"`, "codec"],
    ["a package that is not declared", `${core}/client/A.ts`, `import x from "left-pad"`, "declared"],
    ["an adapter in an adapter", "packages/transport-ws/src/A.ts", `import { A } from "@tacit/storage"`, "direction"],
    [
      "a transport in the storage",
      "packages/storage/src/A.ts",
      `import { A } from "@tacit/transport-mqtt"`,
      "direction"
    ],
    [
      "the client side of the transport in the relay",
      "packages/relay/src/A.ts",
      `import { A } from "@tacit/transport-ws"`,
      "direction"
    ],
    ["a package above core in core", `${core}/client/A.ts`, `import { A } from "@tacit/relay"`, "direction"],
    [
      "a path that the exports map does not list",
      "packages/storage/src/A.ts",
      `import { A } from "@tacit/core/src/base/Bytes.ts"`,
      "exports"
    ],
    [
      "such a path from a test as well",
      "packages/storage/test/A.test.ts",
      `import { A } from "@tacit/core/base/Bytes"`,
      "exports"
    ],
    [
      "a relative path into another package",
      "packages/storage/src/A.ts",
      `import { A } from "../../core/src/index.ts"`,
      "deep"
    ],
    ["such a path from an example", "examples/a.ts", `import { A } from "../packages/core/src/index.ts"`, "deep"],
    [
      "the conformance kit",
      "packages/core/test/a.test.ts",
      `import { A } from "../../../conformance/src/run.ts"`,
      "conformance"
    ],
    ["throw in a step", `${core}/ratchet/A.ts`, `export const a = () => { throw new Error("x") }`, "throw"],
    ["a label outside its home", `${core}/ratchet/A.ts`, `const a = "tacit/1 message key"`, "label"],
    ["a label in a template", "packages/relay/src/A.ts", "const a = (x: string) => `tacit/1 ${x}`", "label"],
    ["a file called utils", `${core}/client/utils.ts`, `export const a = 1`, "name"],
    ["text that does not parse", `${core}/client/A.ts`, `export const = 1`, "parse"]
  ])("%s", (_, path, text, rule) => {
    expect(rulesOf(path, text)).toContain(rule)
  })
})

describe("check-imports allows", () => {
  it.each([
    ["a pure module of Effect in a step", `${core}/ratchet/A.ts`, `import * as Result from "effect/Result"`],
    [
      "a step that uses lower folders",
      `${core}/ratchet/A.ts`,
      `import * as B from "../base/B.ts"\nimport * as H from "../envelope/H.ts"`
    ],
    ["types from below in a port", `${core}/ports/A.ts`, `import type { P } from "../crypto/Provider.ts"`],
    [
      "ports and steps in the client",
      `${core}/client/A.ts`,
      `import * as E from "effect/Effect"\nimport { S } from "../ports/S.ts"\nimport * as R from "../ratchet/R.ts"`
    ],
    ["noble in its home", `${core}/crypto/Noble.ts`, `import { sha256 } from "@noble/hashes/sha2.js"`],
    ["the platform in crypto/Node.ts", `${core}/crypto/Node.ts`, `import { hkdfSync } from "node:crypto"`],
    ["types of fast-check in testing", `${core}/testing/A.ts`, `import type * as F from "fast-check"`],
    ["libsodium in its home", `${core}/crypto/Sodium.ts`, `import load from "libsodium-sumo"`],
    [
      "throw in the home of defects",
      `${core}/base/Defect.ts`,
      `export const defect = (): never => { throw new TypeError("x") }`
    ],
    ["a label in its home", `${core}/crypto/Labels.ts`, `const a = "tacit/1 message key"`],
    [
      "a word about throwing in a comment or a string",
      `${core}/ratchet/A.ts`,
      `// throw import "node:fs"\nexport const a = "throw"`
    ],
    ["frames in the relay", "packages/relay/src/A.ts", `import { A } from "@tacit/transport-ws/frames"`],
    [
      "vectors in a test",
      "packages/core/test/a.test.ts",
      `import v from "@tacit/vectors/ratchet/chain.json" with { type: "json" }`
    ]
  ])("%s", (_, path, text) => {
    expect(checkFile(path, text, manifests)).toEqual([])
  })

  it("names the line of a problem", () => {
    expect(checkFile(`${core}/ratchet/A.ts`, `\n\nimport "node:fs"\n`, manifests)[0]).toMatch(
      /^packages\/core\/src\/ratchet\/A\.ts:3: /
    )
  })

  it("reads manifests and sources of a tree", () => {
    const base = tree({
      "packages/core/package.json": JSON.stringify({ name: "@tacit/core", exports: { ".": "./src/index.ts" } }),
      "packages/core/src/base/A.ts": `import "node:fs"\n`,
      "packages/storage/package.json": JSON.stringify({ name: "@tacit/storage", dependencies: { "@tacit/core": "0" } }),
      "packages/storage/src/index.ts": `import "@tacit/core/inside"\n`
    })
    const { files, problems } = check(base)
    expect(files).toBe(2)
    expect(problems).toHaveLength(2)
    expect(problems.join("\n")).toMatch(/\[platform\][^]*\[exports\]/)
  })
})

/** Runs the linter with the project's configuration over `files`; answers `path rule` for each finding. */
const lint = (files: Readonly<Record<string, string>>): ReadonlyArray<string> => {
  const base = tree(files)
  copyFileSync(join(root, ".oxlintrc.json"), join(base, ".oxlintrc.json"))
  const run = spawnSync(process.execPath, [join(root, "node_modules/oxlint/bin/oxlint"), "--format=json"], {
    cwd: base,
    encoding: "utf8"
  })
  const output = JSON.parse(run.stdout) as {
    readonly diagnostics: ReadonlyArray<{ readonly filename: string; readonly code: string }>
  }
  return output.diagnostics.map((finding) => `${finding.filename} ${finding.code}`)
}

describe("the linter refuses", () => {
  const cases: ReadonlyArray<readonly [string, string, string, string]> = [
    ["process in core", `${core}/client/a01.ts`, `export const a = process`, "eslint(no-restricted-globals)"],
    ["Buffer in core", `${core}/client/a02.ts`, `export const a = Buffer.alloc(1)`, "eslint(no-restricted-globals)"],
    ["fetch in core", `${core}/session/a03.ts`, `export const a = () => fetch("x")`, "eslint(no-restricted-globals)"],
    [
      "setTimeout in core",
      `${core}/client/a04.ts`,
      `export const a = () => setTimeout(() => 0, 1)`,
      "eslint(no-restricted-globals)"
    ],
    ["globalThis in core", `${core}/client/a05.ts`, `export const a = globalThis`, "eslint(no-restricted-globals)"],
    ["console in core", `${core}/client/a06.ts`, `console.log("x")\nexport const a = 1`, "eslint(no-console)"],
    [
      "the clock in a step",
      `${core}/ratchet/a07.ts`,
      `export const a = () => Date.now()`,
      "eslint(no-restricted-globals)"
    ],
    [
      "global crypto in a step",
      `${core}/agreement/a08.ts`,
      `export const a = () => crypto.randomUUID()`,
      "eslint(no-restricted-globals)"
    ],
    [
      "a promise in a step",
      `${core}/vault/a09.ts`,
      `export const a = () => Promise.resolve(1)`,
      "eslint(no-restricted-globals)"
    ],
    [
      "Math.random in a step",
      `${core}/base/a10.ts`,
      `export const a = () => Math.random()`,
      "eslint(no-restricted-properties)"
    ],
    ["async in a step", `${core}/codec/deep/a11.ts`, `export const a = async () => 1`, "oxc(no-async-await)"],
    ["a default export", "packages/relay/src/a12.ts", `export default 1`, "import(no-default-export)"],
    ["any", "packages/relay/src/a13.ts", `export const a = (x: any): unknown => x`, "typescript(no-explicit-any)"]
  ]
  it.each(cases)("%s", (_, path, text, code) => {
    expect(lint({ [path]: `${text}\n` })).toContain(`${path} ${code}`)
  })

  it("a cycle", () => {
    const findings = lint({
      "packages/relay/src/a.ts": `import { b } from "./b.ts"\nexport const a = () => b\n`,
      "packages/relay/src/b.ts": `import { a } from "./a.ts"\nexport const b = () => a\n`
    })
    expect(findings).toContain("packages/relay/src/a.ts import(no-cycle)")
  })
})

describe("the linter allows", () => {
  it("an argument called crypto in a step, the platform in crypto/Node.ts, and all names in tests", () => {
    expect(
      lint({
        [`${core}/ratchet/a.ts`]: `export const a = (crypto: { readonly name: string }): string => crypto.name\n`,
        [`${core}/crypto/Node.ts`]: `export const ready = async (): Promise<string> => process.version\n`,
        "packages/core/test/a.test.ts": `export const a = async () => [Date.now(), Buffer.alloc(1), process.pid]\n`
      })
    ).toEqual([])
  })
})
