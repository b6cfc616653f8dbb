package tacit

import (
	"bytes"
	"fmt"
	"strings"
)

const (
	safetyVersion    = 1
	safetyIterations = 5200
	maxSafetyCode    = 2953
)

// Party is what a safety number compares of one account [safety.party.1].
type Party struct {
	Account []byte
	Devices []ListedDevice // identity, agreement key and role count
}

// Print is a party as a code shows it: fingerprint (32) and account print (16).
type Print struct{ Fingerprint, Account []byte }

// AccountPrint tells an account from another one [safety.account.1].
func AccountPrint(account []byte) []byte { return Hash(Label("safety account", account))[:16] }

// Print computes the party's fingerprint [safety.fingerprint.1].
func (p *Party) Print() Print {
	devices := []any{}
	for _, d := range p.Devices {
		devices = append(devices, []any{d.ID, d.Agreement, d.Role})
	}
	fingerprint := Hash(Label("safety number", []byte{safetyVersion}, Encode([]any{p.Account, devices})))
	for range safetyIterations {
		fingerprint = Hash(Label("safety iteration", fingerprint, p.Account))
	}
	return Print{fingerprint, AccountPrint(p.Account)}
}

// SafetyDigits are the twelve groups of two fingerprints [safety.digits.2].
func SafetyDigits(a, b []byte) string {
	if bytes.Compare(a, b) > 0 {
		a, b = b, a
	}
	groups := []string{}
	for _, fingerprint := range [][]byte{a, b} {
		for k := range 6 {
			value := uint64(0)
			for _, one := range fingerprint[5*k : 5*k+5] {
				value = value<<8 | uint64(one)
			}
			groups = append(groups, fmt.Sprintf("%05d", value%100_000))
		}
	}
	return strings.Join(groups, " ")
}

// SafetyPrints gives both prints; an account has no number with itself.
func SafetyPrints(own, peer *Party) (Print, Print, error) {
	if bytes.Equal(own.Account, peer.Account) {
		return Print{}, Print{}, Refuse("safety.reflected")
	}
	return own.Print(), peer.Print(), nil
}

// SafetyCode is what is shown to be scanned, 108 bytes [safety.code.1].
func SafetyCode(own, peer Print) []byte {
	return Encode([]any{safetyVersion, []any{own.Fingerprint, own.Account}, []any{peer.Fingerprint, peer.Account}})
}

var (
	printLayout = lTuple(
		LayoutField{"fingerprint", lBytes(32, 32)},
		LayoutField{"account", lBytes(16, 16)},
	)
	codeLayout = lTuple(
		LayoutField{"version", lLiteral(safetyVersion)},
		LayoutField{"own", printLayout},
		LayoutField{"peer", printLayout},
	)
)

// DecodeSafetyCode reads a code; its version comes before its layout.
func DecodeSafetyCode(code []byte) (own, peer Print, err error) {
	if len(code) > maxSafetyCode {
		return own, peer, Refuse("decode.size")
	}
	d := &decoder{in: code}
	if n, err := d.array(0, MaxItems, 1); err == nil && n > 0 {
		if version, err := d.uint(0, MaxUint); err == nil && version != safetyVersion {
			return own, peer, Refuse("safety.version")
		}
	}
	record, err := codeLayout.Read(code)
	if err != nil {
		return own, peer, err
	}
	part := func(name string) Print {
		return Print{record.Record(name).Bytes("fingerprint"), record.Record(name).Bytes("account")}
	}
	return part("own"), part("peer"), nil
}

// CompareSafetyCode holds a scanned code against the own view [safety.code.2].
func CompareSafetyCode(own, peer Print, code []byte) error {
	shownOwn, shownPeer, err := DecodeSafetyCode(code)
	switch {
	case err != nil:
		return err
	case bytes.Equal(shownOwn.Account, own.Account):
		return Refuse("safety.reflected")
	case !bytes.Equal(shownOwn.Account, peer.Account) || !bytes.Equal(shownPeer.Account, own.Account):
		return Refuse("safety.account")
	case !bytes.Equal(shownOwn.Fingerprint, peer.Fingerprint) || !bytes.Equal(shownPeer.Fingerprint, own.Fingerprint):
		return Refuse("safety.devices")
	}
	return nil
}

// CompareSafetyDigits holds typed digits against the number [safety.digits.3].
func CompareSafetyDigits(number, typed string) error {
	digits := strings.NewReplacer(" ", "", "\n", "", "\r", "").Replace(typed)
	for _, char := range []byte(digits) {
		if char < '0' || char > '9' {
			return Refuse("decode.value")
		}
	}
	switch {
	case len(digits) < 60:
		return Refuse("decode.truncated")
	case len(digits) > 60:
		return Refuse("decode.trailing")
	case digits != strings.ReplaceAll(number, " ", ""):
		return Refuse("safety.digits")
	}
	return nil
}
