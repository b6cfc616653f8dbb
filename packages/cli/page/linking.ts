/** Linking a device: choosing, the invitation, the PIN or the code, and how it ended. */
import type { ChallengeView, LinkView, View } from "../src/commands/device/page/Wire.ts"
import { h, replace } from "./dom.ts"
import { complain, doing, drawing, parts } from "./screen.ts"
import * as Talk from "./talk.ts"
import * as Words from "./words.ts"

/** Attempts at a PIN (rule link.attempt.1). */
const firstAttempts = 3

const isOut = (link: LinkView | undefined): link is LinkView =>
  link !== undefined && link.state !== "Linked" && link.state !== "Ended"

const choice = (name: string, value: string, label: string, text: string, checked: boolean): HTMLElement =>
  h(
    "label",
    { class: "choice" },
    h("input", { type: "radio", name, value, checked }),
    h("span", {}, h("strong", {}, label), h("span", { class: "soft" }, text))
  )

const linkForm = (): HTMLElement => {
  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault()
        const chosen = new FormData(form)
        const challenge = (chosen.get("challenge") ?? "pin") as ChallengeView
        Talk.act("/api/link", { role: chosen.get("role"), challenge })
          .then(drawing.draw)
          .catch(complain)
      }
    },
    h(
      "fieldset",
      {},
      h("legend", {}, "What it may do"),
      (["member", "admin", "replica"] as const).map((role) =>
        choice("role", role, ...Words.roles[role], role === "member")
      )
    ),
    h(
      "fieldset",
      {},
      h("legend", {}, "How you make sure that it is yours"),
      choice("challenge", "pin", "PIN", "shown here, typed on the new device", true),
      choice("challenge", "code", "Code", "shown on the new device, pasted here", false)
    ),
    h("button", { type: "submit", class: "primary" }, "Add a device")
  )
  return form
}

/** Without a clipboard the link can still be marked by hand. */
const copy = async (text: string, button: HTMLElement): Promise<void> => {
  try {
    await navigator.clipboard.writeText(text)
    button.textContent = "Copied"
  } catch {
    button.textContent = "Mark and copy it"
  }
}

/** Over when the code is asked for: the link below it is the same. */
const showCode = async (image: HTMLImageElement): Promise<void> => {
  try {
    image.src = await Talk.code()
  } catch {
    image.remove()
  }
}

const copyButton = (text: string): HTMLElement => {
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet",
      onclick: () => {
        void copy(text, button)
      }
    },
    "Copy the link"
  )
  return button
}

const invitation = (link: LinkView): HTMLElement => {
  const image = h("img", { class: "code", alt: "QR code of the invitation", width: "220", height: "220" })
  void showCode(image)
  return h(
    "div",
    { class: "invitation" },
    image,
    h(
      "div",
      { class: "grow" },
      h("p", {}, "Scan it on the new device, or open this link there:"),
      h("pre", { tabindex: "0", "aria-label": "Invitation" }, link.uri),
      h("div", { class: "actions start" }, copyButton(link.uri)),
      h(
        "p",
        { class: "soft" },
        `In a terminal: tacit device link '<this link>'. It serves one device, until ${Words.when(link.expiresAt)}.`
      )
    )
  )
}

const codeForm = (): HTMLElement => {
  const field = h("input", { id: "code", name: "code", autocomplete: "off", spellcheck: "false", required: true })
  return h(
    "form",
    {
      class: "line",
      onsubmit: (event) => {
        event.preventDefault()
        Talk.act("/api/link/code", { text: field.value }).then(drawing.draw).catch(complain)
      }
    },
    h("label", { for: "code" }, "The code that the new device shows"),
    field,
    h("button", { type: "submit", class: "primary" }, "Check it")
  )
}

const linkState = (link: LinkView): ReadonlyArray<HTMLElement | undefined> => {
  switch (link.state) {
    case "Invited":
      return [invitation(link), h("p", { class: "waiting" }, "Waiting for the new device…")]
    case "Joined":
      return [h("p", { class: "waiting" }, "A device joined. Making sure that it is yours…")]
    case "ShowPin":
    case "WrongPin":
      return [
        (link.left ?? firstAttempts) < firstAttempts
          ? h("p", { class: "note warn" }, `A wrong PIN was typed: ${Words.attempts(link.left)}.`)
          : undefined,
        h("p", {}, "Type this PIN on the new device:"),
        h(
          "p",
          { class: "pin", "aria-label": `PIN ${(link.pin ?? "").split("").join(" ")}` },
          (link.pin ?? "").replace(/(.{3})(?!$)/g, "$1 ")
        )
      ]
    case "ScanCode":
      return [
        codeForm(),
        h(
          "p",
          { class: "soft" },
          "Only paste what you see on the device in front of you, never what somebody sent you."
        )
      ]
    case "Verified":
      return [h("p", { class: "waiting" }, "It is yours. Adding it to the account…")]
    case "Linked":
      return [h("p", { class: "note good" }, `${Words.shortId(link.device ?? "")} is a device of your account now.`)]
    case "Ended":
      return [h("p", { class: "note warn" }, `No device was added. ${Words.ending(link)}`)]
  }
}

export const drawLink = ({ canChange, link }: View): void => {
  if (!canChange) return replace(parts.link)
  const out = isOut(link)
  replace(
    parts.link,
    h("h2", { id: "link-title" }, out ? "Adding a device" : "Add a device"),
    h("div", { "aria-live": "polite" }, link === undefined ? undefined : linkState(link)),
    out
      ? h(
          "div",
          { class: "actions start" },
          h("button", { type: "button", onclick: doing(() => Talk.act("/api/link/cancel")) }, "Cancel")
        )
      : linkForm()
  )
}
