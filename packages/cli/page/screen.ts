/** What every part of the page stands on: its places, how it complains, how it is over, how buttons do things. */
import type { View } from "../src/commands/device/page/Wire.ts"
import { h, replace } from "./dom.ts"
import * as Talk from "./talk.ts"

const page = document.getElementById("page")!

/** Where the parts stand. */
export const parts = {
  notices: h("div", { class: "notices", role: "region", "aria-label": "Warnings" }),
  trouble: h("div", { role: "alert" }),
  devices: h("section", { "aria-labelledby": "devices-title" }),
  link: h("section", { "aria-labelledby": "link-title" }),
  versions: h("section", { "aria-labelledby": "versions-title" }),
  standing: h("p", { class: "soft", role: "status" })
}

/** Said to who cannot see the page. */
export const said = h("p", { class: "sr", role: "status", "aria-live": "polite" })

/** Shows the whole page. */
export const show = (...children: ReadonlyArray<HTMLElement>): void => replace(page, children)

/** Draws a view; set by device.ts. */
export const drawing: { draw: (view: View) => void } = { draw: () => undefined }

export const complain = (error: unknown): void => {
  if (error instanceof Talk.Gone) return over("The program that served this page has ended.")
  if (!(error instanceof Talk.NotDone)) throw error
  const { message, next } = error.trouble
  if (error.status === 401 || error.status === 403) return over(message, next)
  replace(
    parts.trouble,
    h(
      "div",
      { class: "note bad" },
      h("p", {}, h("strong", {}, message), " ", next),
      h("button", { type: "button", class: "quiet", onclick: () => replace(parts.trouble) }, "Dismiss")
    )
  )
  parts.trouble.scrollIntoView({ block: "nearest" })
}

/** Runs what a button does, with the button off meanwhile. */
export const doing =
  (work: () => Promise<View | undefined>) =>
  (event: Event): void => {
    const button = event.currentTarget
    if (button instanceof HTMLButtonElement) button.disabled = true
    replace(parts.trouble)
    work()
      .then((view) => view && drawing.draw(view))
      .catch(complain)
      .finally(() => {
        if (button instanceof HTMLButtonElement) button.disabled = false
      })
  }

let ended = false

/** Whether nothing more can be done here. */
export const isOver = (): boolean => ended

/** Nothing more can be done here. */
export const over = (
  message: string,
  next = "Start it again with `tacit device page`, and open the link it prints."
): void => {
  ended = true
  replace(
    page,
    h(
      "main",
      { class: "over" },
      h("h1", {}, "This page is closed"),
      h("p", {}, message),
      h("p", { class: "soft" }, next)
    )
  )
  document.documentElement.dataset["ready"] = "over"
}
