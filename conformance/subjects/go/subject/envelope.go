package subject

import "tacit.example/conformance/subjects/go/tacit"

func init() {
	register(map[string]call{
		"envelope.decode": func(in Values) (any, error) {
			e, err := tacit.DecodeEnvelope(in.bytes("bytes"))
			if err != nil {
				return nil, err
			}
			return object{"kind": e.Kind, "to": h(e.To), "body": h(e.Body)}, nil
		},
		"envelope.prefix": func(in Values) (any, error) {
			return object{"prefix": h(tacit.Prefix(in.uint("kind"), in.sized("to", 16)))}, nil
		},
		"padding.pad": func(in Values) (any, error) {
			return object{"padded": h(tacit.Pad(in.bytes("content")))}, nil
		},
		"padding.open": func(in Values) (any, error) {
			content, err := tacit.Unpad(in.bytes("padded"))
			return object{"content": h(content)}, err
		},
		"content.decode": func(in Values) (any, error) {
			c, err := tacit.DecodeContent(in.bytes("bytes"), in.sized("direct", 16))
			if err != nil {
				return nil, err
			}
			return object{"value": contentForm(c)}, nil
		},
		"sealed.seal": func(in Values) (any, error) {
			body, err := tacit.SealStart(in.suite("suite"), in.sized("ephemeralSecret", 32), in.bytes("recipient"), in.bytes("prefix"), in.bytes("start"))
			return object{"body": h(body)}, err
		},
		"sealed.open": func(in Values) (any, error) {
			suite, plain, start, err := tacit.OpenStart(in.sized("secret", 32), in.bytes("prefix"), in.bytes("body"), nil)
			if err != nil {
				return nil, err
			}
			return object{"suite": suite.ID, "start": h(plain), "value": startForm(start)}, nil
		},
	})
}

func contentForm(c *tacit.Content) object {
	return object{
		"type": c.Type, "conversation": h(c.Conversation), "sequence": c.Sequence, "messageId": h(c.ID),
		"sentAt": c.SentAt, "body": bodyForm(c), "extensions": extensionsForm(c),
	}
}

func bodyForm(c *tacit.Content) object {
	switch c.Type {
	case tacit.TypeText:
		return object{"text": string(c.Body)}
	case tacit.TypeReceipt:
		state := "delivered"
		if c.Details.Uint("state") == 2 {
			state = "read"
		}
		return object{"state": state, "messages": layoutForm(c.Details["messages"])}
	case tacit.TypeControl:
		return controlForm(c.Details)
	case tacit.TypeTyping, tacit.TypeRetry, tacit.TypeApp:
		return layoutForm(c.Details).(object)
	case tacit.TypeFile:
		return object{"reference": fileForm(c.Details)}
	case tacit.TypeOwn:
		return ownForm(c.Details)
	}
	return object{"data": h(c.Body)}
}

func fileForm(details tacit.Record) object {
	form := layoutForm(details).(object)
	if preview := form["preview"].([]any); len(preview) == 0 {
		delete(form, "preview")
	} else {
		form["preview"] = preview[0]
	}
	return form
}

func ownForm(details tacit.Record) object {
	names := map[uint64]string{
		tacit.OwnSent: "sent", tacit.OwnRead: "read", tacit.OwnContact: "contact",
		tacit.OwnReceived: "received", tacit.OwnHistory: "history", tacit.OwnArchive: "archive",
		tacit.OwnSettings: "settings", tacit.OwnVerified: "verified",
	}
	form := layoutForm(details).(object)
	form["own"] = "unknown"
	if kind, ok := details["kind"].(uint64); ok {
		form["own"] = names[kind]
		if kind == tacit.OwnSettings {
			for _, item := range form["settings"].([]any) {
				setting := item.(object)
				// One that was taken back has no value.
				if value := setting["value"].([]any); len(value) == 0 {
					delete(setting, "value")
				} else {
					setting["value"] = value[0]
				}
			}
		}
	}
	delete(form, "kind")
	return form
}

func controlForm(details tacit.Record) object {
	switch details.Uint("control") {
	case tacit.ControlAcknowledge:
		return object{"control": "acknowledge"}
	case tacit.ControlReset:
		return object{"control": "reset", "reason": details.Uint("reason")}
	}
	return object{
		"control": "resynchronise", "answer": details.Uint("control") == tacit.ControlAnswer,
		"generation": details.Uint("generation"), "startId": h(details.Bytes("startId")),
		"received": layoutForm(details["received"]),
	}
}

func extensionsForm(c *tacit.Content) object {
	slot := object{"unknown": layoutForm(c.Unknown)}
	mark := func(name string, m tacit.Mark) {
		if m.Generation > 0 {
			slot[name] = object{"generation": m.Generation, "startId": h(m.StartID)}
		}
	}
	mark("fence", c.Fence)
	mark("echo", c.Echo)
	if c.Token != nil {
		slot["deliveryToken"] = h(c.Token)
	}
	if c.Fallback != nil {
		slot["fallback"] = *c.Fallback
	}
	if c.Floor != nil {
		slot["floor"] = *c.Floor
	}
	if c.ReplyTo != nil {
		slot["replyTo"] = h(c.ReplyTo)
	}
	if c.Lists.Own > 0 {
		slot["lists"] = object{"own": c.Lists.Own, "peer": c.Lists.Peer}
	}
	return slot
}

func startForm(s *tacit.Start) object {
	kind := 0
	if s.KEMOneTime {
		kind = 1
	}
	slot := object{"unknown": layoutForm(s.Unknown)}
	if s.User != nil {
		slot["user"] = *s.User
	}
	if s.Rank != nil {
		slot["rank"] = *s.Rank
	}
	return object{
		"certificate": h(s.Certificate), "manifestVersion": s.ManifestVersion, "mailbox": h(s.Mailbox),
		"ephemeral": h(s.Ephemeral), "signedPrekeyId": s.SignedID, "oneTimePrekeyId": s.OneTimeID,
		"kemOneTime": kind, "kemPrekeyId": s.KEMID, "kemCiphertext": h(s.KEMCiphertext),
		"message": h(s.Message), "extensions": slot,
	}
}
