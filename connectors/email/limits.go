package email

import (
	"bytes"
	"regexp"
	"strings"
)

// Bounds of what a letter may make us do. What is over them is not taken apart; the raw letter is kept whole.
const (
	maxDepth      = 10        // of multiparts in each other: the parser's time doubles with each
	maxMultiparts = 60        // of them in all
	maxParts      = 200       // a letter with 150 photographs has been seen
	maxHeader     = 256 << 10 // bytes of the header of a letter
	maxText       = 1 << 20   // bytes of text that people are shown
	maxFiles      = 100
	maxIDs        = 200 // of a correspondence
)

var boundary = regexp.MustCompile(`(?i)boundary(?:\*\d*)?\*?\s*=\s*("([^"\r\n]*)"?|[^;\s]*)`)

// budget looks through a letter without taking it apart: how much of it may be parsed and how many multiparts of
// it. It sees at least the depth that a parser would.
func budget(raw []byte) (cut, multiparts int, whole bool) {
	cut, multiparts, whole = len(raw), maxMultiparts, true
	var open []string
	parts := 0
	for at := 0; at < len(raw); {
		line := raw[at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		if bytes.HasPrefix(line, []byte("--")) {
			if closed, ok := closes(open, line); ok {
				open = closed
				if parts++; parts > maxParts {
					return at, multiparts, false
				}
			}
		} else if m := declared(line); m != nil {
			name := string(m[2])
			if name == "" {
				name = strings.Trim(string(m[1]), `"`)
			}
			if open = append(open, name); len(open) > maxDepth {
				multiparts, whole = maxDepth, false
			}
			if len(open) > 1000 {
				return at, multiparts, false
			}
		}
		at += len(line)
	}
	return cut, multiparts, whole
}

// declared finds the boundary that a line declares. Most lines of a letter are base64 and hold no equals sign.
func declared(line []byte) [][]byte {
	if bytes.IndexByte(line, '=') < 0 {
		return nil
	}
	return boundary.FindSubmatch(line)
}

// closes tells what is still open behind a line that begins with two dashes; false when it is no boundary.
func closes(open []string, line []byte) ([]string, bool) {
	text := strings.TrimRight(string(line[2:min(len(line), 300)]), " \t\r\n")
	for i := len(open) - 1; i >= 0 && i >= len(open)-50; i-- {
		switch text {
		case open[i] + "--":
			return open[:i], true
		case open[i]:
			return open[:i+1], true
		}
	}
	return open, false
}

// boundHeader cuts a header that is larger than any mail program writes.
func boundHeader(raw []byte) []byte {
	head, body := splitHeader(raw)
	if len(head) <= maxHeader {
		return raw
	}
	head = head[:maxHeader]
	if end := bytes.LastIndexByte(head, '\n'); end > 0 {
		head = head[:end+1]
	}
	return append(append(bytes.Clone(head), '\r', '\n'), body...)
}

// withLines gives a letter whose lines end with CR alone lines.
func withLines(raw []byte) []byte {
	if bytes.IndexByte(raw, '\n') >= 0 {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
}

var blankLine = regexp.MustCompile(`\r?\n[ \t]*\r?\n`)

// splitHeader parts the header from the body.
func splitHeader(raw []byte) (head, body []byte) {
	if at := blankLine.FindIndex(raw); at != nil {
		return raw[:at[0]], raw[at[1]:]
	}
	return raw, nil
}
