/**
 * F16: the vault. Stretching, headers, names, sealed records, ledgers, and whole stores that were tampered with.
 *
 * Spec: docs/spec/12-vault.md. Long because it is one table of cases.
 * Costs of Argon2id are the least that the rules allow, so that a run takes seconds; real vaults use more.
 */
import { be, utf8 } from "../bytes.ts"
import { FileBuilder, type Family } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import type { Arg, Ref, Trace } from "../trace.ts"

const vaultKeys = { deviceKey: "bytes", vault: "bytes" } as const
const secret = { passphrase: "bytes?", key: "bytes?" } as const

/** F16. */
export const family: Family = {
  id: "F16",
  name: "vault",
  document: "docs/spec/12-vault.md",
  level: 2,
  operations: {
    "vault.passphrase": { in: { text: "text" }, out: { passphrase: "bytes" } },
    "vault.stretch": {
      in: { passphrase: "bytes", salt: "bytes", memory: "uint", passes: "uint", lanes: "uint" },
      out: { stretched: "bytes" }
    },
    "vault.make": {
      in: { ...vaultKeys, ...secret, state: "uint", generation: "uint", salt: "bytes", cost: "list?" },
      out: { header: "bytes" }
    },
    "vault.unlock": { in: { ...secret, header: "bytes" }, out: { ...vaultKeys, state: "uint", generation: "uint" } },
    "vault.name": { in: { ...vaultKeys, text: "text", piece: "uint" }, out: { id: "bytes" } },
    "vault.seal": {
      in: { ...vaultKeys, text: "text", value: "bytes", version: "uint", nonces: "list" },
      out: { records: "list" }
    },
    "vault.open": {
      in: { ...vaultKeys, id: "bytes", record: "bytes" },
      out: { text: "text", bytes: "bytes", version: "uint", piece: "uint", pieces: "uint" }
    },
    "vault.load": {
      in: { ...vaultKeys, generation: "uint", ledger: "bytes", ids: "list", records: "list" },
      out: { names: "json" }
    }
  },
  notes: {
    Distinct: {
      kind: "DOMAIN_SEPARATION",
      text: "All cases of this operation in this file that carry the flag give different outputs.",
      refs: []
    },
    TestCost: {
      kind: "TEST",
      text: "The least cost that is allowed: for tests only.",
      refs: ["docs/spec/12-vault.md §12.2"]
    },
    Cost: {
      kind: "DENIAL_OF_SERVICE",
      text: "A cost beyond the bounds: nothing is computed.",
      refs: ["docs/spec/12-vault.md §12.2"]
    },
    WrongSecret: {
      kind: "AUTH_BYPASS",
      text: "Another passphrase or key, or the other kind.",
      refs: ["docs/spec/12-vault.md §12.3"]
    },
    Damaged: {
      kind: "CORRUPTION",
      text: "One bit of what was stored is another.",
      refs: ["docs/spec/12-vault.md §12.3"]
    },
    Forged: {
      kind: "AUTH_BYPASS",
      text: "Altered by somebody without the secret, who made everything anew that needs none.",
      refs: ["docs/spec/12-vault.md §12.3"]
    },
    Moved: {
      kind: "AUTH_BYPASS",
      text: "A sealed record in another place than its own.",
      refs: ["docs/spec/12-vault.md §12.5"]
    },
    Rollback: {
      kind: "ROLLBACK",
      text: "Something older, less or more than the ledger knows.",
      refs: ["docs/spec/12-vault.md §12.6"]
    },
    Version: { kind: "VERSION", text: "A format of another release.", refs: ["docs/spec/12-vault.md §12.7"] },
    Form: { kind: "ENCODING", text: "Not the layout.", refs: ["docs/spec/12-vault.md §12.3"] }
  }
}

type Cost = readonly [memory: number, passes: number, lanes: number]
const least: Cost = [8192, 2, 1]

/** A header as trace steps `<id>.…`. */
interface Header {
  readonly header: Ref
  readonly head: Ref
  readonly wrapped: Ref
  readonly generation: number
  readonly state: number
  readonly salt: Ref
  readonly cost: Cost | undefined
}

/** What all cases stand on: two vaults' device keys and ids, a key, a passphrase. */
interface Ground {
  readonly trace: Trace
  readonly vault: Ref
  readonly device: Ref
  readonly key: Ref
  readonly passphrase: Ref
}

const ground = (trace: Trace): Ground => ({
  trace,
  vault: trace.coin("vault", "vault", "vault.id", 0, 16),
  device: trace.coin("device", "vault", "vault.device", 0, 32),
  key: trace.coin("key", "vault", "test.key", 0, 32),
  passphrase: trace.op("passphrase", "utf8", { text: "correct horse battery staple" })
})

const stretch = (
  { passphrase, trace }: Ground,
  id: string,
  salt: Ref,
  [memory, passes, lanes]: Cost,
  given = passphrase
): Ref => trace.op(id, "argon2id", { password: given, salt, memory, passes, lanes, len: 32 }, "vault.kdf.1")

const asHeader = (trace: Trace, id: string, head: Ref, wrapped: Ref): Ref => {
  const digest = trace.op(
    `${id}.digest-input`,
    "label",
    { purpose: "vault digest", parts: [head, wrapped] },
    "vault.header.4"
  )
  const hash = trace.op(`${id}.digest-hash`, "sha256", { data: digest }, "vault.header.4")
  const short = trace.slice(`${id}.digest`, hash, 0, 16, "vault.header.4")
  const items = trace.op(`${id}.items`, "slice", { bytes: head, from: 1, to: trace.value(head).length })
  return trace.concat(
    `${id}.header`,
    [Uint8Array.of(0x98), items, Uint8Array.of(0xc4, 48), wrapped, Uint8Array.of(0xc4, 16), short],
    "vault.header.1"
  )
}

