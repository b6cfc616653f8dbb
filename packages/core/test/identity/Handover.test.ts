import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import { nobleProvider as crypto } from "../../src/crypto/Noble.ts"
import { loadNodeProvider } from "../../src/crypto/Node.ts"
import * as Account from "../../src/identity/Account.ts"
import * as Handover from "../../src/identity/Handover.ts"

const key = crypto.sha256(Uint8Array.of(1))
const ad = crypto.sha256(Uint8Array.of(2))
const nonce = new Uint8Array(12).fill(3)
const secrets = { identity: new Uint8Array(32).fill(4), alias: new Uint8Array(32).fill(5) }
const account = Account.derive(crypto, secrets)

describe("account secrets on their way", () => {
  it("are an array of version, nonce and sealed record [handover.seal.1]", async () => {
    const bytes = Handover.seal(crypto, key, nonce, ad, secrets)
    const record = Bytes.fromHex(`9301c420${"04".repeat(32)}c420${"05".repeat(32)}`)!
    // Sealed by another implementation.
    const node = await loadNodeProvider()
    const sealed = node.chachaSeal(key, nonce, ad, record)
    expect(Bytes.toHex(bytes)).toBe(`9301c40c${"03".repeat(12)}c456${Bytes.toHex(sealed)}`)
    expect(Bytes.toHex(bytes)).not.toContain("04".repeat(8))
  })

  it("come back as they were, and are no other account's [handover.seal.2]", () => {
    const bytes = Handover.seal(crypto, key, nonce, ad, secrets)
    expect(Result.getOrThrow(Handover.open(crypto, key, ad, bytes, account))).toEqual(secrets)
    const cause = (opened: ReturnType<typeof Handover.open>) => (Result.isFailure(opened) ? opened.failure.cause : "ok")
    expect(cause(Handover.open(crypto, ad, ad, bytes, account))).toBe("auth.tag")
    expect(cause(Handover.open(crypto, key, key, bytes, account))).toBe("auth.tag")
    expect(cause(Handover.open(crypto, key, ad, bytes, { ...account, account: account.alias }))).toBe("auth.account")
    expect(cause(Handover.open(crypto, key, ad, bytes, { ...account, alias: account.account }))).toBe("auth.account")
    expect(cause(Handover.open(crypto, key, ad, Bytes.concat(bytes, Uint8Array.of(0)), account))).toBe(
      "decode.trailing"
    )
    expect(cause(Handover.open(crypto, key, ad, bytes.slice(0, -1), account))).toBe("decode.truncated")
  })

  it("of another form are refused, though they were sealed rightly [handover.seal.2]", () => {
    const later = Bytes.concat(Uint8Array.of(0x93, 2), Account.encode(secrets).slice(2))
    const sealed = crypto.chachaSeal(key, nonce, ad, later)
    const bytes = Bytes.concat(Uint8Array.of(0x93, 1, 0xc4, 12), nonce, Uint8Array.of(0xc4, sealed.length), sealed)
    expect(Handover.open(crypto, key, ad, bytes, account)).toMatchObject({ failure: { cause: "decode.value" } })
  })
})
