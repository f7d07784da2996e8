package cgi_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/wire/h1"
)

// status parses a head, and says what its status is.
func status(text string) (code int, line, err string) {
	var a h1.Answer
	a.ResetLines(0)
	buf := []byte(text)
	if a.Parse(buf) != h1.AnswerDone {
		return 0, "", "no head"
	}
	if e := cgi.Status(&a, buf); e != nil {
		return 0, "", e.Error()
	}
	return a.Status, a.StatusLine.View(buf), ""
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		head string
		code int
		line string
		err  string
	}{
		{"\n", 200, "", ""},
		{"X: y\r\n\r\n", 200, "", ""},
		{"Location: /x\r\n\r\n", 302, "", ""},
		{"Location: /x\nStatus: 303 Look There\n\n", 303, "303 Look There", ""},
		{"status: 404\n\n", 404, "", ""},
		{"Status: 201 A\nStatus: 500 B\n\n", 201, "201 A", ""},
		{"Status: 20\n\n", 0, "", `upstream sent invalid status "20"`},
		{"Status: OK\n\n", 0, "", `upstream sent invalid status "OK"`},
		{"Status:\n\n", 0, "", `upstream sent invalid status ""`},
	} {
		if code, line, err := status(c.head); code != c.code || line != c.line || err != c.err {
			t.Errorf("%q: %d %q %s", c.head, code, line, err)
		}
	}
}

// FuzzStatus checks that what is accepted is a number of three digits.
func FuzzStatus(f *testing.F) {
	f.Add("Status: 404 No\r\nX: y\r\n\r\n")
	f.Add("Location: x\n\n")
	f.Fuzz(func(t *testing.T, head string) {
		code, line, err := status(head)
		if err == "" && (code < 0 || code > 999) || line != "" && !strings.Contains(head, line) {
			t.Fatalf("%q: %d %q", head, code, line)
		}
	})
}