/** Makes a header; under the key of the ground when no cost is given. */
const header = (
  { device, key, passphrase, trace, vault }: Ground,
  id: string,
  {
    cost,
    generation = 1,
    state = 1
  }: { readonly cost?: Cost; readonly generation?: number; readonly state?: number } = {}
): Header => {
  const salt = trace.coin(`${id}.salt`, `vault/${id}`, "vault.salt", 0, 16)
  const kdf: Arg = cost === undefined ? [2, salt] : [1, salt, ...cost]
  const stretched =
    cost === undefined ? key : stretch({ device, key, passphrase, trace, vault }, `${id}.stretched`, salt, cost)
  const encoded = trace.op(`${id}.kdf`, "canon", { value: kdf }, "vault.kdf.1")
  const info = trace.op(`${id}.unlock-info`, "label", { purpose: "vault unlock", parts: [encoded] }, "vault.unlock.3")
  const unlock = trace.op(`${id}.unlock`, "hkdf-sha256", { salt, ikm: stretched, info, len: 64 }, "vault.unlock.3")
  const verifier = trace.slice(`${id}.verifier`, unlock, 0, 32, "vault.unlock.3")
  const wrapping = trace.slice(`${id}.wrapping`, unlock, 32, 64, "vault.unlock.3")
  const head = trace.op(
    `${id}.head`,
    "canon",
    { value: [1, state, vault, generation, kdf, verifier] },
    "vault.header.2"
  )
  const keyInfo = trace.op(`${id}.key-info`, "label", { purpose: "vault header", parts: [head] }, "vault.header.3")
  const both = trace.op(`${id}.wrap`, "hkdf-expand", { prk: wrapping, info: keyInfo, len: 44 }, "vault.header.3")
  const wrapped = trace.op(
    `${id}.wrapped`,
    "aead-seal",
    {
      suite: 1,
      key: trace.slice(`${id}.wrap-key`, both, 0, 32),
      nonce: trace.slice(`${id}.wrap-nonce`, both, 32, 44),
      ad: new Uint8Array(0),
      plaintext: device
    },
    "vault.header.3"
  )
  return { header: asHeader(trace, id, head, wrapped), head, wrapped, generation, state, salt, cost }
}

/** A header in which one without the secret altered the head, and made the digest anew. */
const forged = (trace: Trace, id: string, from: Header, change: (head: Uint8Array) => Uint8Array): Ref => {
  const head = trace.literal(`${id}.head`, change(trace.value(from.head)))
  return asHeader(trace, id, head, from.wrapped)
}

/** The keys of the vault as trace steps. */
interface Keys {
  readonly names: Ref
  readonly records: Ref
  readonly ledger: Ref
  readonly marks: Ref
}

const keysOf = ({ device, trace, vault }: Ground): Keys => {
  const info = trace.op("keys.info", "label", { purpose: "vault keys", parts: [] }, "vault.keys.1")
  const all = trace.op("keys.all", "hkdf-sha256", { salt: vault, ikm: device, info, len: 128 }, "vault.keys.1")
  const part = (name: string, at: number): Ref =>
    trace.slice(`keys.${name}`, all, 32 * at, 32 * at + 32, "vault.keys.1")
  return { names: part("names", 0), records: part("records", 1), ledger: part("ledger", 2), marks: part("marks", 3) }
}

/** A sealed piece as trace steps `<id>.…`. */
interface Piece {
  readonly text: string
  readonly id: Ref
  readonly record: Ref
  readonly nonce: Ref
  readonly value: Ref
  readonly version: number
  readonly piece: number
  readonly pieces: number
  readonly mark: Ref
}

const idOf = (trace: Trace, keys: Keys, id: string, text: string, piece: number): Ref => {
  const input = trace.op(
    `${id}.id-input`,
    "label",
    { purpose: "vault name", parts: [be(piece, 1), utf8(text)] },
    "vault.name.1"
  )
  const whole = trace.op(`${id}.id-hash`, "hmac-sha256", { key: keys.names, data: input }, "vault.name.1")
  return trace.slice(`${id}.id`, whole, 0, 16, "vault.name.1")
}

const piece = (
  trace: Trace,
  keys: Keys,
  id: string,
  text: string,
  content: Uint8Array,
  version: number,
  place: readonly [piece: number, pieces: number] = [0, 1],
  plain?: Ref
): Piece => {
  const [at, of] = place
  const value = trace.literal(`${id}.value`, content)
  const named = idOf(trace, keys, id, text, at)
  const info = trace.op(
    `${id}.key-info`,
    "label",
    { purpose: "vault record", parts: [named, be(version, 8), be(at, 1), be(of, 1)] },
    "vault.record.2"
  )
  const key = trace.op(`${id}.key`, "hkdf-expand", { prk: keys.records, info, len: 32 }, "vault.record.2")
  const nonce = trace.coin(`${id}.nonce`, `vault/${id}`, "vault.nonce", 0, 12)
  const encoded = plain ?? trace.op(`${id}.content`, "canon", { value: [{ text }, value] }, "vault.record.2")
  const padded = trace.op(`${id}.padded`, "pad", { content: encoded }, "vault.record.2")
  const sealed = trace.op(
    `${id}.sealed`,
    "aead-seal",
    { suite: 1, key, nonce, ad: new Uint8Array(0), plaintext: padded },
    "vault.record.2"
  )
  const record = trace.op(`${id}.record`, "canon", { value: [1, version, at, of, nonce, sealed] }, "vault.record.1")
  const markInput = trace.op(
    `${id}.mark-input`,
    "label",
    { purpose: "vault mark", parts: [named, be(version, 8)] },
    "vault.ledger.1"
  )
  const mark = trace.op(`${id}.mark`, "hmac-sha256", { key: keys.marks, data: markInput }, "vault.ledger.1")
  return { text, id: named, record, nonce, value, version, piece: at, pieces: of, mark }
}

