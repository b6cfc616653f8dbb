package main

import (
	"bytes"
	"strings"
	"testing"
)

// Lines in, lines out, in order; the end of the input and bye end the program.
func TestServe(t *testing.T) {
	in := strings.Join([]string{
		`{"id":1,"op":"sha256","in":{"data":""}}`,
		`{"id":2,"op":"sha256","in":{}}`,
		`{"id":3,"op":"sha256","in":{"data":5}}`,
		`{"id":4,"op":"nothing","in":{}}`,
		`{"id":5,"op":"receive","as":"nobody","in":{"wire":"00","at":1}}`,
		`{"id":6,"op":"padding.open","in":{"padded":"00","more":true}}`,
		`{"id":7,"op":"bye","in":{}}`,
		`{"id":8,"op":"reset","in":{}}`,
	}, "\n")
	want := []string{
		`{"id":1,"ok":{"out":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}`,
		`{"id":2,"fault":{"message":"in.data is missing"}}`,
		`{"id":3,"fault":{"message":"data is no hexadecimal text"}}`,
		`{"id":4,"unsupported":{"feature":"nothing"}}`,
		`{"id":5,"fault":`,
		`{"id":6,"reject":{"stage":"decode","class":"decode.padding"}}`,
		`{"id":7,"ok":{}}`,
	}
	var out bytes.Buffer
	if err := serve(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d replies: %q", len(lines), lines)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("answered %s, want %s", lines[i], want[i])
		}
	}
}
