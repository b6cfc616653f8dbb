/**
 * Reports out of the lines of a run.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.events.1).
 * Each takes the text of result files and gives the text of a report; none runs anything.
 */
import * as Folder from "../audit/Folder.ts"
import { endpoint, svg } from "./Badge.ts"
import { html as page } from "./Html.ts"
import { junit as xml } from "./JUnit.ts"
import { read } from "./Run.ts"
import { summary as summarise } from "./Summary.ts"

export { NotResults } from "./Run.ts"

/** JUnit XML of one run. Throws `NotResults`. */
export const junit = (text: string): string => xml(read(text))

/** The summary of one run as JSON, ending in a line feed. Throws `NotResults`. */
export const summary = (text: string): string => `${JSON.stringify(summarise(read(text)), null, 2)}\n`

/** A badge as SVG, and as what a badge service reads. Throws `NotResults`. */
export const badgeFiles = (text: string): { readonly svg: string; readonly endpoint: string } => {
  const run = read(text)
  return { svg: svg(run), endpoint: `${JSON.stringify(endpoint(run), null, 2)}\n` }
}

/**
 * One page for one or more runs, which become columns. With the folder of the suite, case pages show script, bytes, derivation and
 * the quoted rules. Throws `NotResults`.
 */
export const html = async (texts: ReadonlyArray<string>, vectors?: string): Promise<string> =>
  page(texts.map(read), vectors === undefined ? undefined : Folder.read(vectors))
