/** Known answers out of the standards, for every provider. */
import { describe, expect, it } from "vitest"
import { ascii, hex, providers, toHex } from "./helpers.ts"

const repeat = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)

describe.each(providers.map((crypto) => [crypto.name, crypto] as const))("Known answers: %s", (_, crypto) => {
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ]
  ])("SHA-256 of %j, FIPS 180-4 [crypto.hash.1]", (text, digest) => {
    expect(toHex(crypto.sha256(ascii(text)))).toBe(digest)
  })

  it.each([
    [256, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"],
    [256, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"],
    [65_536, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"]
  ])(
    "Argon2id of %i KiB in %i lanes, the reference implementation's tests [crypto.argon2.1]",
    (memoryKiB, lanes, out) => {
      const cost = { memoryKiB, passes: 2, lanes }
      expect(toHex(crypto.argon2id(ascii("password"), ascii("somesalt"), cost, 32))).toBe(out)
    }
  )

  it("SHA-256 and SHA-512 of a million letters, FIPS 180-4 [crypto.hash.1]", () => {
    const letters = repeat(0x61, 1_000_000)
    expect(toHex(crypto.sha256(letters))).toBe("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    expect(toHex(crypto.sha512(letters))).toBe(
      "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"
    )
    // In pieces.
    const pieces = crypto.sha256Start()
    for (const piece of ["", "a", "bc"]) pieces.update(ascii(piece))
    expect(toHex(pieces.digest())).toBe(toHex(crypto.sha256(ascii("abc"))))
    expect(toHex(crypto.sha512(ascii("abc")))).toBe(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    )
  })

  it.each([
    [repeat(0x0b, 20), ascii("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    [
      ascii("Jefe"),
      ascii("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ],
    [repeat(0xaa, 20), repeat(0xdd, 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
    [
      repeat(0xaa, 131),
      ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ]
  ])("HMAC-SHA-256, RFC 4231 [crypto.hmac.1]", (key, data, mac) => {
    expect(toHex(crypto.hmacSha256(key, data))).toBe(mac)
    expect(crypto.hmacSha256Pair(key, data, data).map(toHex)).toEqual([mac, mac])
  })

  it.each([
    {
      ikm: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
      salt: "000102030405060708090a0b0c",
      info: "f0f1f2f3f4f5f6f7f8f9",
      prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
      okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    },
    {
      ikm: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
      salt: "",
      info: "",
      prk: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
      okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    }
  ])("HKDF-SHA-256, RFC 5869 [crypto.hkdf.1]", ({ ikm, info, okm, prk, salt }) => {
    expect(toHex(crypto.hkdfExtract(hex(ikm), hex(salt)))).toBe(prk)
    expect(toHex(crypto.hkdfExpand(hex(prk), hex(info), 42))).toBe(okm)
    expect(toHex(crypto.hkdfSha256(hex(ikm), hex(salt), hex(info), 42))).toBe(okm)
    expect(toHex(crypto.hkdfSha256(hex(ikm), new Uint8Array(salt === "" ? 32 : 0), hex(info), 42)) === okm).toBe(
      salt === ""
    )
  })

  it("gives 1 to 8,160 bytes of HKDF output and stops at other lengths [crypto.hkdf.1]", () => {
    const long = crypto.hkdfSha256(repeat(1, 32), repeat(2, 32), ascii("x"), 8160)
    expect(long.length).toBe(8160)
    expect(crypto.hkdfSha256(repeat(1, 32), repeat(2, 32), ascii("x"), 1)).toEqual(long.slice(0, 1))
    for (const length of [0, 8161, 1.5, -1]) {
      expect(() => crypto.hkdfSha256(repeat(1, 32), repeat(2, 32), ascii("x"), length)).toThrow(TypeError)
      expect(() => crypto.hkdfExpand(repeat(1, 32), ascii("x"), length)).toThrow(TypeError)
    }
  })

  it("ChaCha20-Poly1305, RFC 8439 §2.8.2 [suite.aead.1]", () => {
    const key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")
    const nonce = hex("070000004041424344454647")
    const ad = hex("50515253c0c1c2c3c4c5c6c7")
    const text = ascii(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    )
    const sealed =
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
      "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
    expect(toHex(crypto.chachaSeal(key, nonce, ad, text))).toBe(sealed)
    expect(crypto.chachaOpen(key, nonce, ad, hex(sealed))).toEqual(text)
  })

  it("AES-256-GCM, test cases 14 and 16 of the GCM specification [suite.aead.1]", () => {
    const zero = crypto.aesGcmSeal(repeat(0, 32), repeat(0, 12), new Uint8Array(0), repeat(0, 16))
    expect(toHex(zero)).toBe("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    const key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    const nonce = hex("cafebabefacedbaddecaf888")
    const ad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    const text = hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    const sealed =
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
    expect(toHex(crypto.aesGcmSeal(key, nonce, ad, text))).toBe(sealed)
    expect(crypto.aesGcmOpen(key, nonce, ad, hex(sealed))).toEqual(text)
  })

  it("AES-256-CBC, NIST SP 800-38A F.2.5, with PKCS#7 behind it [suite.cbc.1]", () => {
    const key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    const iv = hex("000102030405060708090a0b0c0d0e0f")
    const text = hex(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    const blocks =
      "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
    const sealed = crypto.aesCbcEncrypt(key, iv, text)
    expect(sealed.length).toBe(80)
    expect(toHex(sealed.subarray(0, 64))).toBe(blocks)
    expect(crypto.aesCbcDecrypt(key, iv, sealed)).toEqual(text)
    expect(crypto.aesCbcDecrypt(key, iv, sealed.subarray(0, 64))).toBeUndefined()
  })

  it("ML-KEM-768, the accumulated answers of a hundred seeds, coins and random ciphertexts [crypto.mlkem.1] [crypto.mlkem.2] [crypto.mlkem.4]", async () => {
    const { createHash } = await import("node:crypto")
    const count = 100
    const stream = new Uint8Array(createHash("shake128", { outputLength: count * (64 + 32 + 1088) }).digest())
    const answers = createHash("shake128", { outputLength: 32 })
    for (let i = 0, at = 0; i < count; i++, at += 64 + 32 + 1088) {
      const pair = crypto.mlKem768KeyPair(stream.slice(at, at + 64))
      const { ciphertext, sharedSecret } = crypto.mlKem768Encapsulate(pair.publicKey, stream.slice(at + 64, at + 96))!
      expect(crypto.mlKem768Decapsulate(pair.secretKey, ciphertext)).toEqual(sharedSecret)
      const rejected = crypto.mlKem768Decapsulate(pair.secretKey, stream.slice(at + 96, at + 1184))!
      answers.update(pair.publicKey).update(ciphertext).update(sharedSecret).update(rejected)
    }
    expect(answers.digest("hex")).toBe("1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415")
  })
})
