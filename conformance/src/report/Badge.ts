/**
 * A run in one line for a README: a static SVG, and the JSON of a badge endpoint.
 *
 * Spec: docs/spec/21-conformance.md (level.honest.1).
 * Level, marks, version of the suite, waivers. No percentage. Red on a critical failure, grey without a level.
 */
import { escapeXml } from "./JUnit.ts"
import { line, standing, type Run } from "./Run.ts"

const colours = { red: "#b3261e", grey: "#6b7280", amber: "#8a5a00", green: "#1a7f4b" } as const
type Colour = keyof typeof colours

const colourOf = (run: Run): Colour => {
  const of = standing(run)
  if (of.critical.length > 0) return "red"
  if (of.level === undefined) return "grey"
  return of.waived > 0 ? "amber" : "green"
}

const label = "tacit conformance"

/** The right side of the badge. */
export const message = (run: Run): string => {
  const of = standing(run)
  const critical = of.critical.length
  return critical === 0 ? line(of) : `${line(of)} · ${critical} critical ${critical === 1 ? "failure" : "failures"}`
}

/** What a badge service reads (schema version 1). */
export const endpoint = (run: Run): { readonly [name: string]: string | number | boolean } => {
  const colour = colourOf(run)
  return {
    schemaVersion: 1,
    label,
    message: message(run),
    color: colours[colour].slice(1),
    isError: colour === "red"
  }
}

/** Width of a text in 11 px sans-serif, on the safe side, in px. `textLength` makes every viewer keep to it. */
const widthOf = (text: string): number =>
  Math.ceil(
    Array.from(text).reduce(
      (sum, c) => sum + (/[il.,·:|]/.test(c) ? 3.4 : /[mwMW]/.test(c) ? 9.6 : c === " " ? 3.6 : 6.5),
      0
    )
  )

/** The SVG text: nothing in it comes from elsewhere. */
export const svg = (run: Run): string => {
  const right = message(run)
  const [a, b] = [widthOf(label), widthOf(right)]
  const [left, whole] = [a + 14, a + b + 28]
  const title = escapeXml(`${label}: ${right}`)
  const text = (content: string, x: number, width: number): string =>
    `<text x="${x}" y="14" textLength="${width}" lengthAdjust="spacingAndGlyphs">${escapeXml(content)}</text>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${whole}" height="20" viewBox="0 0 ${whole} 20" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<clipPath id="r"><rect width="${whole}" height="20" rx="3"/></clipPath>`,
    `<g clip-path="url(#r)"><rect width="${left}" height="20" fill="#374151"/><rect x="${left}" width="${whole - left}" height="20" fill="${colours[colourOf(run)]}"/></g>`,
    `<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${text(label, 7, a)}${text(right, left + 7, b)}</g>`,
    "</svg>\n"
  ].join("")
}
