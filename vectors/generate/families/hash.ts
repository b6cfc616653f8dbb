/**
 * F01: hashes, HMAC and HKDF.
 *
 * Spec: docs/spec/01-suites.md §1.2. Known answers: FIPS 180-4 examples, RFC 4231, RFC 5869.
 */
import type { VectorFile } from "../model.ts"
import { ascii, counting, PrimitiveFile, random } from "./primitive.ts"

export const hash = (): VectorFile => {
  const file = new PrimitiveFile("hash")
  const clauses = ["crypto.hash.1"]
  file.known(
    "sha256-abc",
    "SHA-256 of abc",
    clauses,
    "sha256",
    { data: ascii("abc") },
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  )
  file.known(
    "sha256-empty",
    "SHA-256 of nothing",
    clauses,
    "sha256",
    { data: "" },
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  )
  file.known(
    "sha512-abc",
    "SHA-512 of abc",
    clauses,
    "sha512",
    { data: ascii("abc") },
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
  )
  file.known(
    "sha512-empty",
    "SHA-512 of nothing",
    clauses,
    "sha512",
    { data: "" },
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
  )
  for (const length of [1, 3, 55, 56, 57, 63, 64, 65, 111, 112, 113, 119, 120, 127, 128, 129, 1000]) {
    file.computed(`sha256-length-${length}`, `SHA-256 of ${length} bytes`, clauses, "sha256", {
      data: counting(length)
    })
    file.computed(`sha512-length-${length}`, `SHA-512 of ${length} bytes`, clauses, "sha512", {
      data: counting(length)
    })
  }
  return file.file()
}

export const hmac = (): VectorFile => {
  const file = new PrimitiveFile("hmac")
  const clauses = ["crypto.hmac.1"]
  const rfc = (n: number, key: string, data: string, out: string): void =>
    file.known(`hmac-rfc4231-${n}`, `RFC 4231 test case ${n}`, clauses, "hmac-sha256", { key, data }, out)
  rfc(1, "0b".repeat(20), ascii("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
  rfc(
    2,
    ascii("Jefe"),
    ascii("what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
  )
  rfc(3, "aa".repeat(20), "dd".repeat(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")
  rfc(
    4,
    "0102030405060708090a0b0c0d0e0f10111213141516171819",
    "cd".repeat(50),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
  )
  rfc(
    6,
    "aa".repeat(131),
    ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
  )
  rfc(
    7,
    "aa".repeat(131),
    ascii(
      "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm."
    ),
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
  )
  for (const length of [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 200]) {
    file.computed(`hmac-key-${length}`, `a key of ${length} bytes`, clauses, "hmac-sha256", {
      key: counting(length),
      data: ascii("data")
    })
    file.computed(`hmac-data-${length}`, `data of ${length} bytes`, clauses, "hmac-sha256", {
      key: random("hmac.key", 0, 32),
      data: counting(length)
    })
  }
  file.computed(
    "hmac-trailing-zero-key",
    "a key and the same key with a zero byte behind it agree below the block size",
    clauses,
    "hmac-sha256",
    { key: `${counting(32)}00`, data: ascii("data") }
  )
  return file.file()
}

export const hkdf = (): VectorFile => {
  const file = new PrimitiveFile("hkdf")
  const clauses = ["crypto.hkdf.1"]
  const rfc = (n: number, ikm: string, salt: string, info: string, len: number, out: string): void =>
    file.known(`hkdf-rfc5869-${n}`, `RFC 5869 test case ${n}`, clauses, "hkdf-sha256", { salt, ikm, info, len }, out)
  const range = (from: number, to: number): string => counting(256).slice(2 * from, 2 * to)
  rfc(
    1,
    "0b".repeat(22),
    range(0, 13),
    range(0xf0, 0xfa),
    42,
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
  )
  rfc(
    2,
    range(0, 0x50),
    range(0x60, 0xb0),
    range(0xb0, 0x100),
    82,
    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
  )
  rfc(
    3,
    "0b".repeat(22),
    "",
    "",
    42,
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
  )
  file.known(
    "hkdf-extract-rfc5869-1",
    "RFC 5869 test case 1, extract",
    clauses,
    "hkdf-extract",
    { salt: range(0, 13), ikm: "0b".repeat(22) },
    "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
  )
  const [ikm, salt, info] = [random("hkdf.ikm", 0, 32), random("hkdf.salt", 0, 32), random("hkdf.info", 0, 20)]
  for (const len of [1, 31, 32, 33, 44, 63, 64, 65, 80, 96, 255, 256, 8159, 8160]) {
    file.computed(`hkdf-length-${len}`, `${len} bytes of output`, clauses, "hkdf-sha256", { salt, ikm, info, len })
    file.computed(`hkdf-expand-length-${len}`, `expand to ${len} bytes`, clauses, "hkdf-expand", {
      prk: ikm,
      info,
      len
    })
  }
  for (const length of [0, 1, 31, 32, 33, 64, 65, 100]) {
    file.computed(`hkdf-salt-${length}`, `a salt of ${length} bytes`, clauses, "hkdf-sha256", {
      salt: counting(length),
      ikm,
      info,
      len: 32
    })
    file.computed(`hkdf-ikm-${length}`, `keying material of ${length} bytes`, clauses, "hkdf-sha256", {
      salt,
      ikm: counting(length),
      info,
      len: 32
    })
    file.computed(`hkdf-info-${length}`, `info of ${length} bytes`, clauses, "hkdf-sha256", {
      salt,
      ikm,
      info: counting(length),
      len: 32
    })
  }
  file.computed("hkdf-salt-zeros", "32 zero bytes of salt equal no salt", clauses, "hkdf-sha256", {
    salt: "00".repeat(32),
    ikm,
    info,
    len: 32
  })
  return file.file()
}
