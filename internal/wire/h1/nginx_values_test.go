package h1_test

import (
	"bytes"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/internal/wire/h1"
)

// The file that a realNginx serves as /files/f.
const (
	servedContent  = "0123456789"
	servedModified = 784111777 // Sun, 06 Nov 1994 08:49:37 GMT
)

func writeServedFile(t *testing.T, dir string) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, []byte(servedContent), 0o644); err != nil {
		t.Fatal(err)
	}
	modified := time.Unix(servedModified, 0)
	if err := os.Chtimes(name, modified, modified); err != nil {
		t.Fatal(err)
	}
}

// serve answers a request for the file with the functions of this package, as the
// features of the server will.
func serve(raw string, date string, boundary uint64) []byte {
	var h h1.Head
	buf := []byte(raw)
	if parse(&h, buf, &h1.Options{}) != h1.Done {
		return nil
	}
	size := int64(len(servedContent))
	etag := string(h1.AppendETag(nil, servedModified, size))
	r := h1.Response{
		Status: 200, Server: "nginx/1.31.5", Date: date, ContentType: "text/plain",
		ContentLength: size, LastModified: servedModified, Connection: h1.ConnectionClose,
		Fields: []h1.Field{{Name: "ETag", Value: etag}},
	}
	conditions, _ := h.Conditions(buf)
	switch conditions.Check(etag, servedModified, h1.IfModifiedExact) {
	case 304:
		r.Status, r.ContentType, r.ContentLength = 304, "", -1
		return r.Append(nil)
	case 412:
		return []byte("HTTP/1.1 412")
	}
	whole := func() []byte {
		r.Fields = append(r.Fields, h1.Field{Name: "Accept-Ranges", Value: "bytes"})
		return append(r.Append(nil), servedContent...)
	}
	if h.Has(h1.HIfRange) && !h1.IfRange(h.Get(buf, h1.HIfRange), etag, servedModified) {
		return whole()
	}
	ranges, verdict := h1.ParseRanges(nil, h.Get(buf, h1.HRange), size, h1.UnlimitedRanges)
	switch {
	case verdict == h1.RangeIgnored:
		return whole()
	case verdict == h1.RangeUnsatisfiable:
		return []byte("HTTP/1.1 416")
	case len(ranges) == 1:
		r.Status, r.ContentLength = 206, ranges[0].End-ranges[0].Start
		r.Fields = append(r.Fields, h1.Field{Name: "Content-Range", Value: string(h1.AppendContentRange(nil, ranges[0], size))})
		return append(r.Append(nil), servedContent[ranges[0].Start:ranges[0].End]...)
	}
	m := h1.Multipart{Boundary: boundary, ContentType: "text/plain", Size: size}
	r.Status, r.ContentType, r.ContentLength = 206, string(m.AppendType(nil)), m.Length(ranges)
	out := r.Append(nil)
	for _, part := range ranges {
		out = append(m.AppendPart(out, part), servedContent[part.Start:part.End]...)
	}
	return m.AppendEnd(out)
}

var (
	sentDate     = regexp.MustCompile("\r\nDate: ([^\r]*)")
	sentBoundary = regexp.MustCompile("boundary=([0-9]+)")
)

// TestNginxAgreesOnConditionsAndRanges asks for a file with conditional and range
// headers that are right, or nearly so, and compares the answers byte by byte.
func TestNginxAgreesOnConditionsAndRanges(t *testing.T) {
	nginx := startNginx(t)
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewSource(seed))
	values := map[string][]string{
		"Range": {"bytes=0-1", "bytes=-3", "bytes=4-", "bytes=0-1,3-4", "bytes=1-1, -2 ,5-6", "bytes=0-,0-", "bytes=0-9999999999999999999"},
		"If-Modified-Since": {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
			"Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 1994"},
		"If-Unmodified-Since": {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"},
		"If-None-Match":       {`"2ebc98a1-a"`, `W/"2ebc98a1-a"`, `"x", "2ebc98a1-a"`, "*"},
		"If-Match":            {`"2ebc98a1-a"`, `"x" , "2ebc98a1-a" ,"y"`, "*"},
		"If-Range":            {`"2ebc98a1-a"`, "Sun, 06 Nov 1994 08:49:37 GMT"},
	}
	names := []string{"Range", "If-Modified-Since", "If-Unmodified-Since", "If-None-Match", "If-Match", "If-Range"}
	for i := 0; i < 3000 && !t.Failed(); i++ {
		raw := "GET /files/f HTTP/1.0\r\n"
		for _, name := range names {
			if random.Intn(3) != 0 && (name != "Range" || random.Intn(3) == 0) {
				continue
			}
			value := values[name][random.Intn(len(values[name]))]
			if random.Intn(2) == 0 {
				value = mutate(random, value)
			}
			raw += name + ": " + value + "\r\n"
		}
		raw += "\r\n"
		want := nginx.answer(t, raw)
		var date string
		var boundary uint64
		if found := sentDate.FindSubmatch(want); found != nil {
			date = string(found[1])
		}
		if found := sentBoundary.FindSubmatch(want); found != nil {
			boundary, _ = strconv.ParseUint(string(found[1]), 10, 64)
		}
		got := serve(raw, date, boundary)
		if got == nil { // the mutation made the head itself invalid
			continue
		}
		if !bytes.HasPrefix(want, got) || len(got) > 20 && len(want) != len(got) {
			t.Errorf("seed %d: %q:\n%s", seed, raw, cmp.Diff(string(want), string(got)))
		}
	}
}
