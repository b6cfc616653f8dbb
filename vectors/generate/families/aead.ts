/**
 * F01: the AEAD of each suite, and bare AES-256-CBC under suite 3.
 *
 * Spec: docs/spec/01-suites.md §1.6. Known answers: RFC 8439 section 2.8.2; the GCM specification's test cases 13, 14 and 16.
 */
import { concat, hex, unhex } from "../bytes.ts"
import type { VectorFile } from "../model.ts"
import * as prim from "../prim.ts"
import { ascii, counting, PrimitiveFile, random } from "./primitive.ts"

const names = { 1: "chacha20-poly1305", 2: "aes-256-gcm", 3: "aes-256-cbc-hmac" } as const

export const aead = (suite: prim.Suite): VectorFile => {
  const name = names[suite]
  const file = new PrimitiveFile(name)
  const clauses = suite === 3 ? ["suite.cbc.1", "suite.cbc.2"] : ["suite.aead.1"]
  const { key: keyLength, nonce: nonceLength, tag: tagLength } = prim.suites[suite]
  const key = random(`aead.key.${suite}`, 0, keyLength)
  const nonce = random(`aead.nonce.${suite}`, 0, nonceLength)
  const pair = (id: string, title: string, ad: string, plaintext: string): void => {
    file.computed(`${name}-seal-${id}`, title, clauses, "aead-seal", { suite, key, nonce, ad, plaintext })
    const sealed = hex(prim.aeadSeal(suite, unhex(key), unhex(nonce), unhex(ad), unhex(plaintext)))
    file.computed(`${name}-open-${id}`, title, clauses, "aead-open", { suite, key, nonce, ad, sealed })
  }
  known(file, suite)
  for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 127, 128, 255, 256, 1000])
    pair(`plaintext-${length}`, `${length} bytes of plaintext`, counting(12), counting(length))
  for (const length of [0, 1, 15, 16, 17, 32, 63, 64, 65])
    pair(`ad-${length}`, `${length} bytes of associated data`, counting(length), ascii("the same plaintext"))
  const twin = `${name}-open-plaintext-64`
  const sealedLength = file.bytesAt(file.case(twin), "in/sealed").length
  const refuse = (
    id: string,
    title: string,
    delta: Parameters<PrimitiveFile["invalid"]>[2],
    flag = "Modified",
    on = twin
  ): void => file.refusedCall(`${name}-${id}`, title, ["suite.aead.2"], [flag], on, delta, "auth.tag")
  for (let i = 0; i < tagLength; i += suite === 3 ? 4 : 2)
    refuse(`tag-byte-${i}`, "one bit of the tag", {
      at: "in/sealed",
      op: "xor",
      offset: sealedLength - tagLength + i,
      bytes: "01"
    })
  refuse("tag-last-bit", "the last bit of the tag", {
    at: "in/sealed",
    op: "xor",
    offset: sealedLength - 1,
    bytes: "80"
  })
  for (const offset of [0, 31, 63])
    refuse(`ciphertext-byte-${offset}`, "one bit of the ciphertext", {
      at: "in/sealed",
      op: "xor",
      offset,
      bytes: "01"
    })
  for (const offset of [0, 11])
    refuse(`ad-byte-${offset}`, "one bit of the associated data", { at: "in/ad", op: "xor", offset, bytes: "01" })
  refuse("ad-extended", "a zero byte more of associated data", { at: "in/ad", op: "insert", offset: 12, bytes: "00" })
  refuse("ad-cut", "the associated data left out", { at: "in/ad", op: "cut", offset: 0, length: 12 })
  for (const offset of [0, nonceLength - 1])
    refuse(`nonce-byte-${offset}`, "another nonce", { at: "in/nonce", op: "xor", offset, bytes: "01" })
  for (const offset of suite === 3 ? [32, 63] : [0, 31])
    refuse(`key-byte-${offset}`, "another key", { at: "in/key", op: "xor", offset, bytes: "01" })
  refuse("tag-cut", "the tag shortened by a byte", { at: "in/sealed", op: "cut", offset: sealedLength - 1, length: 1 })
  refuse("tag-gone", "no tag", { at: "in/sealed", op: "cut", offset: sealedLength - tagLength, length: tagLength })
  refuse("only-tag", "no ciphertext", { at: "in/sealed", op: "cut", offset: 0, length: sealedLength - tagLength })
  refuse("empty", "nothing at all", { at: "in/sealed", op: "cut", offset: 0, length: sealedLength })
  refuse("extended", "a byte behind the tag", { at: "in/sealed", op: "insert", offset: sealedLength, bytes: "00" })
  refuse("tag-zero", "an all-zero tag", {
    at: "in/sealed",
    op: "set",
    offset: sealedLength - tagLength,
    bytes: "00".repeat(tagLength)
  })
  if (suite === 3) cbc(file, key, nonce, refuse)
  return file.file()
}

