package proxy_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
)

// temporary are the files in proxy_temp.
func temporary(t *testing.T, s *httptest.Server) (files []string) {
	t.Helper()
	_ = filepath.WalkDir(filepath.Join(s.Dir, "proxy_temp"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	return files
}

// Whole answers of status 200 become files, with the time that the upstream says.
func TestStore(t *testing.T) {
	const date = "Last-Modified: Mon, 28 Sep 1970 06:00:00 GMT\r\n"
	b := serve(t, func(w net.Conn, request string) bool {
		answer := "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello"
		switch {
		case strings.HasPrefix(request, "HEAD"):
			answer = strings.TrimSuffix(answer, "hello")
		case strings.Contains(request, "/short"):
			answer = strings.TrimSuffix(answer, "lo")
		case strings.Contains(request, "/404"):
			answer = strings.Replace(answer, "200 OK", "404 Not Found", 1)
		case strings.Contains(request, "/empty"):
			answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		case strings.Contains(request, "/chunked"):
			answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
		case strings.Contains(request, "/large"):
			answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000000)
		}
		_, err := io.WriteString(w, answer)
		return err == nil && !strings.Contains(request, "/short")
	})
	s := start(t, `server { listen {{addr}};
		location /on/ { root {{dir}}/html; proxy_store on; proxy_pass http://{{b0}}; }
		location /path/ { proxy_store {{dir}}/html/$arg_to; proxy_store_access group:rw all:r; proxy_pass http://{{b0}}; }
		location /unbuffered/ { root {{dir}}/html; proxy_buffering off; proxy_store on; proxy_pass http://{{b0}}; }
		location /off/ { root {{dir}}/html; proxy_pass http://{{b0}}; }
		location /nowhere/ { proxy_store $arg_to; proxy_pass http://{{b0}}; }
	}`, b)
	for _, c := range []struct {
		method, target, name string
		want                 string // in the file; "-": there is none
		mode                 os.FileMode
	}{
		{"GET", "/on/a/b.txt", "on/a/b.txt", "hello", 0o600},
		{"GET", "/on/empty", "on/empty", "", 0o600},
		{"GET", "/on/chunked", "on/chunked", "hello", 0o600},
		{"GET", "/on/large", "on/large", strings.Repeat("x", 1000000), 0o600},
		{"GET", "/path/x?to=deep/er/y", "deep/er/y", "hello", 0o664},
		{"HEAD", "/on/head", "on/head", "-", 0},
		{"GET", "/on/404", "on/404", "-", 0},
		{"GET", "/on/short", "on/short", "-", 0},
		{"GET", "/unbuffered/x", "unbuffered/x", "-", 0},
		{"GET", "/off/x", "off/x", "-", 0},
		{"GET", "/nowhere/x", "nowhere/x", "-", 0},
	} {
		answer := s.Raw(httptest.Request(c.method, c.target))
		if c.want != "-" && !strings.Contains(httptest.Body(answer), c.want) {
			t.Errorf("%s: %.100q", c.target, answer)
		}
		name := filepath.Join(s.Dir, "html", c.name)
		if c.want == "-" {
			if _, err := os.Stat(name); err == nil {
				t.Errorf("%s %s was stored", c.method, c.target)
			}
			continue
		}
		eventually(t, c.name, func() bool { _, err := os.Stat(name); return err == nil })
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		content, _ := os.ReadFile(name)
		if string(content) != c.want || st.Mode() != c.mode {
			t.Errorf("%s: %.20q, %v", c.target, content, st.Mode())
		}
		if strings.HasSuffix(c.name, "b.txt") && !st.ModTime().Equal(time.Unix(23349600, 0)) {
			t.Errorf("%s is of %v", c.target, st.ModTime())
		}
	}
	eventually(t, "end of temporary files", func() bool { return len(temporary(t, s)) == 0 })
}

// A client that goes away does not keep the answer from being stored.
func TestStoreWithoutTheClient(t *testing.T) {
	gone := make(chan struct{})
	b := serve(t, func(w net.Conn, _ string) bool {
		_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		<-gone
		_, err := io.WriteString(w, "hello")
		return err == nil
	})
	s := start(t, `server { listen {{addr}}; root {{dir}}/html; location / { proxy_store on; proxy_pass http://{{b0}}; } }`, b)
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, httptest.Request("GET", "/x")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a temporary file", func() bool { return len(temporary(t, s)) == 1 })
	_ = c.Close()
	close(gone)
	eventually(t, "the file", func() bool { return s.ReadFile("html/x") == "hellohello" })
}

func TestStoreIsRefused(t *testing.T) {
	for _, text := range []string{
		`proxy_store on; proxy_store on;`,
		`proxy_cache_path {{dir}}/c keys_zone=z:1m; server { location / { proxy_store on; proxy_cache z; } }`,
		`proxy_cache_path {{dir}}/c keys_zone=z:1m; server { location / { proxy_cache z; proxy_store on; } }`,
		`proxy_store_access user:rw group:x;`,
		`proxy_store_access us:rw;`,
		`proxy_store_access all:r; proxy_store_access all:r;`,
	} {
		httptest.CompareRejected(t, features(), httptest.Site{HTTP: text})
	}
	if got := httptest.Rejected(t, features(), httptest.Site{HTTP: `proxy_store "";`}); got != "empty path" {
		t.Error(got)
	}
}
