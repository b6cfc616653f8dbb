/**
 * A client with a window into it, for those who judge it from outside: the conformance kit's adapter.
 *
 * Spec: docs/spec/20-subject.md §20.5, §20.7.
 * The client is the one that applications open. What is added only looks, or does at once what the client does by itself in time.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Bytes from "../base/Bytes.ts"
import type { ClientApi } from "../client/Api.ts"
import * as Client from "../client/Client.ts"
import * as Conversations from "../client/Conversations.ts"
import * as Devices from "../client/Devices.ts"
import type { ClientError, NotRegistered, ReviseError } from "../client/Errors.ts"
import * as LinkDevice from "../client/LinkDevice.ts"
import * as Opening from "../client/Opening.ts"
import * as Peers from "../client/Peers.ts"
import * as Prekeys from "../client/Prekeys.ts"
import * as Certificate from "../identity/Certificate.ts"
import { roles } from "../identity/Device.ts"
import { Crypto, Entropy } from "../ports/Crypto.ts"
import { Directory } from "../ports/Directory.ts"
import { type DeviceKeys, KeyCustody } from "../ports/KeyCustody.ts"
import { Store } from "../ports/Store.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"

/** A device of a peer, as it stands now. Ids are lower-case hex. */
export interface PeerDevice {
  readonly device: string
  /** The active session with it, if there is one. */
  readonly session: string | undefined
  /** A bundle for it lies ready. */
  readonly prepared: boolean
}

/** What an account gives to a device it takes in, as linking does (rule link.payload.1). */
export interface Admission {
  readonly user: string
  /** The certificate, and the account's newest manifest. */
  readonly certificate: Uint8Array
  readonly manifest: Uint8Array
  /** 32 bytes each. */
  readonly alias: Uint8Array
  readonly rendezvousSeed: Uint8Array
}

/** An opened client and what can be seen of it. */
export interface OpenDevice {
  readonly client: ClientApi
  /** The devices a message to this account goes to now; none for an account that is no contact. */
  readonly targets: (account: string) => Effect.Effect<ReadonlyArray<PeerDevice>, ClientError>
  /** Version of the newest manifest known of an account, 0 when there is none. */
  readonly manifestVersion: (account: string) => number
  /** Lets the directory be asked for a name again, which a client does once while it is open. */
  readonly askAgain: (user: string) => void
  /** Lets every refusal be told, also one of the very bytes refused before. */
  readonly tellAgain: () => void
  /** Takes a device into the account, as a member; 32 bytes each. What linking does once the devices have agreed. */
  readonly admit: (keys: DeviceKeys) => Effect.Effect<Admission, ReviseError>
  /** Looks after prekeys now. */
  readonly maintainPrekeys: Effect.Effect<void, ClientError | TransportError | Refused>
}

/** Opens the device of the store in context, as {@link Client.Client.layer} does. It runs until the scope closes. */
export const open = (
  options: Opening.Options = {}
): Effect.Effect<OpenDevice, ClientError | NotRegistered, Scope.Scope | Client.Requirements> =>
  Effect.map(Opening.open(options), (opened) => ({
    client: Client.make(opened),
    targets: (account) =>
      opened.contacts.has(account)
        ? Effect.map(Conversations.get(opened, account), (handle) =>
            Peers.targets(opened, handle).map((id): PeerDevice => {
              const hex = Bytes.toHex(id)
              const device = handle.devices.get(hex)
              const active = device === undefined ? undefined : Conversations.activeSession(device)
              return { device: hex, session: active?.id, prepared: opened.prepared.has(hex) }
            })
          )
        : Effect.succeed([]),
    manifestVersion: (account) => opened.contacts.get(account)?.manifest?.version ?? 0,
    askAgain: (user) => void opened.checked.delete(user),
    tellAgain: () => opened.warned.clear(),
    admit: ({ agreement, device }) =>
      Effect.gen(function* () {
        const { custody, self } = opened
        const { certificate, manifest } = yield* Devices.admit(opened, { agreement, device, role: roles.member })
        const { alias } = yield* custody.publicKeys
        return { user: self.user, certificate, manifest: manifest.bytes, alias, rendezvousSeed: self.rendezvous }
      }),
    maintainPrekeys: Prekeys.maintain(opened)
  }))

/** Directories of tests do not ask for one. */
const password = "none"

/** Makes the keys of a device that has no account yet, where there are none. */
export const createKeys = Effect.flatMap(KeyCustody, ({ createDevice }) => createDevice)

/** Makes a device of what an account gave it, on the store that has its keys, and registers it: then it can be opened. */
export const enter = Effect.fnUntraced(function* (admission: Admission) {
  const ports = {
    store: yield* Store,
    directory: yield* Directory,
    custody: yield* KeyCustody,
    crypto: yield* Crypto,
    entropy: yield* Entropy
  }
  const certified = yield* Effect.fromResult(Certificate.verify(ports.crypto, admission.certificate))
  const self = yield* LinkDevice.keep(
    ports,
    { ...admission, certified, role: roles.member, password, handover: Bytes.empty },
    { key: Bytes.empty, ad: Bytes.empty }
  )
  yield* LinkDevice.register(ports, self, password)
})
