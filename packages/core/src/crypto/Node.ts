/**
 * The default provider on Node: for every primitive and size the fastest of node:crypto, libsodium's WebAssembly and noble.
 *
 * Spec: docs/spec/01-suites.md.
 * Vectors: vectors/primitives.
 * The only file of core that imports from Node. Figures behind each choice: docs/adr/0002-crypto-backends.md. In short, a native
 * call costs microseconds before it computes anything, so small symmetric work stays in WebAssembly; curves and large buffers go
 * native; imported keys are kept, because importing one costs as much as using it. What this Node lacks falls back to WebAssembly.
 */
import * as native from "node:crypto"
import { defect } from "../base/Defect.ts"
import * as Argon2 from "./Argon2.ts"
import * as Ed25519 from "./Ed25519.ts"
import * as KeyCache from "./KeyCache.ts"
import * as MlKem from "./MlKem.ts"
import { nobleProvider } from "./Noble.ts"
import type { CryptoProvider } from "./Provider.ts"
import { loadSodiumProvider } from "./Sodium.ts"
import * as X25519 from "./X25519.ts"

let loading: Promise<CryptoProvider> | undefined

/** Loads the WebAssembly module once and gives the provider. */
export const loadNodeProvider = (): Promise<CryptoProvider> => (loading ??= loadSodiumProvider().then(make))

// Sizes in bytes from which native code wins.
const nativeSha256From = 256
const nativeSha512From = 1024
const nativeHmacFrom = 768
const nativeChachaFrom = 4096
const nativeCbcFrom = 64

const checkLength = (bytes: Uint8Array, length: number): void => {
  if (bytes.length !== length) defect(`key or nonce is not ${length} bytes`)
}

/** A Buffer that owns its memory, as a plain array. */
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)

/** `bytes` as a Uint8Array of its own, without zeroing what is about to be overwritten. */
const uninitialised = (length: number): Uint8Array => plain(Buffer.allocUnsafeSlow(length))

/** DER around raw keys, for Nodes that do not import raw keys (RFC 8410; FIPS 203 in draft-ietf-lamps-kyber-certificates). */
const der = {
  x25519: { pkcs8: "302e020100300506032b656e04220420", spki: "302a300506032b656e032100" },
  ed25519: { pkcs8: "302e020100300506032b657004220420", spki: "302a300506032b6570032100" },
  "ml-kem-768": { pkcs8: "3054020100300b060960864801650304040204428040" }
} as const

type Curve = "x25519" | "ed25519"
type Imported = (key: Uint8Array) => native.KeyObject

/**
 * Node tells what kind of key it was given by an exception that it catches itself, twice per import, and the stack trace of an
 * exception takes longer than the import. So imports run without stack traces; where the limit cannot be set, with them.
 */
const importing =
  (importKey: Imported): Imported =>
  (key) => {
    const limit = Error.stackTraceLimit
    Reflect.set(Error, "stackTraceLimit", 0)
    try {
      return importKey(key)
    } finally {
      Reflect.set(Error, "stackTraceLimit", limit)
    }
  }

const derImport = (prefix: string, type: "pkcs8" | "spki"): Imported => {
  const head = Buffer.from(prefix, "hex")
  return (key) => {
    const encoded = Buffer.concat([head, key])
    const imported =
      type === "pkcs8"
        ? native.createPrivateKey({ key: encoded, format: "der", type })
        : native.createPublicKey({ key: encoded, format: "der", type })
    encoded.fill(0)
    return imported
  }
}

/** Whether a native feature works here, found by using it. */
const works = (use: () => unknown): boolean => {
  try {
    use()
    return true
  } catch {
    return false
  }
}

const someKey = new Uint8Array(32).fill(9)
const someSeed = new Uint8Array(64).fill(9)

const importsRaw = works(() =>
  native.createPublicKey({ key: Buffer.from(someKey), format: "raw-public", asymmetricKeyType: "x25519" })
)

