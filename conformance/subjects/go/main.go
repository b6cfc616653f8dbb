// Command go is a subject of the conformance kit: an implementation of Tacit in
// Go behind the subject protocol, one JSON object a line on standard input and
// output.
//
// Spec: docs/spec/20-subject.md §20.1.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"tacit.example/conformance/subjects/go/subject"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// maxLine is the longest line of subject.line.1.
const maxLine = 8 << 20

func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine+1)
	replies := bufio.NewWriter(out)
	handler := subject.New()
	for lines.Scan() {
		reply, last := handler.Line(lines.Bytes())
		replies.Write(append(reply, '\n'))
		if err := replies.Flush(); err != nil {
			return err
		}
		if last {
			return nil
		}
	}
	return lines.Err()
}
