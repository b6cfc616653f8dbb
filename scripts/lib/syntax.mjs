// The one walk over a syntax tree that the checks share.

/** Every node of a syntax tree, parents first. */
export function* nodes(node) {
  if (Array.isArray(node)) {
    for (const item of node) yield* nodes(item)
  } else if (node !== null && typeof node === "object") {
    if (typeof node.type === "string") yield node
    for (const value of Object.values(node)) if (value !== null && typeof value === "object") yield* nodes(value)
  }
}

/** The text of a literal or of a part of a template, as far as it holds text. */
export const spelled = (node) => {
  if (node.type === "Literal" && typeof node.value === "string") return node.value
  return node.type === "TemplateElement" ? node.value.raw : undefined
}
