/**
 * Where the items of an encoded value lie, and another form of it with the same meaning.
 *
 * Spec: docs/spec/02-encoding.md.
 * A reading of its own, without the SDK: the judge of canonical form must not be the judged. Reads the types that envelopes,
 * bundles and manifests are made of.
 */
import { Bytes } from "@tacit/core/hazmat"

/** An item: its head, its content behind the head, its end; what it is; and where in the structure. */
export interface Item {
  readonly start: number
  readonly content: number
  readonly end: number
  readonly type: "uint" | "bytes" | "text" | "list" | "map"
  readonly path: string
}

/** Every item of an encoded value, in order of their heads; `undefined` for what cannot be read. */
export const items = (bytes: Uint8Array): ReadonlyArray<Item> | undefined => {
  const found: Array<Item> = []
  const uint = (at: number, length: number): number | undefined => {
    if (at + length > bytes.length) return undefined
    let value = 0
    for (let i = 0; i < length; i++) value = value * 256 + bytes[at + i]!
    return value
  }
  const visit = (at: number, path: string, depth: number): number | undefined => {
    const head = bytes[at]
    if (head === undefined || depth > 16) return undefined
    const leaf = (type: Item["type"], content: number, length: number | undefined): number | undefined => {
      if (length === undefined || content + length > bytes.length) return undefined
      found.push({ start: at, content, end: content + length, type, path })
      return content + length
    }
    const many = (type: "list" | "map", content: number, count: number | undefined): number | undefined => {
      if (count === undefined || count > 4096) return undefined
      const index = found.push({ start: at, content, end: content, type, path }) - 1
      let end: number | undefined = content
      for (let i = 0; i < count * (type === "map" ? 2 : 1) && end !== undefined; i++) {
        end = visit(end, `${path}/${i}`, depth + 1)
      }
      if (end !== undefined) found[index] = { ...found[index]!, end }
      return end
    }
    if (head <= 0x7f) return leaf("uint", at, 1)
    if (head >= 0x80 && head <= 0x8f) return many("map", at + 1, head & 15)
    if (head >= 0x90 && head <= 0x9f) return many("list", at + 1, head & 15)
    if (head >= 0xa0 && head <= 0xbf) return leaf("text", at + 1, head & 31)
    switch (head) {
      case 0xc4:
      case 0xc5:
      case 0xc6: {
        const width = 1 << (head - 0xc4)
        return leaf("bytes", at + 1 + width, uint(at + 1, width))
      }
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return leaf("uint", at + 1, 1 << (head - 0xcc))
      case 0xd9:
      case 0xda:
        return leaf("text", at + 1 + (1 << (head - 0xd9)), uint(at + 1, 1 << (head - 0xd9)))
      case 0xdc:
      case 0xdd:
        return many("list", at + 1 + (2 << (head - 0xdc)), uint(at + 1, 2 << (head - 0xdc)))
      case 0xde:
      case 0xdf:
        return many("map", at + 1 + (2 << (head - 0xde)), uint(at + 1, 2 << (head - 0xde)))
      default:
        return undefined
    }
  }
  return visit(0, "", 0) === bytes.length ? found : undefined
}

const be = (value: number, length: number): Uint8Array => {
  const out = new Uint8Array(length)
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256
  return out
}

/** The same value with one item written longer than need be; `undefined` where the item has no longer form. */
export const longer = (bytes: Uint8Array, { content, end, start, type }: Item): Uint8Array | undefined => {
  const head = bytes[start]!
  const body = bytes.subarray(content, end)
  const before = bytes.subarray(0, start)
  const after = bytes.subarray(end)
  const length = end - content
  switch (type) {
    case "uint": {
      const value = head <= 0x7f ? head : body.reduce((sum, byte) => sum * 256 + byte, 0)
      if (head <= 0x7f) return Bytes.concat(before, Uint8Array.of(0xcc, value), after)
      const width = end - content
      return width === 8 ? undefined : Bytes.concat(before, Uint8Array.of(head + 1), be(value, width * 2), after)
    }
    case "bytes":
      return head === 0xc6
        ? undefined
        : Bytes.concat(before, Uint8Array.of(head + 1), be(length, head === 0xc4 ? 2 : 4), body, after)
    case "text":
      return head <= 0xbf ? Bytes.concat(before, Uint8Array.of(0xd9, length), body, after) : undefined
    case "list":
      return head <= 0x9f ? Bytes.concat(before, Uint8Array.of(0xdc), be(head & 15, 2), body, after) : undefined
    case "map":
      return head <= 0x8f ? Bytes.concat(before, Uint8Array.of(0xde), be(head & 15, 2), body, after) : undefined
  }
}

/** An array of four that begins an envelope: where its kind, its address and its body lie. */
export interface Envelope {
  readonly kind: number
  readonly to: Item
  readonly body: Item
  readonly all: ReadonlyArray<Item>
}

/** Takes an envelope apart; `undefined` for what is none. */
export const envelope = (bytes: Uint8Array): Envelope | undefined => {
  const all = items(bytes)
  const [root, version, kind, to, body] = all ?? []
  const isEnvelope =
    all?.length === 5 &&
    root?.type === "list" &&
    version?.type === "uint" &&
    kind?.type === "uint" &&
    body !== undefined
  return isEnvelope && to?.type === "bytes" && body.type === "bytes"
    ? { kind: bytes[kind.start]!, to, body, all }
    : undefined
}
