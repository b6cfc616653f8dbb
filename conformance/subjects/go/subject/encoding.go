package subject

import (
	"encoding/json"

	"tacit.example/conformance/subjects/go/tacit"
)

func init() {
	register(map[string]call{
		"canon.decode": func(in Values) (any, error) {
			value, err := tacit.DecodeValue(in.bytes("bytes"))
			if err != nil {
				return nil, err
			}
			return object{"value": valueForm(value)}, nil
		},
		"layout.decode": func(in Values) (any, error) {
			layout, err := readLayout(in.get("layout"))
			if err != nil {
				return nil, err
			}
			value, err := layout.Decode(in.bytes("bytes"))
			if err != nil {
				return nil, err
			}
			return object{"value": layoutForm(value)}, nil
		},
	})
}

func readLayout(value any) (*tacit.Layout, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	layout := &tacit.Layout{}
	return layout, json.Unmarshal(encoded, layout)
}

// valueForm writes a value without a layout: text as {"text"}, a map as {"map"}.
func valueForm(value any) any {
	switch v := value.(type) {
	case []byte:
		return h(v)
	case string:
		return object{"text": v}
	case []any:
		items := []any{}
		for _, item := range v {
			items = append(items, valueForm(item))
		}
		return items
	case []tacit.Pair:
		entries := []any{}
		for _, pair := range v {
			entries = append(entries, []any{pair.Key, valueForm(pair.Value)})
		}
		return object{"map": entries}
	}
	return value
}

// layoutForm writes a value of a layout [codec.json.1].
func layoutForm(value any) any {
	switch v := value.(type) {
	case []byte:
		return h(v)
	case []any:
		items := []any{}
		for _, item := range v {
			items = append(items, layoutForm(item))
		}
		return items
	case tacit.Record:
		fields := object{}
		for name, field := range v {
			fields[name] = layoutForm(field)
		}
		return fields
	case []tacit.Unknown:
		entries := []any{}
		for _, entry := range v {
			entries = append(entries, object{"key": entry.Key, "value": h(entry.Value)})
		}
		return entries
	}
	return value
}
