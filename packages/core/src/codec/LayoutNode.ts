/**
 * What a layout is made of, as plain data, and what follows from that alone.
 *
 * Spec: docs/spec/02-encoding.md §2.5.
 * Reads and writes nothing: codec/Layout.ts does.
 */

/** What a layout is made of, for tools that walk it. Plain data. */
export type Node =
  | { readonly kind: "uint"; readonly min: number; readonly max: number }
  | { readonly kind: "literal"; readonly value: number }
  | { readonly kind: "bytes"; readonly min: number; readonly max: number }
  | { readonly kind: "text"; readonly min: number; readonly max: number }
  | { readonly kind: "list"; readonly min: number; readonly max: number; readonly item: Node }
  | { readonly kind: "optional"; readonly item: Node }
  | { readonly kind: "tuple"; readonly fields: ReadonlyArray<{ readonly name: string; readonly node: Node }> }
  | {
      readonly kind: "extensions"
      readonly known: ReadonlyArray<{ readonly name: string; readonly key: number; readonly node: Node }>
    }
  | {
      readonly kind: "oneOf"
      readonly tag: string
      readonly cases: ReadonlyArray<{ readonly value: number; readonly node: Node }>
    }

/** Longest encoding of a uint up to `max`. */
export const uintBytes = (max: number): number =>
  max <= 0x7f ? 1 : max <= 0xff ? 2 : max <= 0xffff ? 3 : max <= 0xffff_ffff ? 5 : 9

/** Head of an array of up to `max` items. */
export const arrayHeaderBytes = (max: number): number => (max <= 0x0f ? 1 : 3)

/** Containers nested inside a layout, itself included. */
export const depthOf = (node: Node): number => {
  switch (node.kind) {
    case "list":
    case "optional":
      return 1 + depthOf(node.item)
    case "tuple":
      return 1 + Math.max(...node.fields.map((field) => depthOf(field.node)))
    case "extensions":
      return 1 + Math.max(0, ...node.known.map((entry) => depthOf(entry.node)))
    case "oneOf":
      return Math.max(...node.cases.map((entry) => depthOf(entry.node)))
    default:
      return 0
  }
}
