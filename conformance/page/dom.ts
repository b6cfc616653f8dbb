/**
 * Building elements. Text goes in as text: nothing of a result or vector file is ever read as markup.
 */
export type Child = Node | string | undefined | ReadonlyArray<Child>

/** Attributes; `class` as it is written, listeners as `onclick`, absent values left out. */
export type Attributes = { readonly [name: string]: string | number | boolean | undefined | ((event: never) => void) }

export const append = (parent: Node, children: ReadonlyArray<Child>): void => {
  for (const child of children) {
    if (child === undefined) continue
    if (typeof child === "string") parent.appendChild(document.createTextNode(child))
    else if (child instanceof Node) parent.appendChild(child)
    else append(parent, child)
  }
}

export const h = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Child>
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === "function") element.addEventListener(name.slice(2), value as (event: Event) => void)
    else element.setAttribute(name, value === true ? "" : String(value))
  }
  append(element, children)
  return element
}

export const replace = (parent: Element, ...children: ReadonlyArray<Child>): void => {
  parent.replaceChildren()
  append(parent, children)
}

export const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`no element ${id}`)
  return found
}

/** A section with a heading. */
export const section = (title: string, ...children: ReadonlyArray<Child>): HTMLElement =>
  h("section", { class: "part" }, h("h3", {}, title), ...children)

/** Something opened on demand: its content is made when it is first opened. */
export const fold = (summary: Child, make: () => Child, open = false): HTMLDetailsElement => {
  const details = h("details", {}, h("summary", {}, summary))
  let made = false
  const fill = (): void => {
    if (made) return
    made = true
    append(details, [make()])
  }
  if (open) {
    details.open = true
    fill()
  }
  details.addEventListener("toggle", () => {
    if (details.open) fill()
  })
  return details
}

const themes = ["auto", "light", "dark"] as const

/** A button that goes through the themes: as the system says, light, dark. */
export const themeButton = (): HTMLButtonElement => {
  let at = 0
  const button = h("button", { type: "button", class: "quiet", title: "Colours: as the system, light, dark" })
  const show = (): void => {
    const theme = themes[at]!
    if (theme === "auto") delete document.documentElement.dataset["theme"]
    else document.documentElement.dataset["theme"] = theme
    button.textContent = `Theme: ${theme}`
  }
  button.addEventListener("click", () => {
    at = (at + 1) % themes.length
    show()
  })
  show()
  return button
}
