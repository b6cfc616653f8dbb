package device

import (
	"bytes"
	"encoding/json"

	"tacit.example/conformance/subjects/go/tacit"
)

var snapshotMagic = []byte("tacit-go snapshot 1\n")

// Snapshot is everything stored, behind a mark and a digest.
func (d *Device) Snapshot() []byte {
	return tacit.Concat(snapshotMagic, tacit.Hash(d.disk), d.disk)
}

// Restore starts a device from a snapshot; other or damaged bytes are refused.
func Restore(snapshot []byte, now uint64, draw Draw) (*Device, *Done, error) {
	rest, ok := bytes.CutPrefix(snapshot, snapshotMagic)
	if !ok || len(rest) < 32 || !bytes.Equal(rest[:32], tacit.Hash(rest[32:])) {
		return nil, nil, tacit.Refuse("state.corrupt")
	}
	d := &Device{state: &state{}, disk: tacit.Concat(rest[32:]), draw: draw, now: now, Directory: map[string]Listing{}}
	if err := json.Unmarshal(d.disk, d.state); err != nil {
		return nil, nil, tacit.Refuse("state.corrupt")
	}
	done, err := d.Restart()
	return d, done, err
}
