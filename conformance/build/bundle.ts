/**
 * Bundles the programs and the style sheet of the pages from their source files.
 *
 * Used where the kit runs from its source tree, and by main.ts for the published package.
 */
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const folder = fileURLToPath(new URL("../page/", import.meta.url))
const common = {
  bundle: true,
  write: false,
  minify: true,
  logLevel: "silent",
  charset: "utf8",
  legalComments: "none"
} as const

/** The program of a page, as one script that needs nothing. */
export const script = async (page: "report" | "explorer"): Promise<string> => {
  const { outputFiles } = await build({
    ...common,
    entryPoints: [`${folder}${page}.ts`],
    format: "iife",
    platform: "browser",
    target: "es2023",
    conditions: ["@tacit/source"]
  })
  return outputFiles[0]!.text
}

/** The style sheet of both pages. */
export const style = async (): Promise<string> => {
  const { outputFiles } = await build({ ...common, entryPoints: [`${folder}style.css`] })
  return outputFiles[0]!.text
}
