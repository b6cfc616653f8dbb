/**
 * The Directory port over WebSockets.
 *
 * Spec: docs/spec/14-relay.md §14.2, §14.3.
 * Look-ups go over the anonymous connection, what belongs to the device over its own, a registration over one made for it. The manifests of the
 * device's own account belong to it.
 * Verifies nothing: callers do.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Directory, type DirectoryEntry, type PrekeyStatus, type Refused, TransportError } from "@tacit/core"
import { Bytes, type CryptoProvider, Limits } from "@tacit/core/hazmat"
import { type LoggedIn, maxCredentialBytes, maxFrameBytes } from "./Frame.ts"
import * as Keeper from "./Keeper.ts"
import { type Link, refused } from "./Link.ts"
import * as Proof from "./Proof.ts"
import type { Links } from "./RelayTransport.ts"

const statusOf = ({ oneTime, oneTimeKem, signedPrekeyId, waiting }: LoggedIn): PrekeyStatus => ({
  waiting,
  oneTime,
  oneTimeKem,
  signedPrekeyId
})

/** Whether an answer may have left manifests out for want of room (rule relay.directory.2). */
const isCut = (manifests: ReadonlyArray<Uint8Array>): boolean =>
  manifests.reduce((sum, manifest) => sum + manifest.length + 5, 0) > maxFrameBytes - Limits.maxManifestBytes - 512

export const makeDirectory = (links: Links, crypto: CryptoProvider): Directory["Service"] => {
  const { anonymous, custody, device, settings } = links

  /**
   * Asks for an account's manifests: for those of the device's own on its own connection while that is there (rule relay.two.3), for all
   * others anonymously.
   */
  const ask = (account: Uint8Array, after: number): Effect.Effect<DirectoryEntry, TransportError | Refused> => {
    const over = (link: Link) => link.ask("look-up", { type: 18, account, after }, 11)
    const anonymously = anonymous.use("look-up", over)
    if (!device.isOpen()) return anonymously
    return Effect.flatMap(Effect.result(custody.publicKeys), (keys) =>
      Result.isSuccess(keys) && Bytes.equal(keys.success.account, account)
        ? Effect.catchTag(device.use("look-up", over), "Refused", (refusal) =>
            refusal.code === "not-anonymous" ? anonymously : Effect.fail(refusal)
          )
        : anonymously
    )
  }

  /** The rest of a chain of which `entry` is the beginning, after version `after`. */
  const complete = (entry: DirectoryEntry, after: number): Effect.Effect<DirectoryEntry, TransportError | Refused> =>
    Effect.gen(function* () {
      const manifests = [...entry.manifests]
      let last: ReadonlyArray<Uint8Array> = manifests
      while (isCut(last)) {
        const next = yield* ask(entry.account, after + manifests.length)
        last = next.manifests
        manifests.push(...last)
      }
      return { account: entry.account, manifests }
    })

  const manifestsAfter: Directory["Service"]["manifestsAfter"] = (account, version) =>
    Effect.flatMap(ask(account, version), (entry) => complete(entry, version))

  const publish = (keys: Parameters<Directory["Service"]["publishPrekeys"]>[0]) =>
    Effect.map(
      device.use("publish", (link) => link.ask("publish", { type: 7, ...keys }, 6)),
      statusOf
    )

  const register: Directory["Service"]["register"] = (registration) =>
    Effect.gen(function* () {
      const { certificate, mailbox, manifest, password, user } = registration
      if (
        user.length === 0 ||
        user.length > Limits.maxUserNameBytes ||
        password.length === 0 ||
        password.length > maxCredentialBytes
      ) {
        return yield* refused(
          "bad-password",
          "A name has 1 to 64 characters, a one-time password 24, an account token at most 2,048."
        )
      }
      const over = (link: Link) =>
        Effect.gen(function* () {
          const { challenge, relay } = link.welcome
          const proof = yield* custody
            .signWithDevice(Proof.registrationMessage(crypto, { relay, challenge, user, password, manifest, mailbox }))
            .pipe(Effect.mapError((cause) => new TransportError({ operation: "register", cause })))
          yield* link.ask("register", { type: 3, user, password, manifest, certificate, mailbox, proof }, 4)
        })
      // A keeper of its own, so that a lost answer is asked for again: repeating a registration is safe (relay.register.4).
      const keeper = yield* Keeper.make({
        settings,
        when: "used",
        onStatus: () => Effect.void,
        connect: (onLost) => links.open({ onDeliver: () => false, onLost })
      })
      yield* Effect.forkScoped(Effect.ignore(keeper.run))
      yield* keeper.use("register", over)
    }).pipe(Effect.scoped)

  return {
    register,
    lookUp: (user) =>
      user.length === 0 || user.length > Limits.maxUserNameBytes
        ? Effect.fail(refused("unknown-user", "A name has 1 to 64 characters."))
        : Effect.flatMap(
            anonymous.use("look-up", (link) => link.ask("look-up", { type: 10, user }, 11)),
            (entry) => complete(entry, 0)
          ),
    manifestsAfter,
    bundle: (account, id) =>
      Effect.map(
        anonymous.use("look-up", (link) => link.ask("look-up", { type: 12, account, device: id }, 13)),
        ({ bundle }) => bundle
      ),
    publishPrekeys: publish,
    prekeyStatus: publish({ signed: [], lastResortKem: [], oneTime: [], oneTimeKem: [] }),
    publishManifest: (manifest, certificates) =>
      Effect.asVoid(device.use("publish", (link) => link.ask("publish", { type: 8, manifest, certificates }, 4))),
    setDeliveryToken: (tokenHash) =>
      Effect.asVoid(device.use("publish", (link) => link.ask("publish", { type: 9, tokenHash }, 4)))
  }
}
