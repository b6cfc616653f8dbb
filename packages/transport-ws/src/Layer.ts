/**
 * Transport, Directory, Slots and files of one relay as a layer.
 *
 * Spec: docs/spec/14-relay.md, docs/spec/11-attachments.md §11.4.
 * Portable; the entry points decide which WebSocket is the default.
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AttachmentStore, Crypto, Directory, KeyCustody, Slots, Transport, UploadGrants } from "@tacit/core"
import * as HttpStore from "./attachments/HttpStore.ts"
import * as Keeper from "./Keeper.ts"
import * as Link from "./Link.ts"
import {
  config,
  type InvalidAddress,
  type Patience,
  settings as readSettings,
  type Settings,
  type TransportOptions,
  withDefaults
} from "./Options.ts"
import { makeDirectory } from "./RelayDirectory.ts"
import { makeSlots } from "./RelaySlots.ts"
import { type Links, makeDevice, makeTransport } from "./RelayTransport.ts"
import { type OpenWebSocket, WebSocketConstructor } from "./WebSocketConstructor.ts"

/** What the transport says it is in `hello`. The same for everybody: it identifies nobody. */
const clientName = "tacit"

const make = (settings: Settings, openSocket: OpenWebSocket) =>
  Effect.gen(function* () {
    const custody = yield* KeyCustody
    const crypto = yield* Crypto
    let relayName = settings.relayName

    const open: Links["open"] = ({ onBlob, onDeliver, onLost }) =>
      Effect.gen(function* () {
        const link = yield* Link.open({ settings, openSocket, clientName, onDeliver, onBlob, onLost })
        // Rule relay.login.4: before anything is signed for it.
        relayName ??= link.welcome.relay
        if (link.welcome.relay !== relayName) {
          return yield* Link.refused("wrong-relay", "The relay at this address has another name than before.")
        }
        return link
      })

    const device = yield* makeDevice({ settings, custody, open })
    const anonymous = yield* Keeper.make({
      settings,
      when: "used",
      onStatus: () => Effect.void,
      connect: (onLost) => open({ onDeliver: () => false, onLost })
    })
    yield* Effect.forkScoped(Effect.ignore(anonymous.run))
    const links: Links = { settings, custody, open, anonymous, device: device.keeper }
    return Context.make(Transport, makeTransport(links, device.transport)).pipe(
      Context.add(Directory, makeDirectory(links, crypto)),
      Context.add(Slots, makeSlots(links)),
      Context.add(UploadGrants, {
        issue: (size) => device.keeper.use("grant", (link) => link.ask("grant", { type: 33, size }, 34))
      })
    )
  })

/** What every carrier gives. */
export type Ports = Transport | Directory | Slots | UploadGrants

/** What a client asks of a transport. */
export type TransportLayer = Layer.Layer<Transport | Directory | Slots, InvalidAddress, KeyCustody | Crypto>

/** What {@link makeLayer} gives: the files of the relay too, which are on the same port. */
export type RelayLayer = Layer.Layer<Ports | AttachmentStore, InvalidAddress, KeyCustody | Crypto>

/** The layer, with `openDefault` where no {@link WebSocketConstructor} was provided. */
export const makeLayer = (options: TransportOptions, openDefault: OpenWebSocket): RelayLayer =>
  Layer.effectContext(
    Effect.gen(function* () {
      const settings = yield* Effect.fromResult(readSettings(options))
      const place = yield* Effect.fromResult(HttpStore.placeOf(options))
      const services = yield* make(settings, (yield* WebSocketConstructor) ?? openDefault)
      return Context.add(services, AttachmentStore, HttpStore.make(place, Context.get(services, UploadGrants), options))
    })
  )

/** The layer over another carrier: `open` gives what behaves like a WebSocket, and is told `address`. */
export const layerOver = (
  address: string,
  options: Patience,
  open: OpenWebSocket
): Layer.Layer<Ports, never, KeyCustody | Crypto> => Layer.effectContext(make(withDefaults(address, options), open))

/** {@link makeLayer} with options from the environment. */
export const makeLayerConfig = (
  openDefault: OpenWebSocket
): Layer.Layer<Ports | AttachmentStore, InvalidAddress | Config.ConfigError, KeyCustody | Crypto> =>
  Layer.unwrap(Effect.map(config, (options) => makeLayer(options, openDefault)))
