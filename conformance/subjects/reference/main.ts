/**
 * The reference as a program: `node -C @tacit/source conformance/subjects/reference/main.ts`.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */
import { serve } from "../stdio.ts"
import { create } from "./index.ts"

serve(create())
