/**
 * Account tokens: what a platform signs so that one of its users may register, instead of an administrator's password.
 *
 * Spec: docs/spec/14-relay.md §14.6, rules relay.token.1–4.
 * Reads and judges one text. One algorithm, no choice of it by the token, no key inside of it. Does not remember what was used: that is
 * for Invitations.ts.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import { isUserName } from "./Invitations.ts"

/** A platform whose tokens a relay takes. */
export interface Issuer {
  /** What its tokens say in `iss`. */
  readonly issuer: string
  /** Its Ed25519 public keys (32 bytes) by `kid`. Several while one replaces another. */
  readonly keys: ReadonlyMap<string, Uint8Array>
}

/** A token that is good now. */
export interface AccountToken {
  readonly user: string
  /** What makes it one of its kind: 32 bytes. */
  readonly id: Uint8Array
  /** When it need not be remembered any more, ms. */
  readonly expiresAt: number
}

/** Longest token, bytes. */
export const maxTokenBytes = 2_048
const minTokenBytes = 65

/** Longest life of a token, and how far clocks may be apart, in seconds (rule relay.token.2). */
const maxLifeSeconds = 86_400
const toleranceSeconds = 60

/** Whether a text is to be read as a token: a password has no dots. */
export const isToken = (text: string): boolean => text.split(".").length === 3

/** The token in a text, if it is good for this relay at this time. Without reason otherwise: all of them are `bad-password`. */
export const verify = (
  crypto: CryptoProvider,
  issuers: ReadonlyArray<Issuer>,
  relay: string,
  text: string,
  now: number
): AccountToken | undefined => {
  if (text.length < minTokenBytes || text.length > maxTokenBytes) return undefined
  const parts = text.split(".")
  const [header, payload, signature] = parts.map(fromBase64Url)
  if (parts.length !== 3 || header === undefined || payload === undefined || signature?.length !== 64) return undefined
  const head = objectOf(header)
  const claims = objectOf(payload)
  if (head === undefined || claims === undefined) return undefined
  const { alg, kid, typ, ...others } = head
  if (alg !== "EdDSA" || (typ !== undefined && typ !== "JWT") || Object.keys(others).length > 0) return undefined
  if (!isText(kid, 64)) return undefined
  const key = issuers.find(({ issuer }) => issuer === claims["iss"])?.keys.get(kid)
  const signed = new TextEncoder().encode(text.slice(0, text.lastIndexOf(".")))
  if (key === undefined || !crypto.ed25519Verify(key, signed, signature)) return undefined
  return judge(crypto, claims, relay, Math.floor(now / 1000))
}

type Members = Readonly<Record<string, unknown>>

const judge = (crypto: CryptoProvider, claims: Members, relay: string, now: number): AccountToken | undefined => {
  const { aud, exp, iat, iss, jti, nbf, sub, tacit } = claims
  const isForUs =
    aud === relay || (Array.isArray(aud) && aud.every((one) => typeof one === "string") && aud.includes(relay))
  if (!isForUs || typeof iss !== "string" || !isText(sub, 255) || !isText(jti, 128)) return undefined
  if (!isSeconds(exp) || !isSeconds(iat) || (nbf !== undefined && !isSeconds(nbf))) return undefined
  if (exp <= iat || exp - iat > maxLifeSeconds || exp + toleranceSeconds <= now) return undefined
  if (iat - toleranceSeconds > now || (nbf ?? 0) - toleranceSeconds > now) return undefined
  if (tacit !== undefined && (typeof tacit !== "string" || !isUserName(tacit))) return undefined
  const user = tacit ?? (isUserName(sub) ? sub : derivedName(crypto, iss, sub))
  const id = crypto.sha256(Bytes.concat(zero, utf8(iss), zero, utf8(jti)))
  return { user, id, expiresAt: (exp + toleranceSeconds) * 1000 }
}

const zero = new Uint8Array(1)
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const isSeconds = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Text of at least one and at most so many bytes of UTF-8. */
const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value !== "" && !/\p{Cs}/u.test(value) && utf8(value).length <= most

const base32 = "abcdefghijklmnopqrstuvwxyz234567"

/** Rule relay.token.3: 130 bits of a hash, in 26 characters. */
const derivedName = (crypto: CryptoProvider, issuer: string, subject: string): string => {
  const hash = crypto.sha256(Bytes.concat(utf8(issuer), zero, utf8(subject)))
  let name = "u-"
  for (let at = 0; at < 26; at++) {
    const bit = 5 * at
    const pair = (hash[bit >> 3]! << 8) | hash[(bit >> 3) + 1]!
    name += base32[(pair >> (11 - (bit & 7))) & 31]!
  }
  return name
}

/** Bytes of base64url in its one shortest form; anything else is none. */
const fromBase64Url = (text: string): Uint8Array | undefined => {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  const bytes = Buffer.from(text, "base64url")
  return bytes.toString("base64url") === text ? new Uint8Array(bytes) : undefined
}

/** A JSON object in UTF-8. */
const objectOf = (bytes: Uint8Array): Members | undefined => {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes))
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : undefined
  } catch {
    return undefined
  }
}

/** The user name a token is for, without judging it: what a client registers under. */
export const userOf = (crypto: CryptoProvider, text: string): string | undefined => {
  const payload = text.split(".")[1]
  const bytes = payload === undefined ? undefined : fromBase64Url(payload)
  const claims = bytes === undefined ? undefined : objectOf(bytes)
  if (claims === undefined) return undefined
  const { iss, sub, tacit } = claims
  if (typeof tacit === "string") return isUserName(tacit) ? tacit : undefined
  if (typeof iss !== "string" || !isText(sub, 255)) return undefined
  return isUserName(sub) ? sub : derivedName(crypto, iss, sub)
}

/**
 * Issuers out of a JSON text: `{ "issuers": [{ "issuer": …, "keys": [JWK, …] }] }`, keys as in RFC 8037 with a `kid`. Answers what is wrong
 * otherwise.
 */
export const parseIssuers = (text: string): ReadonlyArray<Issuer> | string => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return "it is not JSON"
  }
  const list = (value as { readonly issuers?: unknown } | null)?.issuers
  if (!Array.isArray(list) || list.length === 0) return "it has no list of issuers"
  const issuers: Array<Issuer> = []
  for (const item of list as ReadonlyArray<{ readonly issuer?: unknown; readonly keys?: unknown } | null>) {
    if (!isText(item?.issuer, 255)) return "an issuer has no name"
    if (!Array.isArray(item.keys) || item.keys.length === 0) return "an issuer has no keys"
    if (issuers.some(({ issuer }) => issuer === item.issuer)) return "an issuer stands there twice"
    const keys = new Map<string, Uint8Array>()
    for (const key of item.keys as ReadonlyArray<Members | null>) {
      const x = typeof key?.["x"] === "string" ? fromBase64Url(key["x"]) : undefined
      if (key?.["kty"] !== "OKP" || key["crv"] !== "Ed25519" || x?.length !== 32)
        return "a key is no Ed25519 public key"
      if (key["d"] !== undefined) return "a key is a private one: it belongs to the platform alone"
      if (!isText(key["kid"], 64) || keys.has(key["kid"])) return "a key has no kid of its own"
      keys.set(key["kid"], x)
    }
    issuers.push({ issuer: item.issuer, keys })
  }
  return issuers
}
