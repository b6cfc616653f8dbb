/**
 * WebSocket frames in a stream of bytes, for somebody who stands on the wire.
 *
 * RFC 6455 §5.2. Reads and writes whole, uncompressed frames. Does not answer pings and checks no handshake.
 */

/** One frame. `masked` frames come from the client. `raw` is how it stood on the wire. */
export interface WireFrame {
  readonly final: boolean
  readonly compressed: boolean
  readonly opcode: number
  readonly masked: boolean
  readonly payload: Uint8Array
  readonly raw: Uint8Array
}

export const binary = 2

/** The first frame in `bytes`, or nothing while it is incomplete. */
export const read = (bytes: Uint8Array): WireFrame | undefined => {
  if (bytes.length < 2) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = view.getUint8(0)
  const second = view.getUint8(1)
  let at = 2
  let length = second & 0x7f
  if (length === 126) {
    if (bytes.length < 4) return undefined
    length = view.getUint16(2)
    at = 4
  } else if (length === 127) {
    if (bytes.length < 10) return undefined
    length = Number(view.getBigUint64(2))
    at = 10
  }
  const masked = (second & 0x80) !== 0
  const key = masked ? bytes.subarray(at, at + 4) : undefined
  if (masked) at += 4
  if (bytes.length < at + length) return undefined
  // Copies, and not by `slice`: a Buffer's would share memory with what is passed on.
  const payload = new Uint8Array(bytes.subarray(at, at + length))
  if (key !== undefined) for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (key[i & 3] ?? 0)
  return {
    final: (first & 0x80) !== 0,
    compressed: (first & 0x40) !== 0,
    opcode: first & 0x0f,
    masked,
    payload,
    raw: new Uint8Array(bytes.subarray(0, at + length))
  }
}

/** A whole binary message. A client's frame has to be masked; the mask is all zero, which leaves the payload as it is. */
export const write = (payload: Uint8Array, masked: boolean): Uint8Array => {
  const extra = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8
  const header = new Uint8Array(2 + extra + (masked ? 4 : 0))
  const view = new DataView(header.buffer)
  view.setUint8(0, 0x80 | binary)
  view.setUint8(1, (masked ? 0x80 : 0) | (extra === 0 ? payload.length : extra === 2 ? 126 : 127))
  if (extra === 2) view.setUint16(2, payload.length)
  if (extra === 8) view.setBigUint64(2, BigInt(payload.length))
  const frame = new Uint8Array(header.length + payload.length)
  frame.set(header)
  frame.set(payload, header.length)
  return frame
}
