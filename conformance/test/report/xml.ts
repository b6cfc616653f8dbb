/**
 * A strict reader of the XML that reports write: elements, attributes, text. It stops at everything that is not well formed.
 */
export interface Element {
  readonly name: string
  readonly attributes: { readonly [name: string]: string }
  readonly children: Array<Element>
  text: string
}

const entities: { readonly [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }
const plain = (text: string): string => {
  // Characters that XML 1.0 does not have.
  if (/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(text))
    throw new Error("a character XML does not have")
  if (/[<]|]]>/.test(text)) throw new Error("markup in text")
  if (/&(?!(?:amp|lt|gt|quot|apos);)/.test(text)) throw new Error("an ampersand alone")
  return text.replaceAll(/&(\w+);/g, (_, name: string) => entities[name] ?? "")
}

/** The root element. Throws when the text is not well formed. */
export const parseXml = (text: string): Element => {
  const root: Element = { name: "", attributes: {}, children: [], text: "" }
  const open: Array<Element> = [root]
  let at = 0
  const tag = /<(?:\?xml [^?]*\?>|(\/)?([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/)?>)/gy
  while (at < text.length) {
    const next = text.indexOf("<", at)
    const until = next < 0 ? text.length : next
    open.at(-1)!.text += plain(text.slice(at, until))
    if (next < 0) break
    tag.lastIndex = next
    const match = tag.exec(text)
    if (match === null) throw new Error(`not well formed at ${next}: ${text.slice(next, next + 40)}`)
    at = tag.lastIndex
    const [, closing, name, attributes, empty] = match
    if (name === undefined) continue
    if (closing !== undefined) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`)
      continue
    }
    const list = [...(attributes ?? "").matchAll(/([\w:-]+)="([^"]*)"/g)].map(
      ([, key, value]) => [key!, plain(value!)] as const
    )
    if (new Set(list.map(([key]) => key)).size !== list.length) throw new Error("an attribute stands twice")
    const element: Element = { name, attributes: Object.fromEntries(list), children: [], text: "" }
    open.at(-1)!.children.push(element)
    if (empty === undefined) open.push(element)
  }
  if (open.length !== 1 || root.children.length !== 1 || root.text.trim() !== "") throw new Error("not one element")
  return root.children[0]!
}

/** Every element of a name below another. */
export const elements = (root: Element, name: string): ReadonlyArray<Element> =>
  root.children.flatMap((child) => [...(child.name === name ? [child] : []), ...elements(child, name)])
