package gunzip_test

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	return string(text)
}

func site(t testing.TB) httptest.Site {
	good := packed(t, strings.Repeat("hello world\n", 1000))
	return httptest.Site{
		HTTP: `
			types { text/plain txt; }
			gzip_static always; gunzip on; gzip_http_version 1.0; max_ranges 0;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /vary/ { alias {{dir}}/html/; gzip_vary on; }
				location /off/ { alias {{dir}}/html/; gunzip off; }
				location /again/ { alias {{dir}}/html/; gzip on; gzip_types *; }
			}`,
		Files: map[string]string{
			"html/a.txt.gz": good, "html/two.txt.gz": good + packed(t, "and more"), "html/big.txt.gz": packed(t, noise(200<<10)),
			"html/nothing.txt.gz": packed(t, ""), "html/zeros.txt.gz": packed(t, strings.Repeat("0", 4<<20)),
			"html/bad.txt.gz": "this is no gzip at all", "html/cut.txt.gz": good[:len(good)-20], "html/head.txt.gz": good[:5],
			"html/wrong.txt.gz": packed(t, noise(1000))[:600] + strings.Repeat("\xff", 100), "html/rest.txt.gz": good + "rubbish behind the end",
		},
	}
}

func TestAsNginx(t *testing.T) {
	var cases []httptest.Case
	for _, target := range []string{
		"/a.txt", "/two.txt", "/big.txt", "/nothing.txt", "/vary/a.txt", "/off/a.txt", "/again/a.txt", "/nope.txt",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, header := range [][]string{nil, {"Accept-Encoding: gzip"}, {"Accept-Encoding: br"}, {"Range: bytes=1-3"}} {
				cases = append(cases, httptest.Case{
					Name:    method + " " + target + " " + strings.Join(header, " "),
					Request: httptest.Request(method, target, header...),
				})
			}
		}
	}
	httptest.CompareUnpacked(t, modules.HTTP(), site(t), cases)
}

// A body that is not what its encoding says is broken off, for the client to see.
func TestBrokenBodies(t *testing.T) {
	want, got := httptest.StartNginx(t, site(t)), httptest.Start(t, modules.HTTP(), site(t))
	for _, target := range []string{"/bad.txt", "/cut.txt", "/head.txt", "/wrong.txt", "/rest.txt"} {
		nginx, ours := want.Get(target), got.Get(target)
		if strings.HasSuffix(nginx, "\r\n0\r\n\r\n") != strings.HasSuffix(ours, "\r\n0\r\n\r\n") {
			t.Errorf("%s: nginx %q, baton %q", target, nginx, ours)
		}
	}
}

// A client that goes away in the middle leaves no coroutine behind.
func TestClientGone(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site(t))
	for range 20 {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(httptest.Request("GET", "/zeros.txt"))); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(30 * time.Second); decoders() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d coroutines are left", decoders())
		}
	}
}

// decoders counts the coroutines of this package.
func decoders() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "gunzip.(*decoder).run")
}
