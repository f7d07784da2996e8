package h1_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/internal/wire/h1"
)

// browser is what a browser sends.
const browser = "GET /static/js/app.3f9c1b.js?v=42 HTTP/1.1\r\n" +
	"Host: www.example.com\r\n" +
	"Connection: keep-alive\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n" +
	"Referer: https://www.example.com/index.html\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n" +
	"If-None-Match: \"66a1b2c3-1f40\"\r\n" +
	"X-Custom: some value\r\n\r\n"

// parse runs the parser over a whole request and stops where it is refused or done.
func parse(h *h1.Head, buf []byte, opt *h1.Options) h1.Result {
	h.Reset()
	for {
		if r := h.Parse(buf, opt); r == h1.Done || r == h1.Failed || r == h1.More {
			return r
		}
	}
}

func TestHead(t *testing.T) {
	buf := []byte("\r\n" + browser + "GET /next")
	var h h1.Head
	if r := parse(&h, buf, &h1.Options{}); r != h1.Done {
		t.Fatal(r, h.Err)
	}
	u, _, _ := h.URI(nil, buf, true)
	got := []string{
		h.MethodName.View(buf), h.Request.View(buf), h.Protocol.View(buf), h.Target.View(buf),
		h.Server.View(buf), u.Path.View(buf), u.Args.View(buf), u.Exten.View(buf),
		h.Get(buf, h1.HAcceptEncoding), h.Get(buf, h1.HRange), h.LoggedLine(buf), string(buf[h.Pos():]),
	}
	want := []string{
		"GET", "GET /static/js/app.3f9c1b.js?v=42 HTTP/1.1", "HTTP/1.1", "/static/js/app.3f9c1b.js?v=42",
		"www.example.com", "/static/js/app.3f9c1b.js", "v=42", "js",
		"gzip, deflate, br", "", "GET /static/js/app.3f9c1b.js?v=42 HTTP/1.1", "GET /next",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if v, ok := h.Lookup(buf, "x_custom"); v != "some value" || !ok {
		t.Errorf("x_custom: %q", v)
	}
	if h.Start() != 2 || len(h.Headers) != 10 || h.Index(h1.HCookie) != 7 || !h.KeepAlive() || h.ContentLength != -1 {
		t.Errorf("%+v", h)
	}
}

func TestURIInDecodedBuffer(t *testing.T) {
	buf := []byte("GET http://h/a%2Fb/../c.d%20e?x=%20 HTTP/1.0\r\n\r\n")
	var h h1.Head
	parse(&h, buf, &h1.Options{})
	u, decoded, err := h.URI([]byte("kept"), buf, true)
	if err != nil || !u.Decoded || !u.Quoted || string(decoded) != "kept/a/c.d e" {
		t.Fatalf("%+v %q %v", u, decoded, err)
	}
	if u.Path.View(decoded) != "/a/c.d e" || u.Exten.View(decoded) != "d e" || u.Args.View(buf) != "x=%20" {
		t.Errorf("%+v", u)
	}
}

func TestMergeSlashesOff(t *testing.T) {
	out, u, ok := h1.AppendURI(nil, "/a//b/.//c", false)
	if !ok || string(out) != "/a//b//c" || u.Path.Len() != len(out) {
		t.Errorf("%q %v", out, ok)
	}
}

func TestHeaderOptions(t *testing.T) {
	const raw = "GET / HTTP/1.0\r\na_b: 1\r\na@b: 2\r\nc: 3\r\n\r\n"
	for _, c := range []struct {
		opt     h1.Options
		headers int
		ignored string
	}{
		{h1.Options{}, 1, "a_b: 1,a@b: 2"},
		{h1.Options{Underscores: true}, 2, "a@b: 2"},
		{h1.Options{KeepInvalid: true}, 3, ""},
		{h1.Options{MaxHeaders: 1, Underscores: true}, 1, "a@b: 2,client sent too many header lines"},
	} {
		var h h1.Head
		var ignored []string
		h.Reset()
		buf := []byte(raw)
		for r := h.Parse(buf, &c.opt); r != h1.Done; r = h.Parse(buf, &c.opt) {
			if r == h1.Failed {
				ignored = append(ignored, h.Err.Text)
				break
			}
			if r == h1.Ignored {
				ignored = append(ignored, h.Ignored.View(buf))
				if want := `client sent invalid header line: "` + h.Ignored.View(buf) + `"`; h.IgnoredText(buf) != want {
					t.Error(h.IgnoredText(buf))
				}
			}
		}
		if len(h.Headers) != c.headers || strings.Join(ignored, ",") != c.ignored {
			t.Errorf("%+v: %d headers, %q", c.opt, len(h.Headers), ignored)
		}
	}
}

func TestConnectAllowed(t *testing.T) {
	buf := []byte("CONNECT Up.stream:443 HTTP/1.1\r\nHost: x\r\n\r\n")
	var h h1.Head
	if r := parse(&h, buf, &h1.Options{AllowConnect: true}); r != h1.Done {
		t.Fatal(r, h.Err)
	}
	u, _, _ := h.URI(nil, buf, true)
	if h.Server.View(buf) != "Up.stream" || h.Port != 443 || u.Path.View(buf) != "/" {
		t.Errorf("%+v", h)
	}
}

func TestTooLongLines(t *testing.T) {
	var h h1.Head
	h.Reset()
	buf := []byte("GET /" + strings.Repeat("a", 100))
	h.Parse(buf, &h1.Options{})
	if h.Blank() || h.LineStart() != 0 || h.Pos() != len(buf) || h.LoggedLine(buf) != string(buf) {
		t.Errorf("%+v", h)
	}
	if err := h.TooLong(buf); err.Status != 414 || err.Text != "client sent too long URI" {
		t.Error(err)
	}
	h.Reset()
	buf = []byte("GET / HTTP/1.0\r\nA: b\r\nCdef: " + strings.Repeat("g", 3000))
	h.Parse(buf, &h1.Options{})
	h.Parse(buf, &h1.Options{})
	want := `client sent too long header line: "Cdef: ` + strings.Repeat("g", 2048-300-6) + `..."`
	if err := h.TooLong(buf); err.Status != 494 || err.Text != want {
		t.Error(err)
	}
}

func TestBlank(t *testing.T) {
	var h h1.Head
	h.Reset()
	if r := h.Parse([]byte("\r\n\r\n"), &h1.Options{}); r != h1.More || !h.Blank() || h.LoggedLine(nil) != "" {
		t.Errorf("%v %+v", r, h)
	}
}

func TestConnectionWords(t *testing.T) {
	for _, c := range []struct {
		raw  string
		keep bool
	}{
		{"HTTP/1.1\r\nHost: a", true},
		{"HTTP/1.0", false},
		{"HTTP/1.0\r\nConnection: Keep-Alive", true},
		{"HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE", false},
		{"HTTP/1.1\r\nHost: a\r\nConnection: closed", false},
		{"HTTP/1.1\r\nHost: a\r\nConnection: upgrade", true},
		{"HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive", true},
		{"HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close", false},
	} {
		buf := []byte("GET / " + c.raw + "\r\n\r\n")
		var h h1.Head
		if r := parse(&h, buf, &h1.Options{}); r != h1.Done || h.KeepAlive() != c.keep {
			t.Errorf("%q: %v %v", c.raw, r, h.KeepAlive())
		}
	}
}

func TestChunkedData(t *testing.T) {
	const body = "5\r\nhello\r\n1;x\r\n \r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n"
	for step := 1; step <= len(body)+3; step++ {
		raw := body + "GET"
		var c h1.Chunked
		var got []byte
		at := 0
		for done := false; !done; {
			n, data, r := c.Decode([]byte(raw[at:min(len(raw), at+step)]))
			at += n
			got = append(got, data...)
			done = r == h1.ChunkDone || r == h1.ChunkFailed
			if !done && c.Need() > int64(len(body)-at) {
				t.Fatalf("at %d: needs %d", at, c.Need())
			}
		}
		if string(got) != "hello 0123456789" || raw[at:] != "GET" || c.Need() != 0 {
			t.Errorf("steps of %d: %q, then %q", step, got, raw[at:])
		}
	}
	if got := string(h1.AppendChunkSize(nil, 4096)); got != "1000\r\n" {
		t.Errorf("%q", got)
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	buf := []byte(browser)
	var h h1.Head
	parse(&h, buf, &h1.Options{})
	if n := testing.AllocsPerRun(100, func() { parse(&h, buf, &h1.Options{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
