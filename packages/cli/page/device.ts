/**
 * The device page: shows the devices of one account and how their list came to be, links a device, removes one.
 *
 * Everything comes from the program that serves it, once a second while the page is looked at; parts are drawn anew when what they show
 * changed, and never while somebody types in them.
 */
import type { View } from "../src/commands/device/page/Wire.ts"
import { drawDevices } from "./devices.ts"
import { h, replace } from "./dom.ts"
import { drawLink } from "./linking.ts"
import { complain, drawing, isOver, over, parts, said, show } from "./screen.ts"
import * as Talk from "./talk.ts"
import * as Words from "./words.ts"

const title = h("h1", {}, "Devices")
let latest: View | undefined
const drawn = new Map<string, string>()

// ---- The history of the list

const drawVersions = ({ versions, versionsTrouble }: View): void =>
  replace(
    parts.versions,
    h("h2", { id: "versions-title" }, "How the list came to be"),
    versionsTrouble === undefined ? undefined : h("p", { class: "note bad" }, versionsTrouble),
    versions === undefined
      ? h("p", { class: "soft" }, "Not known yet: the relay was not asked, or does not answer.")
      : h(
          "ol",
          { class: "versions" },
          [...versions]
            .reverse()
            .map(({ added, issuedAt, removed, version }) =>
              h(
                "li",
                { class: removed.length > 0 ? "minus" : "plus" },
                h("span", { class: "number" }, `Version ${version}`),
                h("span", { class: "what" }, Words.changed(added, removed)),
                h("time", { datetime: new Date(issuedAt).toISOString() }, Words.when(issuedAt))
              )
            )
        ),
    versions === undefined
      ? undefined
      : h(
          "p",
          { class: "soft" },
          "Each version was signed with your account’s key and checked here, from the first on."
        )
  )

// ---- The whole

const drawNotices = ({ notices }: View): void =>
  replace(
    parts.notices,
    [...notices]
      .reverse()
      .map(({ at, grave, line }) =>
        h(
          "div",
          { class: grave ? "note bad" : "note warn", role: "alert" },
          h("p", {}, h("strong", {}, line)),
          h("p", { class: "soft" }, Words.when(at))
        )
      )
  )

/** Draws a part where what it shows changed. */
const drawPart = (name: string, shown: unknown, redraw: () => void): void => {
  const text = JSON.stringify(shown) ?? ""
  if (drawn.get(name) === text) return
  drawn.set(name, text)
  redraw()
}

const draw = (view: View): void => {
  latest = view
  const {
    account,
    canChange,
    connected,
    devices,
    link,
    notices,
    pending,
    removedIn,
    user,
    version,
    versions,
    versionsTrouble
  } = view
  title.textContent = `Devices of ${user}`
  document.title = `Devices of ${user}`
  parts.standing.textContent = `Account ${Words.shortId(account)} · list ${version} · ${connected ? "connected to the relay" : "the relay is not connected"}`
  parts.standing.classList.toggle("off", !connected)
  drawPart("notices", notices, () => drawNotices(view))
  drawPart("devices", [devices, version, canChange, pending, removedIn], () => drawDevices(view))
  drawPart("link", [canChange, link], () => drawLink(view))
  drawPart("versions", [versions, versionsTrouble], () => drawVersions(view))
  document.documentElement.dataset["ready"] = "yes"
}

const themes = ["auto", "light", "dark"] as const

const themeButton = (): HTMLElement => {
  let at = 0
  const button = h("button", { type: "button", class: "quiet", title: "Colours: as the system, light, dark" })
  const show = (): void => {
    const theme = themes[at]!
    if (theme === "auto") delete document.documentElement.dataset["theme"]
    else document.documentElement.dataset["theme"] = theme
    button.textContent = `Theme: ${theme}`
  }
  button.addEventListener("click", () => {
    at = (at + 1) % themes.length
    show()
  })
  show()
  return button
}

const frame = (): void =>
  show(
    h(
      "header",
      {},
      h("div", { class: "grow" }, title, parts.standing),
      h(
        "div",
        { class: "actions" },
        themeButton(),
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            onclick: () => {
              Talk.act("/api/close").then(() => over("You closed it. Nothing is served any more."), complain)
            }
          },
          "Close"
        )
      )
    ),
    h("main", {}, parts.notices, parts.trouble, parts.devices, parts.link, parts.versions),
    said
  )

/** How often the page asks how things are, ms, and how often it says at most that somebody is there. */
const everyMs = 1_000
const hereMs = 20_000

let hereAt = 0
const here = (): void => {
  if (isOver() || latest === undefined || Date.now() - hereAt < hereMs) return
  hereAt = Date.now()
  Talk.act("/api/here").then(draw).catch(complain)
}

const poll = async (): Promise<void> => {
  while (!isOver()) {
    if (!document.hidden) await Talk.view().then(draw).catch(complain)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

drawing.draw = draw
for (const name of ["keydown", "pointerdown"] as const) document.addEventListener(name, here)
Talk.logIn()
  .then(() => {
    frame()
    return poll()
  })
  .catch(complain)
