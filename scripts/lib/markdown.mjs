// The parts of a Markdown text that the checks read: fenced blocks, prose without them, headings and links.

/**
 * Splits a text into fenced blocks and the rest. `prose` has the lines of the text with those of code blocks emptied,
 * so that line numbers stay; a block's `line` is the number, from 1, of its first line of code.
 */
export const split = (text) => {
  const prose = []
  const blocks = []
  let open
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^\s*(`{3,}|~{3,})\s*(.*)$/.exec(line)
    if (open === undefined && fence !== null) {
      open = { mark: fence[1], info: fence[2].trim(), line: index + 2, code: [] }
      prose.push("")
    } else if (open !== undefined) {
      if (fence !== null && fence[2] === "" && fence[1].startsWith(open.mark)) {
        blocks.push({ info: open.info, line: open.line, code: open.code.join("\n") })
        open = undefined
      } else open.code.push(line)
      prose.push("")
    } else prose.push(line)
  }
  return { prose: prose.join("\n"), blocks, unclosed: open?.line }
}

const inlineCode = /(`+)(?!`)[^]*?[^`]\1(?!`)/g

/** Links and images of a text, code left out: `{ target, line }`. */
export const links = (text) => {
  const prose = split(text).prose
  const clean = prose.replace(inlineCode, (code) => code.replace(/[^\n]/g, " "))
  const found = []
  for (const pattern of [/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g, /^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm]) {
    for (const match of clean.matchAll(pattern)) {
      found.push({ target: match[1], line: clean.slice(0, match.index).split("\n").length })
    }
  }
  return found
}

/** Headings of a text, in order, without their marks. */
export const headings = (text) => [...split(text).prose.matchAll(/^#{1,6}\s+(.*?)\s*#*\s*$/gm)].map((match) => match[1])

/** The anchors that a reader's browser finds in a text: one for each heading, and explicit ids. */
export const anchors = (text) => {
  const seen = new Map()
  const found = new Set()
  for (const heading of headings(text)) {
    const slug = heading
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-")
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    found.add(count === 0 ? slug : `${slug}-${count}`)
  }
  for (const match of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) found.add(match[1])
  return found
}
