/**
 * Addresses of a broker with a steward on it: `mqtt://[user:password@]host[:port][/root][?key=hex]`.
 *
 * Spec: docs/spec/18-mqtt.md §18.1 (rules mqtt.address.1–2).
 * Takes apart and judges; connects to nothing.
 */
import { Bytes } from "@tacit/core/hazmat"
import { InvalidAddress } from "@tacit/transport-ws/carrier"
import * as Result from "effect/Result"
import * as Topics from "./Topics.ts"

export interface Address {
  /** For the broker: scheme, host and port. */
  readonly broker: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly root: string
  /** X25519 key of the steward, 32 bytes, where it is known beforehand. */
  readonly stewardKey: Uint8Array | undefined
}

const secure: ReadonlySet<string> = new Set(["mqtts:"])
const plain: ReadonlySet<string> = new Set(["mqtt:"])

/** Whether an address is one of a broker rather than of a WebSocket relay. */
export const isMqtt = (url: string): boolean => /^mqtts?:\/\//i.test(url)

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname)

/**
 * Takes an address apart. `insecure`: plain `mqtt://` to another machine, unless the steward's key is known and no password would
 * travel in the clear, or it is allowed.
 */
export const parse = (
  text: string,
  options: { readonly allowInsecure?: boolean | undefined } = {}
): Result.Result<Address, InvalidAddress> => {
  if (!URL.canParse(text)) return Result.fail(new InvalidAddress({ reason: "not-a-url" }))
  const url = new URL(text)
  if (!secure.has(url.protocol) && !plain.has(url.protocol))
    return Result.fail(new InvalidAddress({ reason: "scheme" }))
  const path = url.pathname.replace(/^\/+|\/+$/g, "")
  const root = path === "" ? Topics.defaultRoot : path
  const keyText = url.searchParams.get("key")
  const stewardKey = keyText === null ? undefined : Bytes.fromHex(keyText)
  if (url.hostname === "" || !Topics.isRoot(root) || (keyText !== null && stewardKey?.length !== 32)) {
    return Result.fail(new InvalidAddress({ reason: "not-a-url" }))
  }
  const sealed = stewardKey !== undefined && url.password === ""
  if (plain.has(url.protocol) && !isLoopback(url.hostname) && !sealed && options.allowInsecure !== true) {
    return Result.fail(new InvalidAddress({ reason: "insecure" }))
  }
  return Result.succeed({
    broker: `${url.protocol}//${url.host}`,
    username: url.username === "" ? undefined : decodeURIComponent(url.username),
    password: url.password === "" ? undefined : decodeURIComponent(url.password),
    root,
    stewardKey
  })
}
