package tacit

// Window is the replay window of one sending device and conversation. A number
// at or below Highest and inside the window was received, unless it stands in
// Missing (a gap) or in Passed (below a floor: neither received nor a gap).
type Window struct {
	Highest uint64
	Missing []Range
	Passed  []Range
}

// Range is a run of numbers, both ends included.
type Range struct{ From, To uint64 }

// Accepted is what a number did to the window.
type Accepted struct {
	Late   bool // at or below the highest
	Filled bool // it stood in a gap
	Gap    *Range
	Lost   []Range
}

// Accept judges a number and gives the next window; floor is 0 for none
// [sequence.window.1, sequence.floor.1].
func (w *Window) Accept(number, floor uint64) (*Window, *Accepted, error) {
	if number == 0 || number > MaxUint {
		return nil, nil, Refuse("decode.value")
	}
	next := w.passed(floor)
	done := &Accepted{}
	switch {
	case number > next.Highest:
		if number > next.Highest+1 {
			done.Gap = &Range{next.Highest + 1, number - 1}
			next.Missing = append(next.Missing, *done.Gap)
		}
		next.Highest = number
	case number+WindowSize <= next.Highest:
		return nil, nil, Refuse("fresh.stale")
	case remove(&next.Missing, number):
		done.Late, done.Filled = true, true
	case remove(&next.Passed, number):
		done.Late = true
	default:
		return nil, nil, Refuse("fresh.duplicate")
	}
	done.Lost = next.slide()
	return next, done, nil
}

// Raise applies a floor alone, and gives what left the window unfilled.
func (w *Window) Raise(floor uint64) (*Window, []Range) {
	next := w.passed(floor)
	return next, next.slide()
}

// passed copies the window with the numbers up to a floor passed over.
func (w *Window) passed(floor uint64) *Window {
	next := &Window{w.Highest, append([]Range{}, w.Missing...), append([]Range{}, w.Passed...)}
	if floor > next.Highest {
		next.Passed = append(next.Passed, Range{next.Highest + 1, floor})
		next.Highest = floor
	}
	return next
}

// slide drops what left the window, and gives the gaps among it.
func (w *Window) slide() []Range {
	if w.Highest <= WindowSize {
		return nil
	}
	cut(&w.Passed, w.Highest-WindowSize)
	return cut(&w.Missing, w.Highest-WindowSize)
}

// remove takes one number out of ranges, and tells whether it was there.
func remove(ranges *[]Range, number uint64) bool {
	for i, r := range *ranges {
		if number < r.From || number > r.To {
			continue
		}
		rest := append([]Range{}, (*ranges)[:i]...)
		if r.From < number {
			rest = append(rest, Range{r.From, number - 1})
		}
		if number < r.To {
			rest = append(rest, Range{number + 1, r.To})
		}
		*ranges = append(rest, (*ranges)[i+1:]...)
		return true
	}
	return false
}

// cut takes out everything up to a number.
func cut(ranges *[]Range, last uint64) []Range {
	out, rest := []Range{}, []Range{}
	for _, r := range *ranges {
		if r.From <= last {
			out = append(out, Range{r.From, min(r.To, last)})
		}
		if r.To > last {
			rest = append(rest, Range{max(r.From, last+1), r.To})
		}
	}
	*ranges = rest
	return out
}