const known = (file: PrimitiveFile, suite: prim.Suite): void => {
  if (suite === 1) {
    file.known(
      "chacha20-poly1305-rfc8439",
      "RFC 8439 section 2.8.2",
      ["suite.aead.1"],
      "aead-seal",
      {
        suite,
        key: counting(256).slice(2 * 0x80, 2 * 0xa0),
        nonce: "070000004041424344454647",
        ad: "50515253c0c1c2c3c4c5c6c7",
        plaintext: ascii(
          "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
        )
      },
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
    )
  }
  if (suite === 2) {
    const gcm = (n: number, key: string, nonce: string, ad: string, plaintext: string, out: string): void =>
      file.known(
        `aes-256-gcm-spec-${n}`,
        `GCM specification, test case ${n}`,
        ["suite.aead.1"],
        "aead-seal",
        { suite, key, nonce, ad, plaintext },
        out
      )
    gcm(13, "00".repeat(32), "00".repeat(12), "", "", "530f8afbc74536b9a963b4f1c4cb738b")
    gcm(
      14,
      "00".repeat(32),
      "00".repeat(12),
      "",
      "00".repeat(16),
      "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
    )
    gcm(
      16,
      "feffe9928665731c6d6a8f9467308308".repeat(2),
      "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
    )
  }
}

/** What only the composition of suite 3 can get wrong, and the bare cipher below it. */
const cbc = (
  file: PrimitiveFile,
  key: string,
  iv: string,
  refuse: (
    id: string,
    title: string,
    delta: Parameters<PrimitiveFile["invalid"]>[2],
    flag?: string,
    on?: string
  ) => void
): void => {
  const name = names[3]
  const [whole, ivBytes] = [unhex(key), unhex(iv)]
  // Moving the border between associated data and IV or ciphertext: only the length at the end of the MAC's input tells.
  refuse(
    "ad-shift-into-ciphertext",
    "the first block of ciphertext counted as associated data",
    { at: "in/sealed", op: "cut", offset: 0, length: 16 },
    "Modified",
    `${name}-open-ad-16`
  )
  const authentic = (id: string, title: string, ciphertext: Uint8Array, flag: string): void => {
    const ad = unhex(counting(12))
    const tag = prim.hmac(
      "sha256",
      whole.subarray(32),
      concat(ad, ivBytes, ciphertext, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 96))
    )
    file.refusedCall(
      `${name}-${id}`,
      title,
      ["suite.cbc.3"],
      [flag],
      `${name}-open-plaintext-64`,
      { at: "in/sealed", op: "assign", value: hex(concat(ciphertext, tag)) },
      "auth.tag"
    )
  }
  const raw = (plaintext: Uint8Array): Uint8Array =>
    prim.aesCbcEncrypt(whole.subarray(0, 32), ivBytes, plaintext).slice(0, plaintext.length)
  for (const [id, last] of [
    ["pad-00", 0],
    ["pad-11", 17],
    ["pad-ff", 255]
  ] as const) {
    const block = new Uint8Array(16).fill(7)
    block[15] = last
    authentic(id, `authentic, but the padding byte is ${last}`, raw(block), "Padding")
  }
  const uneven = new Uint8Array(16).fill(4)
  uneven[13] = 3
  authentic("pad-uneven", "authentic, but the padding bytes differ", raw(uneven), "Padding")
  authentic("block-cut", "authentic, but not whole blocks", raw(new Uint8Array(16).fill(16)).slice(0, 15), "Padding")
  authentic("no-block", "authentic, but no block at all", new Uint8Array(0), "Padding")
  const encryption = hex(whole.subarray(0, 32))
  for (const length of [0, 1, 15, 16, 17, 31, 32, 48]) {
    file.computed(`aes-256-cbc-encrypt-${length}`, `${length} bytes, PKCS#7`, ["suite.cbc.1"], "aes-cbc-encrypt", {
      key: encryption,
      iv,
      plaintext: counting(length)
    })
    file.computed(`aes-256-cbc-decrypt-${length}`, `${length} bytes, PKCS#7`, ["suite.cbc.1"], "aes-cbc-decrypt", {
      key: encryption,
      iv,
      ciphertext: hex(prim.aesCbcEncrypt(whole.subarray(0, 32), ivBytes, unhex(counting(length))))
    })
  }
  const on = "aes-256-cbc-decrypt-15"
  const bare = (id: string, title: string, delta: Parameters<PrimitiveFile["invalid"]>[2]): void =>
    file.refusedCall(`aes-256-cbc-${id}`, title, ["suite.cbc.1"], ["Padding"], on, delta, "auth.tag", false)
  bare("empty", "no block", { at: "in/ciphertext", op: "cut", offset: 0, length: 16 })
  bare("cut", "not whole blocks", { at: "in/ciphertext", op: "cut", offset: 15, length: 1 })
  bare("extended", "not whole blocks", { at: "in/ciphertext", op: "insert", offset: 16, bytes: "00" })
  // The last plaintext byte is 1; a change of the IV's last byte sets it to anything.
  for (const [id, mask] of [
    ["pad-00", "01"],
    ["pad-02", "03"],
    ["pad-10", "11"],
    ["pad-11", "10"],
    ["pad-ff", "fe"]
  ] as const) {
    bare(id, "the padding byte changed through the IV", { at: "in/iv", op: "xor", offset: 15, bytes: mask })
  }
}
