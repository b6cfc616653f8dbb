/** The devices of the account, and removing one. */
import type { DeviceView, View } from "../src/commands/device/page/Wire.ts"
import { h, replace } from "./dom.ts"
import { doing, parts, said } from "./screen.ts"
import * as Talk from "./talk.ts"
import * as Words from "./words.ts"

const facts = (device: DeviceView): ReadonlyArray<string> => [
  device.addedAt === undefined ? `since version ${device.addedIn}` : `since ${Words.when(device.addedAt)}`,
  ...(device.comparedAt === undefined ? [] : [`history compared ${Words.when(device.comparedAt)}`])
]

const deviceCard = (view: View, device: DeviceView): HTMLElement => {
  const name = Words.shortId(device.id)
  const remove =
    view.canChange && !device.current
      ? h(
          "button",
          { type: "button", class: "danger", onclick: () => confirmRemoval(view, device) },
          "Remove…",
          h("span", { class: "sr" }, ` ${name}`)
        )
      : undefined
  return h(
    "li",
    { class: device.current ? "card current" : "card" },
    h(
      "div",
      { class: "grow" },
      h(
        "h3",
        {},
        h("code", { title: device.id }, name),
        h("span", { class: device.role === "admin" ? "badge strong" : "badge" }, Words.roles[device.role][0]),
        device.current ? h("span", { class: "badge good" }, "This device") : undefined
      ),
      h("p", { class: "soft" }, facts(device).join(" · "))
    ),
    remove
  )
}

const confirmRemoval = (view: View, device: DeviceView): void => {
  const name = Words.shortId(device.id)
  const dialog = h("dialog", { "aria-labelledby": "confirm-title" })
  const close = (): void => dialog.close()
  const admin =
    device.role === "admin"
      ? h(
          "p",
          { class: "note warn" },
          "It is an admin device: it has had the account’s key. If whoever holds it got that key out, only a new account mends it."
        )
      : undefined
  replace(
    dialog,
    h("h2", { id: "confirm-title" }, `Remove ${name}?`),
    h(
      "p",
      {},
      "From now on nothing is sent to it, and it cannot read what others get. What it was sent before, it still has. It cannot be undone: to use it again, link it anew."
    ),
    admin,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", onclick: close, autofocus: true }, "Keep it"),
      h(
        "button",
        {
          type: "button",
          class: "danger filled",
          onclick: doing(async () => {
            close()
            const after = await Talk.act("/api/revoke", { device: device.id, version: view.version })
            said.textContent = `${name} was removed.`
            return after
          })
        },
        "Remove for good"
      )
    )
  )
  dialog.addEventListener("close", () => dialog.remove())
  document.body.appendChild(dialog)
  dialog.showModal()
}

export const drawDevices = (view: View): void => {
  const { canChange, devices, pending, removedIn } = view
  const why =
    removedIn !== undefined
      ? `This device was removed in version ${removedIn}. It sends nothing any more; what it has stored can be read.`
      : canChange
        ? undefined
        : "This device may not add or remove others: only an admin device may."
  replace(
    parts.devices,
    h(
      "div",
      { class: "head" },
      h("h2", { id: "devices-title" }, Words.many(devices.length, "device")),
      h(
        "button",
        { type: "button", class: "quiet", onclick: doing(() => Talk.act("/api/refresh")) },
        "Ask the relay again"
      )
    ),
    why === undefined ? undefined : h("p", { class: "note" }, why),
    pending === undefined
      ? undefined
      : h("p", { class: "note warn" }, `Version ${pending} of the list is signed and waits for the relay.`),
    h(
      "ul",
      { class: "cards" },
      devices.map((device) => deviceCard(view, device))
    ),
    h(
      "p",
      { class: "soft" },
      "A device here that you do not know means that somebody has your account’s key. Remove it, and go on to a new account."
    )
  )
}
