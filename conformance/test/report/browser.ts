/** The text of a page, opened from disk in a headless Chromium. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Tab, withTab } from "../../../scripts/lib/browser.ts"

export { browser } from "../../../scripts/lib/browser.ts"

/** Opens a page's text as a file, with a hash, waits until it is ready, and hands it to `use`. It asks for nothing of the network. */
export const withPage = async <A>(text: string, hash: string, use: (page: Tab) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-page-"))
  const file = join(folder, "page.html")
  writeFileSync(file, text)
  try {
    return await withTab(`${pathToFileURL(file).href}${hash}`, use, /^(?:file|data|blob):/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
