package h1_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/wire/h1"
)

// show is what became of an answer.
func show(a *h1.Answer, r h1.AnswerResult, buf []byte) string {
	switch r {
	case h1.AnswerMore:
		return "more"
	case h1.AnswerNotHTTP:
		return "not HTTP"
	case h1.AnswerFailed:
		return "bad " + a.BadText(buf)
	}
	text := fmt.Sprintf("%d [%s]", a.Status, a.StatusLine.View(buf))
	for _, f := range a.Headers {
		text += fmt.Sprintf(" %s=%q", f.Name.View(buf), f.Value.View(buf))
	}
	return text + " +" + string(buf[a.Pos():])
}

var answers = []struct{ text, want string }{
	{"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nbody", `200 [200 OK] Server="x" +body`},
	{"HTTP/1.0 204\r\n\r\n", `204 [204] +`},
	{"HTTP/1.1 200 OK\nA: b\n\nrest", `200 [200 OK] A="b" +rest`},
	{"HTTP/1.1  403.7 No\r\n\r\n", `403 [403.7 No] +`},
	{"HTTP/10.1 200 \r\n\r\n", `200 [200 ] +`},
	{"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\nA:b  \r\n\r\n", `200 [200 OK] A="b" +`},
	{"HTTP/1.1 200 OK\r\nA_b: c: d \r\nx(y: z\r\nempty\r\nnone:\r\n\r\n", `200 [200 OK] A_b="c: d" x(y="z" empty="" none="" +`},
	{"HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n", `200 [200 OK] A="b" +`},
	{"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", `bad A\x20...`},
	{"HTTP/1.1 200 OK\r\n : c\r\n\r\n", `bad \x20...`},
	{"HTTP/1.1 200 OK\r\n:c\r\n\r\n", `bad \x3a...`},
	{"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", `bad A: b\x00...`},
	{"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", `bad A: b\x0d...`},
	{"HTTP/1.1 200 OK\r\n\rx\n\r\n", `bad \x0d...`},
	{"HTTP/1.1 200 OK\rx\r\n\r\n", `not HTTP`},
	{"HTTP/1.1 20 OK\r\n\r\n", `not HTTP`},
	{"HTTP/1.1 2000\r\n\r\n", `not HTTP`},
	{"HTTP/0.9 200 OK\r\n\r\n", `not HTTP`},
	{"HTTP/1000.1 200 OK\r\n\r\n", `not HTTP`},
	{"hello", `not HTTP`},
	{"HTTP/1.1 200 OK\r\nA: b\r\n", `more`},
	{"HTT", `more`},
}

func TestAnswer(t *testing.T) {
	for _, c := range answers {
		var whole, bytewise h1.Answer
		buf := []byte(c.text)
		if got := show(&whole, whole.Parse(buf), buf); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
		bytewise.Reset()
		r := h1.AnswerMore
		n := 0
		for ; r == h1.AnswerMore && n < len(buf); n++ {
			r = bytewise.Parse(buf[:n+1])
		}
		want, _, _ := strings.Cut(c.want, "+") // the body was not there yet
		if got := show(&bytewise, r, buf); !strings.HasPrefix(got, want) {
			t.Errorf("%q byte by byte: %s, want %s", c.text, got, want)
		}
	}
}

func TestAnswerKnowsHeaders(t *testing.T) {
	for name, want := range map[string]h1.AnswerID{
		"SERVER": h1.AnswerServer, "x-accel-Redirect": h1.AnswerXAccelRedirect, "X-Foo": h1.AnswerOther, "": h1.AnswerOther,
		"Transfer-Encoding": h1.AnswerTransferEncoding, "ETag": h1.AnswerETag, strings.Repeat("x", 40): h1.AnswerOther,
	} {
		if got := h1.AnswerIDOf(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, c := range answers {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, buf []byte) {
		var whole, bytewise h1.Answer
		want := whole.Parse(buf)
		r := h1.AnswerMore
		for n := 0; r == h1.AnswerMore && n < len(buf); n++ {
			r = bytewise.Parse(buf[:n+1])
		}
		if r != want || len(whole.Headers) != len(bytewise.Headers) || whole.Pos() > len(buf) {
			t.Fatalf("%q: %s whole, %s byte by byte", buf, show(&whole, want, buf), show(&bytewise, r, buf))
		}
		_ = whole.BadText(buf)
	})
}

func BenchmarkAnswer(b *testing.B) {
	buf := []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.31.3\r\nDate: Mon, 28 Sep 1970 06:00:00 GMT\r\nContent-Type: text/html\r\n" +
		"Content-Length: 1024\r\nConnection: keep-alive\r\nETag: \"6553f100-400\"\r\n\r\n")
	var a h1.Answer
	b.ReportAllocs()
	for b.Loop() {
		a.Reset()
		if a.Parse(buf) != h1.AnswerDone {
			b.Fatal("no answer")
		}
	}
}
