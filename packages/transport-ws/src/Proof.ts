/**
 * What a device signs towards a relay, and the hash a relay keeps of a delivery token.
 *
 * Spec: docs/spec/14-relay.md rules relay.register.2, relay.login.1.
 * Builds the messages only; signing is the key custody's, verifying the relay's.
 */
import { Bytes, Labels, Layout, type CryptoProvider } from "@tacit/core/hazmat"

const hash = Layout.bytes({ length: 32 })

const Registration = Layout.tuple({
  relay: Layout.text({ max: 255 }),
  challenge: hash,
  user: Layout.text({ max: 64 }),
  passwordHash: hash,
  manifestHash: hash,
  mailbox: Layout.bytes({ length: 16 })
})

const Login = Layout.tuple({
  relay: Layout.text({ max: 255 }),
  challenge: hash,
  device: hash,
  generation: Layout.uint(),
  startId: Layout.bytes({ length: 8 })
})

/** The bytes whose signature proves possession of the device key at registration. `password` and `manifest` exactly as in the frame. */
export const registrationMessage = (
  crypto: CryptoProvider,
  context: {
    readonly relay: string
    readonly challenge: Uint8Array
    readonly user: string
    readonly password: string
    readonly manifest: Uint8Array
    readonly mailbox: Uint8Array
  }
): Uint8Array =>
  Labels.prefixed(
    Labels.relayRegistration,
    Registration.encode({
      relay: context.relay,
      challenge: context.challenge,
      user: context.user,
      passwordHash: crypto.sha256(Bytes.utf8Encode(context.password)),
      manifestHash: crypto.sha256(context.manifest),
      mailbox: context.mailbox
    })
  )

/** The bytes a device signs to log in. */
export const loginMessage = (context: Layout.Type<typeof Login>): Uint8Array =>
  Labels.prefixed(Labels.relayLogin, Login.encode(context))
