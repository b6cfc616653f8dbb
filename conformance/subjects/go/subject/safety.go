package subject

import "tacit.example/conformance/subjects/go/tacit"

func init() {
	register(map[string]call{
		"safety.number": func(in Values) (any, error) {
			own, peer, err := prints(in)
			if err != nil {
				return nil, err
			}
			return object{"digits": tacit.SafetyDigits(own.Fingerprint, peer.Fingerprint), "code": h(tacit.SafetyCode(own, peer))}, nil
		},
		"safety.digits": func(in Values) (any, error) {
			own, peer, err := tacit.DecodeSafetyCode(in.bytes("code"))
			if err != nil {
				return nil, err
			}
			return object{"digits": tacit.SafetyDigits(own.Fingerprint, peer.Fingerprint)}, nil
		},
		"safety.scan": func(in Values) (any, error) {
			own, peer, err := prints(in)
			if err != nil {
				return nil, err
			}
			return object{}, tacit.CompareSafetyCode(own, peer, in.bytes("code"))
		},
		"safety.typed": func(in Values) (any, error) {
			own, peer, err := prints(in)
			if err != nil {
				return nil, err
			}
			return object{}, tacit.CompareSafetyDigits(tacit.SafetyDigits(own.Fingerprint, peer.Fingerprint), in.text("text"))
		},
	})
}

func prints(in Values) (own, peer tacit.Print, err error) {
	return tacit.SafetyPrints(partyOf(in, "account", "devices"), partyOf(in, "peerAccount", "peerDevices"))
}

func partyOf(in Values, account, devices string) *tacit.Party {
	party := &tacit.Party{Account: in.sized(account, 32)}
	for _, item := range in.list(devices) {
		parts := asList(devices, item)
		if len(parts) != 3 {
			panic(badRequest(devices + " is no list of device, key and role"))
		}
		party.Devices = append(party.Devices, tacit.ListedDevice{
			ID: asBytes(devices, parts[0]), Agreement: asBytes(devices, parts[1]), Role: asUint(devices, parts[2]),
		})
	}
	return party
}
