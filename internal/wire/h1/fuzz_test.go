package h1_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/wire/h1"
)

// FuzzHead checks that it does not matter in which pieces a request arrives, and that
// every span lies within the bytes consumed.
func FuzzHead(f *testing.F) {
	for _, c := range requestCases {
		f.Add(c.raw, uint8(1))
	}
	f.Add(browser, uint8(7))
	f.Fuzz(func(t *testing.T, raw string, step uint8) {
		whole := judge(raw, h1.Options{}, len(raw)+1)
		if pieces := judge(raw, h1.Options{}, int(step)+1); pieces != whole {
			t.Fatalf("whole %+v, in pieces %+v", whole, pieces)
		}
		var h h1.Head
		buf := []byte(raw)
		r := parse(&h, buf, &h1.Options{KeepInvalid: true, Underscores: true, AllowConnect: true})
		for _, s := range []h1.Span{h.MethodName, h.Request, h.Protocol, h.Scheme, h.Authority, h.Server} {
			if s.Start > s.End && s.End != 0 || int(s.End) > h.Pos() {
				t.Fatalf("%v: %+v", r, h)
			}
		}
		for _, field := range h.Headers {
			if field.Name.Len() == 0 || field.Value.Len() < 0 || bytes.ContainsAny(field.Value.Of(buf), "\r\n\x00") {
				t.Fatalf("%q", field.Value.Of(buf))
			}
		}
		h.LoggedLine(buf)
	})
}

// FuzzURI checks that a normalized path has nothing left to normalize.
func FuzzURI(f *testing.F) {
	for _, seed := range []string{"/", "/a/../b", "/%2e%2e/x", "//a/./b?c#d", "/a.b%3f", "?x", "/..", "/%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if target == "" || target[0] != '/' {
			return // the request line sees to that
		}
		out, u, ok := h1.AppendURI(nil, target, true)
		if !ok {
			return
		}
		if len(out) == 0 || out[0] != '/' || bytes.Contains(out, []byte("//")) ||
			bytes.Contains(append(out, '/'), []byte("/../")) || bytes.Contains(append(out, '/'), []byte("/./")) {
			t.Fatalf("%q became %q", target, out)
		}
		u.Args.View([]byte(target))
		u.Exten.View(out)
		h1.SafePath(nil, target)
		escaped := h1.AppendEscaped(nil, string(out), h1.EscapeURI)
		if back := h1.Unescape(nil, string(escaped)); !bytes.Equal(back, out) {
			t.Fatalf("%q escaped %q back %q", out, escaped, back)
		}
	})
}

// FuzzChunked checks that pieces do not matter and that what was decoded can be
// encoded and decoded again.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("3\r\nabc\r\n0\r\n\r\n"), uint8(1))
	f.Add([]byte("5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\nGET"), uint8(2))
	f.Add([]byte("ffffffffffffffff\r\n"), uint8(3))
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		body, used, end := decodeChunks(raw, len(raw)+1)
		pieces, usedPieces, endPieces := decodeChunks(raw, int(step)+1)
		if !bytes.Equal(body, pieces) || used != usedPieces || end != endPieces {
			t.Fatalf("whole %q %d %v, in pieces %q %d %v", body, used, end, pieces, usedPieces, endPieces)
		}
		if len(body) == 0 {
			return
		}
		again := append(append(h1.AppendChunkSize(nil, int64(len(body))), body...), h1.ChunkEnd+h1.LastChunk...)
		if back, _, end := decodeChunks(again, 3); end != h1.ChunkDone || !bytes.Equal(back, body) {
			t.Fatalf("%q became %q", body, back)
		}
	})
}

func decodeChunks(raw []byte, step int) (body []byte, used int, end h1.ChunkResult) {
	var c h1.Chunked
	for {
		n, data, r := c.Decode(raw[used:min(len(raw), used+step)])
		used += n
		body = append(body, data...)
		if r >= h1.ChunkDone || n == 0 {
			return body, used, r
		}
	}
}

// FuzzRanges checks that ranges lie within the body and that their number and sum
// are bounded.
func FuzzRanges(f *testing.F) {
	f.Add("bytes=0-1,-2,3-", int64(10))
	f.Add("bytes=9223372036854775807-", int64(1))
	f.Add("bytes 0-9223372036854775807/*", int64(1))
	f.Add("bytes 10-19/ 30 ", int64(1))
	f.Fuzz(func(t *testing.T, value string, size int64) {
		if size < 0 {
			return
		}
		const most = 5
		ranges, verdict := h1.ParseRanges(nil, value, size, most)
		if (verdict == h1.RangePartial) != (len(ranges) > 0) || len(ranges) > most {
			t.Fatalf("%v %v", ranges, verdict)
		}
		for _, r := range ranges {
			if r.Start < 0 || r.Start >= r.End || r.End > size {
				t.Fatalf("%v of %d", ranges, size)
			}
		}
		if part, whole, ok := h1.ParseContentRange(value); ok && (part.Start < 0 || part.End < 1 || whole < -1) {
			t.Fatalf("%q is %v of %d", value, part, whole)
		}
		h1.IfRange(value, `"x"`, size)
		if h1.MatchETag(value, `"x"`, false) && !h1.MatchETag(value, `"x"`, true) {
			t.Fatalf("%q matches strongly only", value)
		}
	})
}

// FuzzDate checks that the dates of net/http are read the same.
func FuzzDate(f *testing.F) {
	f.Add("Sun, 06 Nov 1994 08:49:37 GMT")
	f.Add("Sunday, 06-Nov-94 08:49:37 GMT")
	f.Add("Sun Nov  6 08:49:37 1994")
	f.Fuzz(func(t *testing.T, s string) {
		unix, ok := h1.ParseDate(s)
		if want, err := time.Parse(http.TimeFormat, s); err == nil && want.Format(http.TimeFormat) == s && want.Unix() != h1.NoTime {
			if !ok || unix != want.Unix() {
				t.Fatalf("%q: %d, want %d", s, unix, want.Unix())
			}
		}
		if !ok && unix != h1.NoTime {
			t.Fatal(unix)
		}
	})
}
