/** Building elements. Text goes in as text: nothing that was fetched is ever read as markup. */
export type Child = Node | string | undefined | ReadonlyArray<Child>

/** Attributes as they are written, listeners as `onclick`; absent ones are left out. */
export type Attributes = { readonly [name: string]: string | boolean | undefined | ((event: Event) => void) }

const append = (parent: Node, children: ReadonlyArray<Child>): void => {
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
    if (typeof value === "function") element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? "" : value)
  }
  append(element, children)
  return element
}

export const replace = (parent: Element, ...children: ReadonlyArray<Child>): void => {
  parent.replaceChildren()
  append(parent, children)
}
