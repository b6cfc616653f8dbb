/** Arbitrary values of a layout, for property tests of frames. Sizes are kept small: bounds have tests of their own. */
import type { Layout } from "@tacit/core/hazmat"
import fc from "fast-check"

const most = 6

export const ofNode = (node: Layout.Node): fc.Arbitrary<unknown> => {
  switch (node.kind) {
    case "uint":
      return fc.oneof(
        fc.integer({ min: node.min, max: Math.min(node.max, node.min + 300) }),
        fc.maxSafeInteger().filter((value) => value >= node.min && value <= node.max)
      )
    case "literal":
      return fc.constant(node.value)
    case "bytes":
      return fc.uint8Array({ minLength: node.min, maxLength: Math.max(node.min, Math.min(node.max, 300)) })
    case "text":
      return fc.string({
        minLength: node.min,
        maxLength: Math.max(node.min, Math.floor(Math.min(node.max, 40) / 4)),
        unit: "grapheme-ascii"
      })
    case "list":
      return fc.array(ofNode(node.item), { minLength: node.min, maxLength: Math.min(node.max, most) })
    case "optional":
      return fc.option(ofNode(node.item), { nil: undefined })
    case "tuple":
      return fc.record(Object.fromEntries(node.fields.map((field) => [field.name, ofNode(field.node)])))
    case "extensions":
      return fc.record(
        {
          ...Object.fromEntries(node.known.map((entry) => [entry.name, ofNode(entry.node)])),
          unknown: fc.constant([])
        },
        { requiredKeys: ["unknown"] }
      )
    case "oneOf":
      return fc.oneof(...node.cases.map((entry) => ofNode(entry.node)))
  }
}

/** Values the layout holds. */
export const ofLayout = <T>(layout: Layout.Layout<T>): fc.Arbitrary<T> => ofNode(layout.node) as fc.Arbitrary<T>
