package h1_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/internal/wire/h1"
)

func TestParseDate(t *testing.T) {
	const birth = 784111777
	for in, want := range map[string]int64{
		"Sun, 06 Nov 1994 08:49:37 GMT":  birth,
		"Sunday, 06-Nov-94 08:49:37 GMT": birth,
		"Sun Nov  6 08:49:37 1994":       birth,
		"Sun Nov 6 08:49:37 1994":        birth,
		"x,06 Nov 1994 08:49:37":         birth, // weekday and zone are not looked at
		"x,06 Nxx 1994 08:49:37 PST":     birth, // nor is more of the month than needed
		"Tue, 29 Feb 2000 00:00:00 GMT":  951782400,
		"Thu, 01 Jan 1970 00:00:00 GMT":  0,
		"Friday, 31-Dec-69 23:59:59 GMT": 3155759999,
		"Thu, 31 Dec 1969 23:59:58 GMT":  -2,
		"":                               h1.NoTime,
		",":                              h1.NoTime,
		"Sun":                            h1.NoTime,
		"Sun, 06 Nov 1994 08:49:3":       h1.NoTime,
		"Sun, 06 Nov 1994 24:00:00 GMT":  h1.NoTime,
		"Sun, 06 Nov 1994 08:60:00 GMT":  h1.NoTime,
		"Sun, 06 Nov 1994 08:49:60 GMT":  h1.NoTime,
		"Sun, 29 Feb 1900 00:00:00 GMT":  h1.NoTime,
		"Sun, 31 Nov 1994 00:00:00 GMT":  h1.NoTime,
		"Sun, 06 Xov 1994 08:49:37 GMT":  h1.NoTime,
		"Sun, 06-Nov 1994 08:49:37 GMT":  h1.NoTime,
		"Sun, 6 Nov 1994 08:49:37 GMT":   h1.NoTime,
	} {
		got, ok := h1.ParseDate(in)
		if got != want || ok != (want != h1.NoTime) {
			t.Errorf("%q: %d, %v; want %d", in, got, ok, want)
		}
	}
}

func TestAppendDateAsTheStandardLibrary(t *testing.T) {
	for unix := int64(-62135596800); unix < 253402300800; unix += 86400*3 + 7919*1021 {
		want := time.Unix(unix, 0).UTC().Format(http.TimeFormat)
		if got := string(h1.AppendDate(nil, unix)); got != want {
			t.Fatalf("%d: %q, want %q", unix, got, want)
		}
		if back, ok := h1.ParseDate(want); !ok || back != unix {
			t.Fatalf("%q: %d, want %d", want, back, unix)
		}
	}
	var cache h1.DateCache
	if got := cache.At(0); got != "Thu, 01 Jan 1970 00:00:00 GMT" || len(got) != h1.DateLen {
		t.Errorf("%q", got)
	}
}

func TestParseRanges(t *testing.T) {
	type ranges = []h1.Range
	for _, c := range []struct {
		value   string
		size    int64
		max     int
		want    ranges
		verdict h1.RangeVerdict
	}{
		{"bytes=0-4", 10, 9, ranges{{0, 5}}, h1.RangePartial},
		{"Bytes= 0 - 4 ", 10, 9, ranges{{0, 5}}, h1.RangePartial},
		{"bytes=4-", 10, 9, ranges{{4, 10}}, h1.RangePartial},
		{"bytes=-3", 10, 9, ranges{{7, 10}}, h1.RangePartial},
		{"bytes=-30", 10, 9, ranges{{0, 10}}, h1.RangePartial},
		{"bytes=9-99", 10, 9, ranges{{9, 10}}, h1.RangePartial},
		{"bytes=0-0 , -1", 10, 9, ranges{{0, 1}, {9, 10}}, h1.RangePartial},
		{"bytes=0-1,10-,2-3", 10, 9, ranges{{0, 2}, {2, 4}}, h1.RangePartial},
		{"bytes=10-", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=-0", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=5-4", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=0-1,", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=,0-1", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=a-1", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=1", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=-", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=--1", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=0-1x", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=0-9223372036854775808", 10, 9, nil, h1.RangeUnsatisfiable},
		{"bytes=0-9223372036854775807", 10, 9, ranges{{0, 10}}, h1.RangePartial},
		{"bytes=0-", 0, 9, nil, h1.RangeIgnored},
		{"bytes=-5", 0, 9, nil, h1.RangeIgnored},
		{"bytes=0-1,0-1,0-1", 10, 2, nil, h1.RangeIgnored},
		{"bytes=0-1,0-1", 10, 2, ranges{{0, 2}, {0, 2}}, h1.RangePartial},
		{"bytes=0-9,0-0", 10, 9, nil, h1.RangeIgnored},
		{"bytes=0-0", 10, 0, nil, h1.RangeIgnored},
		{"bytes=", 10, 9, nil, h1.RangeIgnored},
		{"items=0-1", 10, 9, nil, h1.RangeIgnored},
		{"", 10, 9, nil, h1.RangeIgnored},
	} {
		got, verdict := h1.ParseRanges(nil, c.value, c.size, c.max)
		if verdict != c.verdict || !cmp.Equal(got, c.want) {
			t.Errorf("%q of %d: %v %v, want %v %v", c.value, c.size, got, verdict, c.want, c.verdict)
		}
	}
}

