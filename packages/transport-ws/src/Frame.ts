/**
 * Every frame between client and relay, as layouts: the single source of types, decoders and encoders.
 *
 * Spec: docs/spec/14-relay.md §14.1 (table of frames), rules relay.frame.1–2.
 * Portable: no platform import. Does not open connections, and does not judge what a frame asks for.
 */
import { Canonical, Layout, Limits as CoreLimits, Malformed, Prekey } from "@tacit/core/hazmat"
import * as Data from "effect/Data"
import * as Result from "effect/Result"

/** Path of the WebSocket endpoint. */
export const path = "/v1"

/** Path of the HTTP service that keeps sealed files (docs/spec/11-attachments.md §11.5). */
export const attachmentsPath = `${path}/attachments`

/** WebSocket subprotocol both sides must choose. */
export const subprotocol = "tacit.1"

/** Longest frame, in bytes. A longer message closes the connection with code 1009. */
export const maxFrameBytes = 262_144

/** Most deliveries one `acknowledge` names. */
export const maxAcknowledged = 1024

/** Most one-time prekeys of one kind in one publication, and in a relay's stock. */
export const maxOneTimePrekeys = 100

/** Longest credential of a registration, in bytes: an account token (rule relay.token.1). */
export const maxCredentialBytes = 2_048

/** Longest blob in a slot, in bytes, and most of them of one party (rule relay.slot.2). */
export const maxBlobBytes = 65_536
export const maxBlobs = 16

/** WebSocket close codes this protocol gives a meaning (rules relay.frame.2, relay.shutdown.1, relay.login.3). */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  misbehaved: 1008,
  tooLarge: 1009,
  /** A second login of the same device took over. */
  replaced: 4001,
  /** The device was revoked while it was connected. */
  revoked: 4003,
  /** The account may not use the relay any more, and nothing waits for the device (rule relay.entitle.2). */
  notEntitled: 4004,
  /**
   * The relay's administrator removed the account or the device (rule relay.remove.4). A client comes back once: the answer to its login says
   * what was removed, and when.
   */
  removed: 4005
} as const

/** Frame types by name. */
export const Type = {
  hello: 1,
  welcome: 2,
  register: 3,
  done: 4,
  login: 5,
  loggedIn: 6,
  publishPrekeys: 7,
  publishManifest: 8,
  setToken: 9,
  lookUp: 10,
  user: 11,
  fetchBundle: 12,
  bundle: 13,
  submit: 14,
  accepted: 15,
  deliver: 16,
  acknowledge: 17,
  fetchManifests: 18,
  ready: 19,
  ping: 20,
  openSlot: 21,
  joinSlot: 22,
  postBlob: 23,
  blob: 24,
  closeSlot: 25,
  issuePassword: 26,
  password: 27,
  fetchPass: 30,
  pass: 31,
  presentPass: 32,
  fetchGrant: 33,
  grant: 34,
  error: 255
} as const

const request = Layout.uint()
const key32 = Layout.bytes({ length: 32 })
const signature = Layout.bytes({ length: 64 })
const mailbox = Layout.bytes({ length: 16 })
const slot = Layout.bytes({ length: 16 })
const party = Layout.bytes({ length: 16 })
const blobNumber = Layout.uint({ max: maxBlobs - 1 })
const blob = Layout.bytes({ min: 1, max: maxBlobBytes })
const password = Layout.text({ min: 1, max: 64 })
/** A one-time password, or an account token (rule relay.token.1). */
const credential = Layout.text({ min: 1, max: maxCredentialBytes })
const user = Layout.text({ min: 1, max: CoreLimits.maxUserNameBytes })
const manifest = Layout.bytes({ min: 1, max: CoreLimits.maxManifestBytes })
const certificate = Layout.bytes({ min: 1, max: CoreLimits.maxCertificateBytes })
const envelope = Layout.bytes({ min: 1, max: CoreLimits.maxEnvelopeBytes })

/** Name, challenge and limits a relay greets with. A limit that is absent is not promised. Odd keys: all ignorable. */
export const Limits = Layout.extensions({
  frameBytes: Layout.extension(1, Layout.uint()),
  envelopeBytes: Layout.extension(3, Layout.uint()),
  mailboxEnvelopes: Layout.extension(5, Layout.uint()),
  mailboxBytes: Layout.extension(7, Layout.uint()),
  retentionMs: Layout.extension(9, Layout.uint())
})
export type Limits = Layout.Type<typeof Limits>

export type SignedPrekey = Prekey.SignedPrekey
export type KemPrekey = Prekey.KemPrekey
export type OneTimePrekey = Prekey.OneTimePrekey