/** A ledger over pieces. */
const ledger = (
  trace: Trace,
  keys: Keys,
  id: string,
  pieces: ReadonlyArray<Piece>,
  { commits = 9, count = pieces.length, generation = 1 } = {}
): Ref => {
  let marks = trace.literal(`${id}.no-marks`, new Uint8Array(32))
  for (const [i, { mark }] of pieces.entries()) {
    marks = trace.op(`${id}.marks-${i}`, "xor", { a: marks, b: mark }, "vault.ledger.1")
  }
  const info = trace.op(
    `${id}.key-info`,
    "label",
    { purpose: "vault ledger", parts: [be(commits, 8)] },
    "vault.ledger.2"
  )
  const key = trace.op(`${id}.key`, "hkdf-expand", { prk: keys.ledger, info, len: 32 }, "vault.ledger.2")
  const nonce = trace.coin(`${id}.nonce`, `vault/${id}`, "vault.nonce", 0, 12)
  const content = trace.op(`${id}.content`, "canon", { value: [generation, count, marks] }, "vault.ledger.2")
  const sealed = trace.op(
    `${id}.sealed`,
    "aead-seal",
    { suite: 1, key, nonce, ad: new Uint8Array(0), plaintext: content },
    "vault.ledger.2"
  )
  return trace.op(`${id}.ledger`, "canon", { value: [1, commits, nonce, sealed] }, "vault.ledger.2")
}

type Refuse = (
  id: string,
  title: string,
  clauses: ReadonlyArray<string>,
  flags: ReadonlyArray<string>,
  twin: string,
  delta: Delta,
  cause: string | ReadonlyArray<string>
) => void

const refuser =
  (file: FileBuilder, prefix: string, world: string): Refuse =>
  (id, title, clauses, flags, twin, delta, cause) => {
    const first = typeof cause === "string" ? cause : cause[0]!
    file.invalid(
      { id: `${prefix}-${id}`, title, clauses, flags, world, critical: first.startsWith("vault.") },
      twin,
      delta,
      cause
    )
  }