func TestMultipart(t *testing.T) {
	m := h1.Multipart{Boundary: 7, ContentType: "text/plain; charset=x", Size: 100}
	ranges := []h1.Range{{0, 1}, {9, 100}}
	const want = "\r\n--00000000000000000007\r\nContent-Type: text/plain; charset=x\r\n" +
		"Content-Range: bytes 9-99/100\r\n\r\n"
	if got := string(m.AppendPart(nil, ranges[1])); got != want {
		t.Errorf("%q", got)
	}
	if got := string(m.AppendType(nil)); got != "multipart/byteranges; boundary=00000000000000000007" {
		t.Errorf("%q", got)
	}
	for _, boundary := range []uint64{0, 9, 10, 1e19 - 1, 1e19, 1<<64 - 1} {
		m.Boundary = boundary
		var body []byte
		for _, r := range ranges {
			body = append(m.AppendPart(body, r), make([]byte, r.End-r.Start)...)
		}
		body = m.AppendEnd(body)
		if int64(len(body)) != m.Length(ranges) {
			t.Errorf("boundary %d: length %d, want %d: %q", boundary, m.Length(ranges), len(body), body)
		}
	}
}

func TestIfRange(t *testing.T) {
	const day = "Thu, 01 Jan 1970 00:00:09 GMT"
	for _, c := range []struct {
		value, etag  string
		lastModified int64
		want         bool
	}{
		{`"a"`, `"a"`, 9, true},
		{`"a"`, `"b"`, 9, false},
		{`"a"`, ``, 9, false},
		{`W/"a"`, `"a"`, 9, false},
		{day, `"a"`, 9, true},
		{day, `"a"`, 10, false},
		{day, `"a"`, h1.NoTime, false},
		{"x", `"a"`, 9, false},
	} {
		if got := h1.IfRange(c.value, c.etag, c.lastModified); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestMatchETag(t *testing.T) {
	for _, c := range []struct {
		list, etag   string
		strong, weak bool
	}{
		{`*`, ``, true, true},
		{`"a"`, ``, false, false},
		{`"a"`, `"a"`, true, true},
		{`"b" , "a"`, `"a"`, true, true},
		{`"b",,"a"	`, `"a"`, true, true},
		{`W/"a"`, `"a"`, false, true},
		{`"a"`, `W/"a"`, false, true},
		{`W/"a"`, `W/"a"`, true, true},
		{`"ab"`, `"a"`, false, false},
		{`"a"b`, `"a"`, false, false},
		{``, `"a"`, false, false},
	} {
		if got := h1.MatchETag(c.list, c.etag, false); got != c.strong {
			t.Errorf("%+v: strong %v", c, got)
		}
		if got := h1.MatchETag(c.list, c.etag, true); got != c.weak {
			t.Errorf("%+v: weak %v", c, got)
		}
	}
}

func TestConditions(t *testing.T) {
	const etag, day9 = `"9-1"`, "Thu, 01 Jan 1970 00:00:09 GMT"
	for _, c := range []struct {
		headers string
		mode    h1.IfModifiedSince
		want    int
	}{
		{"", 0, 200},
		{"If-Modified-Since: " + day9, 0, 304},
		{"If-Modified-Since: " + day9, h1.IfModifiedOff, 200},
		{"If-Modified-Since: Thu, 01 Jan 1970 00:00:10 GMT", h1.IfModifiedExact, 200},
		{"If-Modified-Since: Thu, 01 Jan 1970 00:00:10 GMT", h1.IfModifiedBefore, 304},
		{"If-Modified-Since: Thu, 01 Jan 1970 00:00:08 GMT", h1.IfModifiedBefore, 200},
		{"If-Modified-Since: junk", h1.IfModifiedBefore, 200},
		{"If-None-Match: " + etag, 0, 304},
		{"If-None-Match: x", 0, 200},
		{"If-None-Match: x\r\nIf-Modified-Since: " + day9, 0, 200},
		{"If-None-Match: " + etag + "\r\nIf-Modified-Since: junk", 0, 200},
		{"If-Match: x", 0, 412},
		{"If-Match:", 0, 412},
		{"If-Match: *", 0, 200},
		{"If-Unmodified-Since: " + day9, 0, 200},
		{"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:08 GMT", 0, 412},
		{"If-Unmodified-Since:", 0, 412},
	} {
		raw := []byte("GET / HTTP/1.0\r\n" + c.headers + "\r\n\r\n")
		var h h1.Head
		h.Reset()
		h.Parse(raw, &h1.Options{})
		h.Parse(raw, &h1.Options{})
		conditions, _ := h.Conditions(raw)
		if got := conditions.Check(string(h1.AppendETag(nil, 9, 1)), 9, c.mode); got != c.want {
			t.Errorf("%q mode %d: %d, want %d", c.headers, c.mode, got, c.want)
		}
	}
}

func TestEscapes(t *testing.T) {
	const in = "/a b\"#%&'+,;<=>?@[]{|}~\x7f\xff\n:"
	for set, want := range map[h1.Escape]string{
		h1.EscapeURI:       "/a%20b%22%23%25&'+,;%3C=%3E%3F@[]%7B%7C%7D~%7F%FF%0A:",
		h1.EscapeArgs:      "/a%20b%22%23%25%26'%2B,%3B%3C=%3E%3F@[]%7B%7C%7D~%7F%FF%0A:",
		h1.EscapeComponent: "%2Fa%20b%22%23%25%26%27%2B%2C%3B%3C%3D%3E%3F%40%5B%5D%7B%7C%7D~%7F%FF%0A%3A",
		h1.EscapeHTML:      "/a%20b%22%23%25&%27+,;%3C=%3E?@[]%7B%7C%7D~%7F%FF%0A:",
		h1.EscapeRefresh:   "/a%20b%22#%&%27+,;%3C=%3E?@[]%7B%7C}%7E%7F%FF%0A:",
	} {
		if got := string(h1.AppendEscaped(nil, in, set)); got != want || !h1.NeedsEscape(in, set) {
			t.Errorf("set %d:\n got %s\nwant %s", set, got, want)
		}
	}
	if got := string(h1.AppendLog(nil, in)); got != `/a b\x22#%&'+,;<=>?@[]{|}~\x7F\xFF\x0A:` {
		t.Errorf("log: %s", got)
	}
	if got := string(h1.AppendJSON(nil, "a\"\\\n\r\t\b\f\x01\x1f\xff")); got != `a\"\\\n\r\t\b\f\u0001\u001F`+"\xff" {
		t.Errorf("json: %s", got)
	}
	if got := string(h1.AppendHTML(nil, `<a href="x">&`)); got != `&lt;a href=&quot;x&quot;&gt;&amp;` {
		t.Errorf("html: %s", got)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"a%20b%2fc": "a b/c", "%": "", "%4": "", "%4g5": "5", "%g5": "g5", "%%41": "%41", "100%": "100",
	} {
		if got := string(h1.Unescape(nil, in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSafePath(t *testing.T) {
	for in, want := range map[string]string{
		"/a%20b?c": "/a b|c", "a": "a|", "/..a/b..": "/..a/b..|",
		"": "", "?a": "", "..": "", "/..": "", "/../a": "", "a/..?b": "", "/%2e%2e/a": "", "/a%00": "", "%": "",
	} {
		got, args, ok := h1.SafePath(nil, in)
		if ok != (want != "") || ok && string(got)+"|"+args != want {
			t.Errorf("%q: %q %q %v, want %q", in, got, args, ok, want)
		}
	}
}

func TestResponse(t *testing.T) {
	r := h1.Response{
		Status: 206, Server: "nginx", Date: "D", ContentType: "text/html", Charset: "utf-8",
		ContentLength: 0, LastModified: 0, Location: "http://a/", Chunked: true,
		Connection: h1.ConnectionKeepAlive, KeepAliveTimeout: 65, Vary: true,
		Fields: []h1.Field{{Name: "ETag", Value: "x"}, {}, {Name: "A", Value: "b"}},
	}
	const want = "HTTP/1.1 206 Partial Content\r\nServer: nginx\r\nDate: D\r\n" +
		"Content-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\n" +
		"Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nLocation: http://a/\r\n" +
		"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\nKeep-Alive: timeout=65\r\n" +
		"Vary: Accept-Encoding\r\nETag: x\r\nA: b\r\n\r\n"
	if got := string(r.Append(nil)); got != want {
		t.Error(cmp.Diff(want, got))
	}
	for status, want := range map[int]string{
		302: "HTTP/1.1 302 Moved Temporarily\r\n", 418: "HTTP/1.1 418 \r\n", 7: "HTTP/1.1 007 \r\n",
		0: "HTTP/1.1 000 \r\n", 99: "HTTP/1.1 099 \r\n", 999: "HTTP/1.1 999 \r\n",
	} {
		if got := string(h1.AppendStatusLine(nil, status)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 9: "9", 10: "10", -1: "-1", 1<<63 - 1: "9223372036854775807", -1 << 63: "-9223372036854775808"} {
		if got := string(h1.AppendInt(nil, n)); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[uint64]string{0: "0", 15: "f", 16: "10", 1<<64 - 1: "ffffffffffffffff"} {
		if got := string(h1.AppendHex(nil, n)); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