export const Hello = Layout.tuple({ type: Layout.literal(1), request, client: Layout.text({ max: 64 }) })
export const Welcome = Layout.tuple({
  type: Layout.literal(2),
  request,
  relay: Layout.text({ min: 1, max: 255 }),
  challenge: key32,
  now: Layout.uint(),
  limits: Limits
})
export const Register = Layout.tuple({
  type: Layout.literal(3),
  request,
  user,
  password: credential,
  manifest,
  certificate,
  mailbox,
  proof: signature
})
export const Done = Layout.tuple({ type: Layout.literal(4), request })
export const Login = Layout.tuple({
  type: Layout.literal(5),
  request,
  device: key32,
  generation: Layout.uint(),
  startId: Layout.bytes({ length: 8 }),
  signature
})
export const LoggedIn = Layout.tuple({
  type: Layout.literal(6),
  request,
  waiting: Layout.uint(),
  oneTime: Layout.uint(),
  oneTimeKem: Layout.uint(),
  signedPrekeyId: Layout.uint()
})
export const PublishPrekeys = Layout.tuple({
  type: Layout.literal(7),
  request,
  signed: Layout.list(Prekey.SignedPrekey, { max: 1 }),
  lastResortKem: Layout.list(Prekey.KemPrekey, { max: 1 }),
  oneTime: Layout.list(Prekey.OneTimePrekey, { max: maxOneTimePrekeys }),
  oneTimeKem: Layout.list(Prekey.KemPrekey, { max: maxOneTimePrekeys })
})
export const PublishManifest = Layout.tuple({
  type: Layout.literal(8),
  request,
  manifest,
  certificates: Layout.list(certificate, { max: 50 })
})
export const SetToken = Layout.tuple({ type: Layout.literal(9), request, tokenHash: key32 })
export const LookUp = Layout.tuple({ type: Layout.literal(10), request, user })
export const User = Layout.tuple({
  type: Layout.literal(11),
  request,
  account: key32,
  manifests: Layout.list(manifest, { max: 4096 })
})
export const FetchBundle = Layout.tuple({ type: Layout.literal(12), request, account: key32, device: key32 })
export const Bundle = Layout.tuple({ type: Layout.literal(13), request, bundle: Layout.bytes({ min: 1, max: 4096 }) })
export const Submit = Layout.tuple({
  type: Layout.literal(14),
  request,
  /** 16 bytes, or empty for none. */
  token: Layout.bytes({ max: 16 }),
  /** As long as a frame may be, so that a relay can answer `too-large` to the request. */
  envelope: Layout.bytes({ max: maxFrameBytes })
})
export const Accepted = Layout.tuple({ type: Layout.literal(15), request })
export const Deliver = Layout.tuple({
  type: Layout.literal(16),
  request,
  delivery: Layout.uint({ min: 1 }),
  receivedAt: Layout.uint(),
  envelope
})
export const Acknowledge = Layout.tuple({
  type: Layout.literal(17),
  request,
  deliveries: Layout.list(Layout.uint(), { max: maxAcknowledged })
})
export const FetchManifests = Layout.tuple({ type: Layout.literal(18), request, account: key32, after: Layout.uint() })
export const Ready = Layout.tuple({ type: Layout.literal(19), request, credit: Layout.uint({ min: 1, max: 65_535 }) })
export const Ping = Layout.tuple({ type: Layout.literal(20), request })
/** Slots: docs/spec/14-relay.md §14.7. `party` is a secret of 16 bytes by which a party joins again. */
export const OpenSlot = Layout.tuple({ type: Layout.literal(21), request, slot, party })
export const JoinSlot = Layout.tuple({ type: Layout.literal(22), request, slot, party, from: Layout.uint() })
export const PostBlob = Layout.tuple({
  type: Layout.literal(23),
  request,
  /** As long as the count may be, so that a relay can answer `quota` to the request. */
  number: Layout.uint(),
  blob
})
export const Blob = Layout.tuple({ type: Layout.literal(24), request, number: blobNumber, blob })
export const CloseSlot = Layout.tuple({ type: Layout.literal(25), request })
export const IssuePassword = Layout.tuple({ type: Layout.literal(26), request })
export const Password = Layout.tuple({ type: Layout.literal(27), request, password, expiresAt: Layout.uint() })
/** The pass of a relay that takes submissions of entitled accounts only (rule relay.entitle.3). */
export const FetchPass = Layout.tuple({ type: Layout.literal(30), request })
export const Pass = Layout.tuple({
  type: Layout.literal(31),
  request,
  /** 16 bytes, or empty where none is needed. */
  pass: Layout.bytes({ max: 16 }),
  until: Layout.uint()
})
export const PresentPass = Layout.tuple({ type: Layout.literal(32), request, pass: Layout.bytes({ length: 16 }) })
/** Leave to upload a sealed file of at most `size` bytes (docs/spec/11-attachments.md, rule attachment.grant.1). */
export const FetchGrant = Layout.tuple({ type: Layout.literal(33), request, size: Layout.uint({ min: 1 }) })
export const Grant = Layout.tuple({
  type: Layout.literal(34),
  request,
  grant: Layout.bytes({ length: 16 }),
  until: Layout.uint()
})
export const ErrorFrame = Layout.tuple({
  type: Layout.literal(255),
  request,
  code: Layout.text({ min: 1, max: 32 }),
  message: Layout.text({ max: 256 }),
  retryAfterMs: Layout.uint(),
  detail: Layout.bytes({ max: CoreLimits.maxRemovalBytes })
})

