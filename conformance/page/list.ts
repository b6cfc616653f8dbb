/**
 * A long list of which only the visible rows exist.
 */
import { h, replace } from "./dom.ts"

const rowHeight = 34

/** A scrolling list. `show` gives it other rows; arrow keys and Enter work on it. */
export const virtualList = <T>(
  label: string,
  row: (item: T, selected: boolean) => HTMLElement
): {
  readonly element: HTMLElement
  readonly show: (items: ReadonlyArray<T>, selected?: (item: T) => boolean) => void
} => {
  let items: ReadonlyArray<T> = []
  let isSelected: (item: T) => boolean = () => false
  const sizer = h("div", { class: "sizer" })
  const element = h("div", { class: "virtual", tabindex: 0, role: "region", "aria-label": label }, sizer)
  const draw = (): void => {
    const from = Math.max(0, Math.floor(element.scrollTop / rowHeight) - 8)
    const to = Math.min(items.length, Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + 8)
    sizer.style.height = `${items.length * rowHeight}px`
    const window = h("div", { class: "window", style: `transform:translateY(${from * rowHeight}px)` })
    for (const item of items.slice(from, to)) window.appendChild(row(item, isSelected(item)))
    replace(sizer, window)
  }
  element.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true })
  new ResizeObserver(draw).observe(element)
  return {
    element,
    show: (next, selected = () => false) => {
      const same = next === items
      items = next
      isSelected = selected
      sizer.style.height = `${items.length * rowHeight}px`
      if (!same) element.scrollTop = 0
      const at = items.findIndex(isSelected)
      const top = at * rowHeight
      if (at >= 0 && (top < element.scrollTop || top > element.scrollTop + element.clientHeight - rowHeight))
        element.scrollTop = Math.max(0, top - element.clientHeight / 2)
      draw()
    }
  }
}
