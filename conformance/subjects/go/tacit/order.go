package tacit

import (
	"encoding/hex"
	"slices"
)

// Ranked is a session as the order of sessions sees it; the id is hexadecimal.
type Ranked struct {
	ID   string
	Rank uint64
}

// Above tells whether a session stands above another one [session.rank.1].
func (a Ranked) Above(b Ranked) bool {
	if a.Rank != b.Rank {
		return a.Rank > b.Rank
	}
	return a.ID > b.ID
}

// Order says in which session with a peer device one sends [section 8.3]. Its
// operations give the ids of sessions to delete [session.archive.1].
type Order struct {
	Active   *Ranked  // nil for none
	Archived []Ranked // newest first
}

// Ranked is the session's place in the order.
func (s *Session) Ranked() Ranked { return Ranked{hex.EncodeToString(s.ID), s.Rank} }

// Is tells whether a session is the active one.
func (o *Order) Is(session Ranked) bool { return o.Active != nil && o.Active.ID == session.ID }

// Begin makes a session this side begins active at once.
func (o *Order) Begin(session Ranked) (dropped []string) {
	o.activate(session)
	return o.trim()
}

// Archive leaves none active, as a reset does.
func (o *Order) Archive() (dropped []string) {
	o.archive()
	return o.trim()
}

// Start says what a start that opened changes; waits tells that the active session
// is one this side began, without an answer yet [session.cross.1, .2, .3].
func (o *Order) Start(session Ranked, takesOver, waits bool) (dropped []string) {
	known := o.knows(session)
	highest := o.highest(session)
	switch {
	case o.Is(session):
	case takesOver && !(known && waits):
		o.archive()
		if highest {
			o.activate(session)
			break
		}
		o.forget(session)
		o.Archived = slices.Insert(o.Archived, 0, session)
	case o.Active != nil && session.Above(*o.Active), o.Active == nil && !known && highest:
		o.activate(session)
	case !known:
		o.Archived = slices.Insert(o.Archived, 0, session)
	}
	return o.trim()
}

// Message says what a message that opened changes, which was no start.
func (o *Order) Message(id string) (dropped []string) {
	for _, archived := range o.Archived {
		if archived.ID == id && o.Active != nil && archived.Above(*o.Active) {
			o.activate(archived)
			return o.trim()
		}
	}
	return nil
}

// Forget drops a session that was deleted.
func (o *Order) Forget(id string) {
	if o.Is(Ranked{ID: id}) {
		o.Active = nil
	}
	o.forget(Ranked{ID: id})
}

// Rank is the rank of a session begun now: the clock, or one more than the highest
// known.
func (o *Order) Rank(now uint64) uint64 {
	for _, one := range o.all() {
		now = max(now, one.Rank+1)
	}
	return min(now, MaxSessionRank)
}

// Empty tells that no session is known.
func (o *Order) Empty() bool { return len(o.all()) == 0 }

func (o *Order) all() []Ranked {
	if o.Active == nil {
		return o.Archived
	}
	return append([]Ranked{*o.Active}, o.Archived...)
}

func (o *Order) knows(session Ranked) bool {
	return slices.ContainsFunc(o.all(), func(one Ranked) bool { return one.ID == session.ID })
}

func (o *Order) highest(session Ranked) bool {
	return !slices.ContainsFunc(o.all(), func(one Ranked) bool { return one.ID != session.ID && one.Above(session) })
}

func (o *Order) forget(session Ranked) {
	o.Archived = slices.DeleteFunc(slices.Clone(o.Archived), func(one Ranked) bool { return one.ID == session.ID })
}

func (o *Order) archive() {
	if o.Active != nil {
		o.Archived = slices.Insert(slices.Clone(o.Archived), 0, *o.Active)
		o.Active = nil
	}
}

func (o *Order) activate(session Ranked) {
	if o.Is(session) {
		return
	}
	o.archive()
	o.forget(session)
	o.Active = &session
}

// trim gives the oldest archived sessions past 40.
func (o *Order) trim() (dropped []string) {
	for len(o.Archived) > MaxArchivedSessions {
		last := len(o.Archived) - 1
		dropped = append(dropped, o.Archived[last].ID)
		o.Archived = o.Archived[:last]
	}
	return dropped
}

// Settle applies an opened message to the order, deletes what it drops, and tells
// whether the message's session is the active one now.
func (e *Endpoint) Settle(o *Order, opened *Opened) bool {
	session := opened.Session.Ranked()
	if opened.Start != nil {
		waits := o.Active != nil && e.Sessions[o.Active.ID] != nil && e.Sessions[o.Active.ID].Start != nil
		e.Drop(o.Start(session, opened.Content.TakesOver(), waits))
	} else {
		e.Drop(o.Message(session.ID))
	}
	return o.Is(session)
}

// Drop deletes sessions with their skipped keys.
func (e *Endpoint) Drop(ids []string) {
	for _, id := range ids {
		delete(e.Sessions, id)
	}
}

// TakesOver tells contents whose sender may have lost the sessions that stand above
// its own [session.cross.3].
func (c *Content) TakesOver() bool {
	if c.Type == TypeRetry {
		return true
	}
	return c.Type == TypeControl &&
		(c.Details.Uint("control") == ControlReset || c.Details.Uint("control") == ControlAsk)
}