/** Secrets and headers. */
export const vaultHeaders = (): VectorFile => {
  const file = new FileBuilder(family, "header")
  const world = "header"
  const trace = file.world(world, "one vault under a key and under a passphrase")
  const base = ground(trace)
  const refuse = refuser(file, "vault-unlock", world)

  const texts: ReadonlyArray<readonly [id: string, title: string, text: string, bytes: string]> = [
    ["ascii", "plain letters stay as they are", "pass phrase ", "7061737320706872617365 20".replaceAll(" ", "")],
    ["composed", "a composed letter", "caf\u00e9", "636166c3a9"],
    ["decomposed", "a letter and its accent become one", "cafe\u0301", "636166c3a9"],
    ["compatibility", "a ligature is kept: form C, not KC", "\ufb01ne", "efac816e65"],
    ["emoji", "beyond the basic plane", "\u{1f511}", "f09f9491"]
  ]
  for (const [id, title, text, passphrase] of texts)
    file.valid(
      { id: `vault-passphrase-${id}`, title, clauses: ["vault.kdf.3"], world },
      "vault.passphrase",
      { text },
      { passphrase }
    )

  const costs: ReadonlyArray<readonly [id: string, title: string, cost: Cost, passphrase: string]> = [
    ["least", "least memory, least work", [8192, 2, 1], "correct horse battery staple"],
    ["memory", "more memory, one pass", [16_384, 1, 1], "correct horse battery staple"],
    ["lanes", "four lanes", [8192, 2, 4], "correct horse battery staple"],
    ["most-lanes", "sixteen lanes, memory that is no multiple of 64", [8201, 2, 16], "correct horse battery staple"],
    ["one-byte", "a passphrase of one byte", [8192, 2, 1], "x"],
    ["long", "a passphrase of 1,024 bytes", [8192, 2, 1], "y".repeat(1024)]
  ]
  for (const [id, title, cost, text] of costs) {
    const passphrase = trace.op(`stretch-${id}.passphrase`, "utf8", { text })
    const salt = trace.coin(`stretch-${id}.salt`, "vault/stretch", "vault.salt", 0, 16)
    const stretched = stretch(base, `stretch-${id}.out`, salt, cost, passphrase)
    file.valid(
      {
        id: `vault-stretch-${id}`,
        title,
        clauses: ["vault.kdf.1", "crypto.argon2.1"],
        flags: ["TestCost", "Distinct"],
        world
      },
      "vault.stretch",
      { passphrase, salt, memory: cost[0], passes: cost[1], lanes: cost[2] },
      { stretched }
    )
  }
  for (const [id, title, at, value] of [
    ["memory-low", "1 KiB less memory than the least", "in/memory", 8191],
    ["memory-high", "1 KiB more memory than the most", "in/memory", 1_048_577],
    ["memory-vast", "as much memory as a header can ask for", "in/memory", Number.MAX_SAFE_INTEGER],
    ["no-passes", "no pass", "in/passes", 0],
    ["work-low", "one pass over the least memory", "in/passes", 1],
    ["work-high", "one pass more than the most work", "in/passes", 513],
    ["passes-vast", "as many passes as a header can ask for", "in/passes", Number.MAX_SAFE_INTEGER],
    ["no-lanes", "no lane", "in/lanes", 0],
    ["lanes-high", "seventeen lanes", "in/lanes", 17]
  ] as const) {
    file.invalid(
      { id: `vault-stretch-${id}`, title, clauses: ["vault.kdf.2"], flags: ["Cost"], world, critical: true },
      "vault-stretch-least",
      { at, op: "assign", value },
      "vault.kdf"
    )
  }

  const made: ReadonlyArray<readonly [id: string, title: string, options: Parameters<typeof header>[2]]> = [
    ["key", "under a key", {}],
    ["key-127", "generation 127", { generation: 127 }],
    ["key-128", "generation 128, a byte longer", { generation: 128 }],
    ["key-65536", "generation 65,536", { generation: 65_536 }],
    ["key-last", "the last generation", { generation: Number.MAX_SAFE_INTEGER }],
    ["sealing", "being sealed", { state: 2 }],
    ["unsealing", "being unsealed", { state: 3, generation: 2 }],
    ["passphrase", "under a passphrase", { cost: least }],
    ["passphrase-lanes", "under a passphrase, four lanes", { cost: [8192, 2, 4], generation: 7 }]
  ]
  const headers = new Map<string, Header>()
  for (const [id, title, options] of made) {
    const one = header(base, id, options)
    headers.set(id, one)
    const { cost, generation, state } = one
    const opener = cost === undefined ? { key: base.key } : { passphrase: base.passphrase }
    const flags = ["Distinct", ...(cost === undefined ? [] : ["TestCost"])]
    file.valid(
      {
        id: `vault-make-${id}`,
        title,
        clauses: ["vault.header.1", "vault.header.2", "vault.header.3", "vault.unlock.3", "vault.create.1"],
        flags,
        world
      },
      "vault.make",
      {
        deviceKey: base.device,
        vault: base.vault,
        ...opener,
        state,
        generation,
        salt: one.salt,
        ...(cost === undefined ? {} : { cost: [...cost] })
      },
      { header: one.header }
    )
    file.valid(
      {
        id: `vault-unlock-${id}`,
        title,
        clauses: ["vault.header.1", "vault.open.1"],
        flags: cost === undefined ? [] : ["TestCost"],
        world
      },
      "vault.unlock",
      { ...opener, header: one.header },
      { deviceKey: base.device, vault: base.vault, state, generation }
    )
  }
  const [twin, locked] = ["vault-unlock-key", "vault-unlock-passphrase"]
  const at = "in/header"
  const key = headers.get("key")!
  const pass = headers.get("passphrase")!

  // Secrets.
  const wrong = ["vault.open.1"]
  refuse(
    "wrong-key",
    "another key",
    wrong,
    ["WrongSecret"],
    twin,
    { at: "in/key", op: "xor", offset: 31, bytes: "01" },
    "vault.secret"
  )
  refuse(
    "wrong-first",
    "a key with another first bit",
    wrong,
    ["WrongSecret"],
    twin,
    { at: "in/key", op: "xor", offset: 0, bytes: "80" },
    "vault.secret"
  )
  refuse(
    "wrong-passphrase",
    "a passphrase with another last letter",
    wrong,
    ["WrongSecret"],
    locked,
    { at: "in/passphrase", op: "xor", offset: 27, bytes: "01" },
    "vault.secret"
  )
  refuse(
    "longer-passphrase",
    "a passphrase with a space behind",
    wrong,
    ["WrongSecret"],
    locked,
    { at: "in/passphrase", op: "insert", offset: 28, bytes: "20" },
    "vault.secret"
  )
  refuse(
    "other-kind",
    "the header of a vault under a passphrase, and a key",
    ["vault.kdf.4"],
    ["WrongSecret"],
    twin,
    { at, op: "assign", value: pass.header },
    "vault.method"
  )
  refuse(
    "other-kind-key",
    "the header of a vault under a key, and a passphrase",
    ["vault.kdf.4"],
    ["WrongSecret"],
    locked,
    { at, op: "assign", value: key.header },
    "vault.method"
  )

  // Damage: every item, told from a wrong secret.
  // 98 01 01 c410<16> 01 92 02 c410<16> c420<32> c430<48> c410<16>
  const damage = ["vault.header.4", "vault.open.1"]
  for (const [id, title, offset] of [
    ["vault-id", "the vault id", 5],
    ["vault-id-last", "the last byte of the vault id", 20],
    ["salt", "the salt", 26],
    ["salt-last", "the last byte of the salt", 41],
    ["verifier", "the verifier", 44],
    ["verifier-last", "the last byte of the verifier", 75],
    ["wrapped", "the wrapped key", 78],
    ["wrapped-tag", "the tag of the wrapped key", 125],
    ["digest", "the digest", 128],
    ["digest-last", "the last byte of the digest", 143]
  ] as const)
    refuse(
      `damaged-${id}`,
      `one bit of ${title}`,
      damage,
      ["Damaged"],
      twin,
      { at, op: "xor", offset, bytes: "04" },
      "vault.damaged"
    )
  refuse(
    "damaged-state",
    "another state",
    damage,
    ["Damaged"],
    twin,
    { at, op: "set", offset: 2, bytes: "02" },
    "vault.damaged"
  )
  refuse(
    "damaged-generation",
    "another generation",
    damage,
    ["Damaged"],
    twin,
    { at, op: "set", offset: 21, bytes: "02" },
    "vault.damaged"
  )

  // Forged: the digest made anew.
  const set =
    (offset: number, byte: number) =>
    (head: Uint8Array): Uint8Array =>
      head.with(offset, byte)
  const flip =
    (offset: number) =>
    (head: Uint8Array): Uint8Array =>
      head.with(offset, head[offset]! ^ 1)
  const forge = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    from: Header,
    of: string,
    change: (head: Uint8Array) => Uint8Array,
    cause: string
  ) =>
    refuse(
      `forged-${id}`,
      title,
      clauses,
      ["Forged"],
      of,
      { at, op: "assign", value: forged(trace, `forged-${id}`, from, change) },
      cause
    )
  forge(
    "state",
    "says that it is being sealed",
    ["vault.header.2", "vault.header.3"],
    key,
    twin,
    set(2, 2),
    "vault.damaged"
  )
  forge("unsealing", "says that it is being unsealed", ["vault.header.3"], key, twin, set(2, 3), "vault.damaged")
  forge("generation", "says a later generation", ["vault.header.3"], key, twin, set(21, 9), "vault.damaged")
  forge("vault-id", "says another vault id", ["vault.header.3"], key, twin, flip(5), "vault.damaged")
  forge("salt", "another salt cannot be told from a wrong key", ["vault.open.1"], key, twin, flip(26), "vault.secret")
  forge("verifier", "another verifier", ["vault.open.1"], key, twin, flip(60), "vault.secret")
  forge(
    "cost-salt",
    "another salt cannot be told from a wrong passphrase",
    ["vault.open.1"],
    pass,
    locked,
    flip(26),
    "vault.secret"
  )
  // The cost stands behind the salt: cd2000 02 01.
  const costAt = 42
  const cost =
    (bytes: string) =>
    (head: Uint8Array): Uint8Array =>
      Uint8Array.from([...head.subarray(0, costAt), ...Buffer.from(bytes, "hex"), ...head.subarray(costAt + 5)])
  forge("cost-lanes", "another number of lanes", ["vault.open.1"], pass, locked, cost("cd20000202"), "vault.secret")
  for (const [id, title, bytes] of [
    ["memory-low", "8,191 KiB", "cd1fff0201"],
    ["memory-none", "no memory", "000201"],
    ["memory-high", "1 GiB and 1 KiB", "ce001000010201"],
    ["memory-vast", "as much memory as can be written", "cf001fffffffffffff0201"],
    ["passes-none", "no pass", "cd20000001"],
    ["passes-one", "too little work", "cd20000101"],
    ["passes-many", "too much work", "cd2000cd020101"],
    ["passes-vast", "as many passes as can be written", "cd2000cf001fffffffffffff01"],
    ["lanes-none", "no lane", "cd20000200"],
    ["lanes-many", "seventeen lanes", "cd20000211"]
  ] as const)
    forge(`cost-${id}`, `asks for ${title}`, ["vault.kdf.2"], pass, locked, cost(bytes), "vault.kdf")
  refuse(
    "forged-wrapped",
    "the wrapped key altered, the digest made anew",
    ["vault.header.3", "vault.open.1"],
    ["Forged"],
    twin,
    { at, op: "resign", value: "key.wrapped", inner: { at: "value", op: "xor", offset: 0, bytes: "01" } },
    "vault.damaged"
  )
  const transplant = asHeader(trace, "transplant", key.head, headers.get("key-127")!.wrapped)
  refuse(
    "forged-transplant",
    "the wrapped key of another generation of the same vault",
    ["vault.header.3"],
    ["Forged"],
    twin,
    { at, op: "assign", value: transplant },
    "vault.damaged"
  )

  // Form.
  const form = (id: string, title: string, delta: Delta, cause = "state.corrupt"): void =>
    refuse(
      `form-${id}`,
      title,
      ["vault.header.1", "vault.outcome.1"],
      [cause === "state.version" ? "Version" : "Form"],
      twin,
      delta,
      cause
    )
  form("empty", "nothing", { at, op: "cut", offset: 0, length: 144 })
  form("cut", "the last byte missing", { at, op: "cut", offset: 143, length: 1 })
  form("half", "half of it, as after a torn write", { at, op: "cut", offset: 72, length: 72 })
  form("trailing", "a byte behind", { at, op: "insert", offset: 144, bytes: "00" })
  form("state-0", "state 0", { at, op: "set", offset: 2, bytes: "00" })
  form("state-4", "state 4", { at, op: "set", offset: 2, bytes: "04" })
  form("generation-0", "generation 0", { at, op: "set", offset: 21, bytes: "00" })
  form("generation-long", "generation 1 in a longer form", {
    at,
    op: "reencode",
    offset: 21,
    length: 1,
    bytes: "cc01",
    kind: "uint8"
  })
  form("method-3", "a third kind of secret", { at, op: "set", offset: 23, bytes: "03" })
  form("salt-15", "a salt of 15 bytes", { at, op: "reencode", offset: 24, length: 3, bytes: "c40f", kind: "15 bytes" })
  form("nine", "nine items", { at, op: "set", offset: 0, bytes: "99" })
  form("map", "a map", { at, op: "set", offset: 0, bytes: "88" })
  form("version-0", "version 0", { at, op: "set", offset: 1, bytes: "00" }, "state.version")
  form("version-2", "version 2", { at, op: "set", offset: 1, bytes: "02" }, "state.version")
  form(
    "version-other",
    "a later version with another tail",
    { at, op: "reencode", offset: 0, length: 144, bytes: "9207c0", kind: "another version" },
    "state.version"
  )
  return file.file()
}