/** What a client may send. */
export const ClientFrame = Layout.oneOf(
  Submit,
  Acknowledge,
  Ready,
  Ping,
  Hello,
  Register,
  Login,
  PublishPrekeys,
  PublishManifest,
  SetToken,
  LookUp,
  FetchBundle,
  FetchManifests,
  OpenSlot,
  JoinSlot,
  PostBlob,
  CloseSlot,
  IssuePassword,
  FetchPass,
  PresentPass,
  FetchGrant
)
export type ClientFrame = Layout.Type<typeof ClientFrame>

/** What a relay may send. */
export const RelayFrame = Layout.oneOf(
  Accepted,
  Deliver,
  Done,
  ErrorFrame,
  Welcome,
  LoggedIn,
  User,
  Bundle,
  Blob,
  Password,
  Pass,
  Grant
)
export type RelayFrame = Layout.Type<typeof RelayFrame>

export type Register = Layout.Type<typeof Register>
export type Login = Layout.Type<typeof Login>
export type PublishPrekeys = Layout.Type<typeof PublishPrekeys>
export type PublishManifest = Layout.Type<typeof PublishManifest>
export type Submit = Layout.Type<typeof Submit>
export type Deliver = Layout.Type<typeof Deliver>
export type Welcome = Layout.Type<typeof Welcome>
export type LoggedIn = Layout.Type<typeof LoggedIn>
export type Blob = Layout.Type<typeof Blob>
export type ErrorFrame = Layout.Type<typeof ErrorFrame>

/** A canonical frame whose type this direction does not know; `request` is the number to echo. */
export class UnknownFrame extends Data.TaggedClass("UnknownFrame")<{ readonly request: number }> {}

const typesOf = (node: Layout.Node): ReadonlySet<number> =>
  new Set(node.kind === "oneOf" ? node.cases.map((entry) => entry.value) : [])

const clientTypes = typesOf(ClientFrame.node)
const relayTypes = typesOf(RelayFrame.node)

/** A frame from a client, or what is wrong with it (rule relay.frame.2). */
export const decodeClient = (bytes: Uint8Array): Result.Result<ClientFrame, Malformed | UnknownFrame> =>
  decode(ClientFrame, clientTypes, bytes)

/** A frame from a relay, or what is wrong with it. */
export const decodeRelay = (bytes: Uint8Array): Result.Result<RelayFrame, Malformed | UnknownFrame> =>
  decode(RelayFrame, relayTypes, bytes)

/** Bytes of a frame a client sends. A frame its layout does not hold is `Malformed`. */
export const encodeClient = (frame: ClientFrame): Result.Result<Uint8Array, Malformed> => ClientFrame.tryEncode(frame)

/** Bytes of a frame a relay sends. The relay makes them itself, so one its layout does not hold is a defect. */
export const encodeRelay = (frame: RelayFrame): Uint8Array => RelayFrame.encode(frame)

const decode = <T>(
  layout: Layout.Layout<T>,
  types: ReadonlySet<number>,
  bytes: Uint8Array
): Result.Result<T, Malformed | UnknownFrame> => {
  if (bytes.length > maxFrameBytes) return Result.fail(new Malformed({ reason: "size" }))
  const frame = layout.decode(bytes)
  if (Result.isSuccess(frame)) return frame
  // Only frames that failed pay for telling an unknown type from a damaged frame.
  const value = Canonical.decode(bytes, { maxBytes: maxFrameBytes })
  if (Result.isFailure(value)) return frame
  const head: ReadonlyArray<unknown> = Array.isArray(value.success) ? value.success : []
  const [type, request] = head
  if (typeof type !== "number" || typeof request !== "number" || types.has(type)) return frame
  return Result.fail(new UnknownFrame({ request }))
}
