/**
 * Bundles the program and the style sheet of the device page from their source files.
 *
 * Used where the command runs from its source tree, and by main.ts for the published package.
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

/** The page's program, as one module that imports nothing. */
export const script = async (): Promise<string> => {
  const { outputFiles } = await build({
    ...common,
    entryPoints: [`${folder}device.ts`],
    format: "esm",
    platform: "browser",
    target: "es2023"
  })
  return outputFiles[0]!.text
}

/** Its style sheet. */
export const style = async (): Promise<string> => {
  const { outputFiles } = await build({ ...common, entryPoints: [`${folder}style.css`] })
  return outputFiles[0]!.text
}