/** Names, records, ledgers and whole stores. */
export const vaultRecords = (): VectorFile => {
  const file = new FileBuilder(family, "records")
  const world = "records"
  const trace = file.world(world, "records of one vault")
  const base = ground(trace)
  const keys = keysOf(base)
  const vault = { deviceKey: base.device, vault: base.vault }
  const refuse = refuser(file, "vault", world)

  const names: ReadonlyArray<readonly [id: string, title: string, text: string, piece: number]> = [
    ["self", "a short name", "self", 0],
    ["self-second", "the second piece of the same name", "self", 1],
    ["case", "another case", "Self", 0],
    ["longer", "a name that begins with another", "self/", 0],
    ["space", "one space", " ", 0],
    ["order", "an order", "outbox/0000000000000017", 0],
    ["longest", "256 characters", "n".repeat(256), 0]
  ]
  for (const [id, title, text, at] of names)
    file.valid(
      { id: `vault-name-${id}`, title, clauses: ["vault.name.1", "vault.keys.1"], flags: ["Distinct"], world },
      "vault.name",
      { ...vault, text, piece: at },
      { id: idOf(trace, keys, `name-${id}`, text, at) }
    )

  const sealings: ReadonlyArray<readonly [id: string, title: string, text: string, length: number, version: number]> = [
    ["empty", "an empty value", "self", 0, 2],
    ["short", "a short one", "contact/a1", 20, 2],
    ["version-127", "version 127", "contact/a1", 20, 127],
    ["version-128", "version 128", "contact/a1", 20, 128],
    ["version-last", "the last version", "contact/a1", 20, Number.MAX_SAFE_INTEGER],
    ["floor", "padded to 64 bytes and no more", "self", 55, 3],
    ["beyond-floor", "one byte beyond", "self", 56, 3],
    ["thousand", "a thousand bytes", "session/57", 1000, 4],
    ["long-name", "a name of 256 characters", "n".repeat(256), 1, 5]
  ]
  for (const [id, title, text, length, version] of sealings) {
    const content = Uint8Array.from({ length }, (_, i) => (i * 7 + version) & 0xff)
    const one = piece(trace, keys, `seal-${id}`, text, content, version)
    file.valid(
      { id: `vault-seal-${id}`, title, clauses: ["vault.record.1", "vault.record.2"], flags: ["Distinct"], world },
      "vault.seal",
      { ...vault, text, value: one.value, version, nonces: [one.nonce] },
      { records: [one.record] }
    )
    file.valid(
      { id: `vault-open-${id}`, title, clauses: ["vault.record.1", "vault.record.3"], world },
      "vault.open",
      { ...vault, id: one.id, record: one.record },
      { text, bytes: one.value, version, piece: 0, pieces: 1 }
    )
  }

  // One record, damaged and moved. 96 01 02 00 01 c40c<12> c450<80>
  const [twin, at] = ["vault-open-short", "in/record"]
  const other = piece(trace, keys, "other", "contact/b2", utf8("somebody else"), 2)
  const second = piece(trace, keys, "second", "contact/a1", utf8("a second piece"), 2, [1, 2])
  const strange = trace.coin("strange-device", "vault/strange", "vault.device", 0, 32)
  const rule = ["vault.record.3"]
  for (const [id, title, offset] of [
    ["nonce", "the nonce", 7],
    ["nonce-last", "the last byte of the nonce", 18],
    ["sealed", "the sealed bytes", 21],
    ["sealed-middle", "the middle of the sealed bytes", 60],
    ["tag", "the tag", 100]
  ] as const)
    refuse(
      `open-damaged-${id}`,
      `one bit of ${title}`,
      rule,
      ["Damaged"],
      twin,
      { at, op: "xor", offset, bytes: "10" },
      "vault.damaged"
    )
  refuse(
    "open-version",
    "another version than it was sealed with",
    rule,
    ["Rollback"],
    twin,
    { at, op: "set", offset: 2, bytes: "03" },
    "vault.damaged"
  )
  refuse(
    "open-piece",
    "another piece than it was sealed as",
    rule,
    ["Moved"],
    twin,
    { at, op: "set", offset: 3, bytes: "01" },
    "vault.damaged"
  )
  refuse(
    "open-pieces",
    "one piece of two instead of one",
    rule,
    ["Moved"],
    twin,
    { at, op: "set", offset: 4, bytes: "02" },
    "vault.damaged"
  )
  refuse(
    "open-moved",
    "found under the id of another record",
    rule,
    ["Moved"],
    twin,
    { at: "in/id", op: "assign", value: other.id },
    "vault.damaged"
  )
  refuse(
    "open-other",
    "another record under its id",
    rule,
    ["Moved"],
    twin,
    { at, op: "assign", value: other.record },
    "vault.damaged"
  )
  refuse(
    "open-second",
    "the second piece in the place of the first",
    rule,
    ["Moved"],
    twin,
    { at, op: "assign", value: second.record },
    "vault.damaged"
  )
  refuse(
    "open-id-bit",
    "one bit of the id",
    rule,
    ["Moved"],
    twin,
    { at: "in/id", op: "xor", offset: 15, bytes: "01" },
    "vault.damaged"
  )
  refuse(
    "open-other-vault",
    "under another vault id",
    ["vault.keys.1"],
    ["Moved"],
    twin,
    { at: "in/vault", op: "xor", offset: 0, bytes: "01" },
    "vault.damaged"
  )
  refuse(
    "open-other-device",
    "with another device key",
    ["vault.keys.1"],
    ["WrongSecret"],
    twin,
    { at: "in/deviceKey", op: "assign", value: strange },
    "vault.damaged"
  )
  const inner = (id: string, title: string, value: Arg, cause: string): void => {
    const plain = trace.op(`inner-${id}.plain`, "canon", { value })
    const made = piece(trace, keys, `inner-${id}`, "contact/a1", new Uint8Array(0), 2, [0, 1], plain)
    refuse(
      `open-inner-${id}`,
      title,
      ["vault.record.2", "vault.record.3"],
      ["Form"],
      twin,
      { at, op: "assign", value: made.record },
      cause
    )
  }
  inner(
    "name",
    "sealed rightly, with the name of another record inside",
    [{ text: "contact/b2" }, utf8("x")],
    "vault.damaged"
  )
  inner("no-name", "sealed rightly, with an empty name", [{ text: "" }, utf8("x")], "state.corrupt")
  inner("text", "sealed rightly, with text for the value", [{ text: "contact/a1" }, { text: "x" }], "state.corrupt")
  inner("three", "sealed rightly, with three items", [{ text: "contact/a1" }, utf8("x"), 1], "state.corrupt")
  const form = (id: string, title: string, delta: Delta, cause = "state.corrupt"): void =>
    refuse(
      `open-form-${id}`,
      title,
      ["vault.record.1", "vault.outcome.1"],
      [cause === "state.version" ? "Version" : "Form"],
      twin,
      delta,
      cause
    )
  form("empty", "nothing", { at, op: "cut", offset: 0, length: 101 })
  form("cut", "the last byte missing", { at, op: "cut", offset: 100, length: 1 })
  form("trailing", "a byte behind", { at, op: "insert", offset: 101, bytes: "00" })
  form("version-0", "version 0", { at, op: "set", offset: 2, bytes: "00" })
  form("version-long", "version 2 in a longer form", {
    at,
    op: "reencode",
    offset: 2,
    length: 1,
    bytes: "cc02",
    kind: "uint8"
  })
  form("piece-2", "the third of one piece", { at, op: "set", offset: 3, bytes: "02" })
  form("pieces-0", "no pieces", { at, op: "set", offset: 4, bytes: "00" })
  form("pieces-3", "three pieces", { at, op: "set", offset: 4, bytes: "03" })
  form("nonce-11", "a nonce of 11 bytes", { at, op: "reencode", offset: 5, length: 3, bytes: "c40b", kind: "11 bytes" })
  form("format-0", "format 0", { at, op: "set", offset: 1, bytes: "00" }, "state.version")
  form("format-2", "format 2", { at, op: "set", offset: 1, bytes: "02" }, "state.version")

  // Whole stores.
  const self = piece(trace, keys, "self", "self", utf8("this device"), 2)
  const bob = piece(trace, keys, "bob", "contact/b2", utf8("Bob, as he was"), 3)
  const bobNow = piece(trace, keys, "bob-now", "contact/b2", utf8("Bob, as he is "), 5)
  const big = [0, 1].map((n) => piece(trace, keys, `big-${n}`, "inbox/1", utf8(`part ${n}`), 4, [n, 2]))
  const bigOld = piece(trace, keys, "big-old", "inbox/1", utf8("old part"), 3, [1, 2])
  const extra = piece(trace, keys, "extra", "contact/c3", utf8("removed long ago"), 2)
  const all = [self, bobNow, ...big]
  const load = (pieces: ReadonlyArray<Piece>, book: Ref, generation = 1): { readonly [name: string]: Json } => ({
    ...vault,
    generation,
    ledger: book,
    ids: pieces.map(({ id }) => id),
    records: pieces.map(({ record }) => record)
  })
  const namesOf = (pieces: ReadonlyArray<Piece>): Json =>
    [...new Map(pieces.map(({ text, version }) => [text, version]))].sort(([a], [b]) => (a < b ? -1 : 1))
  const whole = (
    id: string,
    title: string,
    pieces: ReadonlyArray<Piece>,
    options: Parameters<typeof ledger>[4] = {}
  ): Ref => {
    const book = ledger(trace, keys, `ledger-${id}`, pieces, options)
    file.valid(
      { id: `vault-load-${id}`, title, clauses: ["vault.ledger.1", "vault.ledger.2", "vault.ledger.3"], world },
      "vault.load",
      load(pieces, book, options.generation),
      { names: namesOf(pieces) }
    )
    return book
  }
  whole("none", "no records", [], { commits: 1 })
  whole("one", "one record", [self])
  const old = whole("before", "before two records were written", [self, bob], { commits: 3 })
  const book = whole("whole", "three records, one in two pieces", all)
  whole("turned", "the same, found in another order", all.toReversed(), { commits: 10 })
  whole("second-generation", "after the secret was changed", all, { commits: 11, generation: 2 })
  const [base0, ledgerAt] = ["vault-load-whole", "in/ledger"]
  const gone = (
    id: string,
    title: string,
    pieces: ReadonlyArray<Piece>,
    book: Ref,
    clauses: ReadonlyArray<string>
  ): void => {
    // The store is another: its records, with their ids, are one list in this file's twin.
    file.valid(
      { id: `vault-load-${id}-known`, title: `${title}, and the ledger knows`, clauses: ["vault.ledger.3"], world },
      "vault.load",
      load(pieces, ledger(trace, keys, `ledger-${id}-known`, pieces, { commits: 20 })),
      { names: namesOf(pieces) }
    )
    refuse(
      `load-${id}`,
      title,
      clauses,
      ["Rollback"],
      `vault-load-${id}-known`,
      { at: ledgerAt, op: "assign", value: book },
      "vault.rollback"
    )
  }
  const lost = ["vault.ledger.3"]
  gone("record-old", "one record put back as it was", [self, bob, ...big], book, lost)
  gone("record-removed", "one record removed", [self, ...big], book, lost)
  gone("record-added", "one record added that was removed before", [...all, extra], book, lost)
  gone("all-removed", "every record removed", [], book, lost)
  gone("exchanged", "one record exchanged for an old one of another name", [self, extra, ...big], book, lost)
  refuse(
    "load-ledger-old",
    "the ledger put back",
    lost,
    ["Rollback"],
    base0,
    { at: ledgerAt, op: "assign", value: old },
    "vault.rollback"
  )
  refuse(
    "load-generation",
    "the header of the generation before put back",
    lost,
    ["Rollback"],
    "vault-load-second-generation",
    { at: "in/generation", op: "assign", value: 1 },
    "vault.rollback"
  )
  refuse(
    "load-generation-later",
    "a header that is newer than the ledger",
    lost,
    ["Rollback"],
    base0,
    { at: "in/generation", op: "assign", value: 2 },
    "vault.rollback"
  )
  const count = ledger(trace, keys, "ledger-count", all, { count: 5 })
  refuse(
    "load-count",
    "the right marks, and one piece too many",
    lost,
    ["Rollback"],
    base0,
    { at: ledgerAt, op: "assign", value: count },
    "vault.rollback"
  )
  file.valid(
    { id: "vault-load-pair", title: "two pieces of one version", clauses: ["vault.ledger.3"], world },
    "vault.load",
    load([self, bobNow, ...big], ledger(trace, keys, "ledger-pair", [self, bobNow, ...big], { commits: 30 })),
    { names: namesOf(all) }
  )
  refuse(
    "load-piece-old",
    "one piece of a value put back",
    ["vault.ledger.3"],
    ["Rollback"],
    base0,
    { at: "in/records/3", op: "assign", value: bigOld.record },
    "vault.rollback"
  )
  refuse(
    "load-swapped",
    "one record in the place of another",
    rule,
    ["Moved"],
    base0,
    { at: "in/records/0", op: "assign", value: bobNow.record },
    "vault.damaged"
  )
  refuse(
    "load-swapped-pieces",
    "the first piece in the place of the second",
    rule,
    ["Moved"],
    base0,
    { at: "in/records/3", op: "assign", value: big[0]!.record },
    "vault.damaged"
  )
  refuse(
    "load-damaged",
    "one bit of one record",
    rule,
    ["Damaged"],
    base0,
    { at: "in/records/1", op: "xor", offset: 40, bytes: "01" },
    "vault.damaged"
  )
  refuse(
    "load-torn",
    "one record half written",
    rule,
    ["Damaged"],
    base0,
    { at: "in/records/1", op: "cut", offset: 50, length: 51 },
    "state.corrupt"
  )
  refuse(
    "load-strange",
    "another device key",
    ["vault.keys.1"],
    ["WrongSecret"],
    base0,
    { at: "in/deviceKey", op: "assign", value: strange },
    "vault.damaged"
  )
  const ledgerForm = (id: string, title: string, delta: Delta, cause: string, flag = "Form"): void =>
    refuse(`load-ledger-${id}`, title, ["vault.ledger.2"], [flag], base0, delta, cause)
  ledgerForm(
    "commits",
    "another clock",
    { at: ledgerAt, op: "set", offset: 2, bytes: "0a" },
    "vault.damaged",
    "Damaged"
  )
  ledgerForm(
    "nonce",
    "one bit of the nonce",
    { at: ledgerAt, op: "xor", offset: 5, bytes: "01" },
    "vault.damaged",
    "Damaged"
  )
  ledgerForm(
    "sealed",
    "one bit of the sealed bytes",
    { at: ledgerAt, op: "xor", offset: 25, bytes: "01" },
    "vault.damaged",
    "Damaged"
  )
  ledgerForm(
    "tag",
    "one bit of the tag",
    { at: ledgerAt, op: "xor", offset: 70, bytes: "01" },
    "vault.damaged",
    "Damaged"
  )
  ledgerForm("empty", "nothing", { at: ledgerAt, op: "cut", offset: 0, length: 71 }, "state.corrupt")
  ledgerForm("cut", "the last byte missing", { at: ledgerAt, op: "cut", offset: 70, length: 1 }, "state.corrupt")
  ledgerForm("trailing", "a byte behind", { at: ledgerAt, op: "insert", offset: 71, bytes: "00" }, "state.corrupt")
  ledgerForm("commits-0", "clock 0", { at: ledgerAt, op: "set", offset: 2, bytes: "00" }, "state.corrupt")
  ledgerForm("format-2", "format 2", { at: ledgerAt, op: "set", offset: 1, bytes: "02" }, "state.version", "Version")
  return file.file()
}
