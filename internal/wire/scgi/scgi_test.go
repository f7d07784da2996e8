package scgi_test

import (
	"testing"

	"github.com/baton-project/baton/internal/wire/scgi"
)

func TestRequestIsWhatTheSpecificationShows(t *testing.T) {
	dst, mark := scgi.Open([]byte("before"), 27)
	var p scgi.Params
	for _, kv := range [][2]string{{"SCGI", "1"}, {"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/deepthought"}} {
		dst = p.Begin(dst, len(kv[0]))
		at := len(dst)
		dst = p.Between(append(dst, kv[0]...))
		start := len(dst)
		dst = p.End(append(dst, kv[1]...), at, start)
	}
	_, got := scgi.Close(dst, mark)
	want := "70:CONTENT_LENGTH\x0027\x00SCGI\x001\x00REQUEST_METHOD\x00POST\x00REQUEST_URI\x00/deepthought\x00,"
	if string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}
