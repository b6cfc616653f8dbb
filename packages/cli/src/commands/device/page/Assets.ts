/**
 * The device page's files: one document, one script, one style sheet.
 *
 * Spec: none. In the built package they lie beside this program; in the source tree they are bundled when they are asked for.
 */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export interface Assets {
  readonly document: string
  readonly script: string
  readonly style: string
}

/** What bundles the page in the source tree. */
interface Bundler {
  readonly script: () => Promise<string>
  readonly style: () => Promise<string>
}

/** Holds nothing of the account: everything is fetched by who is logged in. */
const document = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Devices</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<script src="/device.js" type="module"></script>
</head>
<body>
<noscript><p>This page needs JavaScript. The same is done with <code>tacit device</code> in a terminal.</p></noscript>
<div id="page"></div>
</body>
</html>
`

/** Reads or makes them. */
export const load = async (): Promise<Assets> => {
  const built = new URL("./page/device.js", import.meta.url)
  if (existsSync(fileURLToPath(built))) {
    return {
      document,
      script: readFileSync(built, "utf8"),
      style: readFileSync(new URL("./page/style.css", import.meta.url), "utf8")
    }
  }
  const source = new URL("../../../../build/bundle.ts", import.meta.url)
  const { script, style } = (await import(source.href)) as Bundler
  return { document, script: await script(), style: await style() }
}
