/**
 * The explorer of the vectors as one page: every case with its rules, what differs from its twin, and its derivation, recomputed where
 * the page is opened.
 *
 * Spec: vectors/README.md.
 */
import type { Folder } from "../audit/Folder.ts"
import { dataElement, escapeHtml, frame, indexOf, suiteData } from "./Pages.ts"

/** The page for the suite in a folder. */
export const explorer = async (folder: Folder): Promise<string> => {
  const { manifest } = folder
  const body = `<a class="skip" href="#page">To the case</a>
<header class="top"><div><p class="kicker">Tacit test vectors, suite ${escapeHtml(manifest.suite)}</p><h1>Vector explorer</h1></div><div id="tools"></div></header>
<main>
<nav id="side" aria-label="Cases"></nav>
<article id="page" tabindex="-1"></article>
</main>
<noscript><p class="notice">The explorer recomputes in the page and needs JavaScript; nothing is loaded from elsewhere.</p></noscript>`
  return frame("explorer", "Tacit vectors", body, [dataElement("data-index", indexOf(folder)), ...suiteData(folder)])
}
