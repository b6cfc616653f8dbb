/**
 * Which part of a history is meant: in the header of an archive, in a wish for one, and in what a linking hands over.
 *
 * Spec: docs/spec/23-history.md §23.6, rule history.choose.1; docs/spec/19-linking.md §19.6, rule link.history.1.
 * Vectors: vectors/history.
 * Does not know entries: client/history/Selecting.ts says which ones a range holds.
 */
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"

const conversation = Layout.bytes({ length: Limits.conversationIdBytes })

/** Everything; from a time on (ms); the last n of each conversation; some conversations (16 bytes each), from a time on. */
export const RangeLayout = Layout.oneOf(
  Layout.tuple({ choice: Layout.literal(1) }),
  Layout.tuple({ choice: Layout.literal(2), since: Layout.uint() }),
  Layout.tuple({ choice: Layout.literal(3), last: Layout.uint({ min: 1 }) }),
  Layout.tuple({
    choice: Layout.literal(4),
    conversations: Layout.list(conversation, { min: 1, max: 256 }),
    since: Layout.uint()
  })
)
export type Range = Layout.Type<typeof RangeLayout>
