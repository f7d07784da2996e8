package uwsgi_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/wire/uwsgi"
)

func appendParam(dst []byte, name, value string) []byte {
	var p uwsgi.Params
	dst = p.Begin(dst, len(name))
	at := len(dst)
	dst = p.Between(append(dst, name...))
	start := len(dst)
	return p.End(append(dst, value...), at, start)
}

func TestPacket(t *testing.T) {
	dst, mark := uwsgi.Open([]byte("x"), 5, 7)
	dst = appendParam(dst, "REQUEST_METHOD", "GET")
	dst = appendParam(dst, "LONG", strings.Repeat("v", 300))
	got, err := uwsgi.Close(dst, mark)
	want := "x\x05\x49\x01\x07\x0e\x00REQUEST_METHOD\x03\x00GET\x04\x00LONG\x2c\x01" + strings.Repeat("v", 300)
	if err != nil || string(got) != want {
		t.Errorf("%v, %q, want %q", err, got, want)
	}
	dst, mark = uwsgi.Open(nil, 0, 0)
	dst = appendParam(dst, "LONG", strings.Repeat("v", 65536-8))
	if _, err := uwsgi.Close(dst, mark); err == nil || err.Error() != "uwsgi request is too big: 65536" {
		t.Error(err)
	}
}
