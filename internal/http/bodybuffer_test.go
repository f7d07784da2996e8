package http_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/httptest"
)

// standInConf is proxy_pass as far as the body goes: it is read, and 204 is what
// the upstream says.
type standInConf struct{ to conf.Setting[string] }

func withStandIn() []http.Module {
	proxy := http.Feature[standInConf]{
		Name: "proxy", Doc: "Reads bodies, for tests.",
		Directives: conf.Table[standInConf]{{Name: "proxy_pass", In: conf.Location, Args: conf.Take1,
			Set: conf.Str(func(c *standInConf) *conf.Setting[string] { return &c.to })}},
		Install: func(c *standInConf, b *http.Builder) error {
			if conf.Own[standInConf](b.Level()) != c {
				return nil
			}
			b.BuffersBody()
			b.Content(func(r *http.Request) http.Result {
				body, rc := r.BufferBody()
				if rc != http.Declined {
					return rc
				}
				if text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size)); err != nil || int64(len(text)) != body.Size {
					return 500
				}
				r.Out.Status = 204
				_ = r.SendHeader()
				return http.Done
			})
			return nil
		},
	}
	return append(features(), proxy)
}

func post(target, body string, lines ...string) string {
	return httptest.Request("POST", target, append(lines, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

func chunked(target string, chunks ...string) string {
	text := httptest.Request("POST", target, "Transfer-Encoding: chunked")
	for _, c := range chunks {
		text += fmt.Sprintf("%x\r\n%s\r\n", len(c), c)
	}
	return text + "0\r\n\r\n"
}

// Bodies are kept where nginx keeps them, and files have its names.
func TestBufferedBodiesAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			log_format body '$status $uri [$request_body] $request_body_file';
			access_log {{dir}}/access.log body;
			server {
				listen {{addr}};
				client_body_temp_path {{dir}}/bodies 1 2;
				client_body_buffer_size 1000;
				location /up { access_log off; return 204; }
				location / { proxy_pass http://{{addr}}/up; }
				location /on { client_body_in_file_only on; proxy_pass http://{{addr}}/up; }
				location /clean { client_body_in_file_only clean; client_body_temp_path {{dir}}/clean; proxy_pass http://{{addr}}/up; }
				location /single { client_body_in_single_buffer on; proxy_pass http://{{addr}}/up; }
				location /small { client_max_body_size 100; proxy_pass http://{{addr}}/up; }
			}`,
		Files: map[string]string{"bodies/": "", "clean/": ""},
		Prepare: func(t testing.TB, dir string) {
			for _, name := range []string{"bodies", "clean"} {
				if err := os.Chmod(filepath.Join(dir, name), 0o777); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	large := strings.Repeat("0123456789", 1000)
	cases := []httptest.Case{
		{Request: httptest.Request("GET", "/none")},
		{Request: httptest.Request("GET", "/on/none")},
		{Request: post("/memory", "a=b")},
		{Request: post("/single", "a=b\"\\")},
		{Request: post("/zero", "")},
		{Request: post("/on/1", "kept")},
		{Request: post("/on/2", large)},
		{Request: post("/clean", "gone")},
		{Request: chunked("/chunked", "a=", "b")},
		{Request: chunked("/on/chunked", "abc", large)},
		{Request: post("/small", large)},
		{Request: chunked("/small", "short")},
		{Request: chunked("/bad") + "x"},
		{Request: httptest.Request("POST", "/bad", "Transfer-Encoding: chunked") + "x\r\n"},
		{Request: post("/expect", "a=b", "Expect: 100-continue")},
	}
	httptest.Compare(t, withStandIn(), site, cases)
}

// A body too large for memory has a file without a name, and no descriptor is
// left of it.
func TestLargeBodiesGoToFiles(t *testing.T) {
	s := httptest.Start(t, withStandIn(), httptest.Site{
		HTTP: `
			client_body_temp_path {{dir}}/bodies;
			client_body_buffer_size 1000;
			client_max_body_size 1m;
			client_body_timeout 100ms;
			log_format body '$status $request_length [$request_body] $request_body_file';
			access_log {{dir}}/access.log body;
			server { listen {{addr}}; location / { proxy_pass x; } }`,
		Files: map[string]string{"bodies/": ""},
	})
	before := descriptorsIn(t, s.Dir)
	for _, body := range []string{strings.Repeat("a", 1001+250), strings.Repeat("b", 500_000)} {
		for _, request := range []string{post("/", body), chunked("/", body[:1000], body[1000:])} {
			if got := s.Raw(request); httptest.Status(got) != 204 {
				t.Errorf("%d bytes: %q", len(body), got)
			}
		}
	}
	if got := httptest.Status(s.Raw(chunked("/", strings.Repeat("x", 1000), strings.Repeat("x", 1<<20)))); got != 413 {
		t.Errorf("too large: %d", got)
	}
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 2000))
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if got, err := io.ReadAll(conn); len(got) != 0 || err != nil {
		t.Errorf("too slow: %q, %v", got, err)
	}
	if got := strings.Count(s.ReadFile("access.log"), "204 "); got != 4 || !strings.Contains(s.ReadFile("access.log"), "408 ") {
		t.Errorf("access.log\n%s", s.ReadFile("access.log"))
	}
	if got := strings.Count(s.ReadFile("error.log"), "[warn]"); got != 6 {
		t.Errorf("%d warnings\n%s", got, s.ReadFile("error.log"))
	}
	if left, err := os.ReadDir(filepath.Join(s.Dir, "bodies")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if after := descriptorsIn(t, s.Dir); after != before {
		t.Errorf("descriptors: %d, before %d", after, before)
	}
}

// descriptorsIn counts the files below dir that are open, deleted ones too.
func descriptorsIn(t *testing.T, dir string) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, dir) {
			n++
		}
	}
	return n
}

func TestNoRoomForBodies(t *testing.T) {
	s := httptest.Start(t, withStandIn(), httptest.Site{HTTP: `
		client_body_temp_path {{dir}}/nowhere 2;
		server { listen {{addr}}; location / { client_body_in_file_only on; proxy_pass x; } }`})
	if got := httptest.Status(s.Raw(post("/", "a"))); got != 500 {
		t.Errorf("status %d", got)
	}
	if want := `/nowhere/01/0000000001" failed (2: No such file or directory), client: `; !strings.Contains(s.ReadFile("error.log"), want) {
		t.Errorf("%s\nlacks %s", s.ReadFile("error.log"), want)
	}
}