/** The typings of Node ask for a Buffer where any view of bytes will do, and making one costs. */
const asBuffer = (bytes: Uint8Array): Buffer => bytes as Buffer

const importPrivate = (curve: Curve): Imported =>
  KeyCache.make(
    importing(
      importsRaw
        ? (key) => native.createPrivateKey({ key: asBuffer(key), format: "raw-private", asymmetricKeyType: curve })
        : derImport(der[curve].pkcs8, "pkcs8")
    )
  )

const importPublic = (curve: Curve): Imported =>
  KeyCache.make(
    importing(
      importsRaw
        ? (key) => native.createPublicKey({ key: asBuffer(key), format: "raw-public", asymmetricKeyType: curve })
        : derImport(der[curve].spki, "spki")
    )
  )

const exportPublic: (key: native.KeyObject) => Uint8Array = importsRaw
  ? (key) => plain(key.export({ format: "raw-public" }))
  : (key) => new Uint8Array(Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url"))

/** DER here even where raw seeds are imported: it takes half the time. */
const importKem: Imported = KeyCache.make(importing(derImport(der["ml-kem-768"].pkcs8, "pkcs8")))

/** Since Node 24.7. */
const hasArgon2 = typeof native.argon2Sync === "function"

const hasKem = typeof native.decapsulate === "function" && works(() => importKem(someSeed))

type AeadName = "aes-256-gcm" | "chacha20-poly1305"
const aeadOptions = { authTagLength: 16 } as const

/**
 * A key object first, then the cipher: given the raw key, Node goes a way that takes 8 µs longer.
 * Chosen by name because the typings split the AEADs into overloads.
 */
const aeadCipher = (name: AeadName, key: Uint8Array, nonce: Uint8Array): native.CipherGCM =>
  native.createCipheriv(name as "aes-256-gcm", native.createSecretKey(key), nonce, aeadOptions)

const aeadDecipher = (name: AeadName, key: Uint8Array, nonce: Uint8Array): native.DecipherGCM =>
  native.createDecipheriv(name as "aes-256-gcm", native.createSecretKey(key), nonce, aeadOptions)

const nativeSeal =
  (name: AeadName) =>
  (key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array => {
    const cipher = aeadCipher(name, key, nonce)
    if (ad.length > 0) cipher.setAAD(ad)
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    const out = uninitialised(plaintext.length + 16)
    out.set(ciphertext)
    out.set(cipher.getAuthTag(), plaintext.length)
    return out
  }

const nativeOpen =
  (name: AeadName) =>
  (key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined => {
    const length = ciphertext.length - 16
    if (length < 0) return undefined
    const decipher = aeadDecipher(name, key, nonce)
    if (ad.length > 0) decipher.setAAD(ad)
    decipher.setAuthTag(ciphertext.subarray(length))
    const plaintext = decipher.update(ciphertext.subarray(0, length))
    try {
      decipher.final()
    } catch {
      plaintext.fill(0)
      return undefined
    }
    return plain(plaintext)
  }

const nativeGcmSeal = nativeSeal("aes-256-gcm")
const nativeGcmOpen = nativeOpen("aes-256-gcm")
const nativeChachaSeal = nativeSeal("chacha20-poly1305")
const nativeChachaOpen = nativeOpen("chacha20-poly1305")

const join = (a: Buffer, b: Buffer): Uint8Array => {
  const out = uninitialised(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

const make = (sodium: CryptoProvider): CryptoProvider => {
  const x25519Private = importPrivate("x25519")
  const x25519Public = importPublic("x25519")
  const ed25519Private = importPrivate("ed25519")
  const ed25519Public = importPublic("ed25519")

  return {
    ...sodium,
    name: "node",
    sha256: (data) =>
      data.length < nativeSha256From ? sodium.sha256(data) : plain(native.hash("sha256", data, "buffer")),
    sha256Start: () => {
      const hash = native.createHash("sha256")
      return { update: (data) => void hash.update(data), digest: () => plain(hash.digest()) }
    },
    sha512: (data) =>
      data.length < nativeSha512From ? sodium.sha512(data) : plain(native.hash("sha512", data, "buffer")),
    hmacSha256: (key, data) =>
      data.length < nativeHmacFrom
        ? sodium.hmacSha256(key, data)
        : plain(native.createHmac("sha256", native.createSecretKey(key)).update(data).digest()),
    x25519PublicKey: (secretKey) => {
      checkLength(secretKey, 32)
      return exportPublic(native.createPublicKey(x25519Private(secretKey)))
    },
    x25519: (secretKey, publicKey) => {
      checkLength(secretKey, 32)
      // Before the native call, which reports a zero output by an exception.
      if (publicKey.length !== 32 || X25519.isSmallOrder(publicKey)) return undefined
      return plain(native.diffieHellman({ privateKey: x25519Private(secretKey), publicKey: x25519Public(publicKey) }))
    },
    argon2id: hasArgon2
      ? (password, salt, { lanes, memoryKiB, passes }, length) => {
          Argon2.check(salt, memoryKiB, passes, lanes, length)
          return plain(
            native.argon2Sync("argon2id", {
              message: password,
              nonce: salt,
              parallelism: lanes,
              tagLength: length,
              memory: memoryKiB,
              passes
            })
          )
        }
      : sodium.argon2id,
    ed25519Sign: (seed, message) => {
      checkLength(seed, 32)
      return plain(native.sign(null, message, ed25519Private(seed)))
    },
    ed25519Verify: (publicKey, message, signature) =>
      Ed25519.admissible(publicKey, signature) && native.verify(null, message, ed25519Public(publicKey), signature),
    mlKem768Decapsulate: hasKem
      ? (secretKey, ciphertext) => {
          checkLength(secretKey, MlKem.seedBytes)
          if (ciphertext.length !== MlKem.ciphertextBytes) return undefined
          return plain(native.decapsulate(importKem(secretKey), ciphertext))
        }
      : sodium.mlKem768Decapsulate,
    aesGcmSeal: (key, nonce, ad, plaintext) => {
      checkLength(key, 32)
      checkLength(nonce, 12)
      return nativeGcmSeal(key, nonce, ad, plaintext)
    },
    aesGcmOpen: (key, nonce, ad, ciphertext) => {
      checkLength(key, 32)
      checkLength(nonce, 12)
      return nativeGcmOpen(key, nonce, ad, ciphertext)
    },
    chachaSeal: (key, nonce, ad, plaintext) => {
      if (plaintext.length < nativeChachaFrom) return sodium.chachaSeal(key, nonce, ad, plaintext)
      checkLength(key, 32)
      checkLength(nonce, 12)
      return nativeChachaSeal(key, nonce, ad, plaintext)
    },
    chachaOpen: (key, nonce, ad, ciphertext) => {
      if (ciphertext.length < nativeChachaFrom) return sodium.chachaOpen(key, nonce, ad, ciphertext)
      checkLength(key, 32)
      checkLength(nonce, 12)
      return nativeChachaOpen(key, nonce, ad, ciphertext)
    },
    aesCbcEncrypt: (key, iv, plaintext) => {
      if (plaintext.length < nativeCbcFrom) return nobleProvider.aesCbcEncrypt(key, iv, plaintext)
      checkLength(key, 32)
      checkLength(iv, 16)
      const cipher = native.createCipheriv("aes-256-cbc", native.createSecretKey(key), iv)
      return join(cipher.update(plaintext), cipher.final())
    },
    aesCbcDecrypt: (key, iv, ciphertext) => {
      if (ciphertext.length < nativeCbcFrom) return nobleProvider.aesCbcDecrypt(key, iv, ciphertext)
      checkLength(key, 32)
      checkLength(iv, 16)
      if (ciphertext.length % 16 !== 0) return undefined
      const decipher = native.createDecipheriv("aes-256-cbc", native.createSecretKey(key), iv)
      const head = decipher.update(ciphertext)
      try {
        return join(head, decipher.final())
      } catch {
        head.fill(0)
        return undefined
      }
    }
  }
}
