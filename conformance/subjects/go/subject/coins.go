package subject

import (
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"maps"

	"tacit.example/conformance/subjects/go/device"
	"tacit.example/conformance/subjects/go/tacit"
)

// actor is a whole device, and the random values it drew. The counts are the
// adapter's, not the device's: they go on across restarts and restored copies, so
// that no copy draws a value twice.
type actor struct {
	name   string
	seed   []byte
	device *device.Device
	draws  map[string]uint32
	given  map[string][][]byte // of the request under way, by label
	now    uint64              // the last clock given
}

// draw gives the next coin of a label [subject.coins.1].
func (a *actor) draw(label string, length int) []byte {
	if queue := a.given[label]; len(queue) > 0 {
		a.given[label] = queue[1:]
		if len(queue[0]) != length {
			panic(badRequest(fmt.Sprintf("coin %s has not %d bytes", label, length)))
		}
		return queue[0]
	}
	index := a.draws[label]
	a.draws[label]++
	info := tacit.Concat([]byte("kit-coin-v1"), lp(a.name), lp(label), binary.BigEndian.AppendUint32(nil, index))
	coin, err := hkdf.Expand(sha512.New, a.seed, string(info), length)
	if err != nil {
		panic(err)
	}
	return coin
}

func lp(text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
}

// attempt runs an operation with the request's coins; one that is refused counts
// no draws [subject.atomic.1].
func (a *actor) attempt(r *Request, operation func() (any, error)) (any, error) {
	a.given = map[string][][]byte{}
	for label, coins := range r.Coins {
		for _, coin := range coins {
			a.given[label] = append(a.given[label], asBytes("coins", coin))
		}
	}
	before := maps.Clone(a.draws)
	out, err := operation()
	if err != nil {
		a.draws = before
	}
	return out, err
}
