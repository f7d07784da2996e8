package slice_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

const digits = "0123456789abcdef"

func site(t *testing.T) httptest.Site {
	t.Helper()
	return httptest.Site{
		HTTP: `
			proxy_cache_path {{dir}}/cache keys_zone=c:1m use_temp_path=off;
			map $http_range $range { ~bytes=(.+) $1; }
			log_format plain "$request $status $upstream_http_content_range"; access_log {{dir}}/access.log plain;
			server {
				listen {{addr}};
				root {{dir}}/html;
				proxy_http_version 1.1; proxy_set_header Range $slice_range;
				location /from/ { alias {{dir}}/html/; access_log off; }
				location /sliced/ { slice 3; proxy_pass http://{{addr}}/from/; }
				location /large/ { slice 1k; proxy_pass http://{{addr}}/from/; }
				location /off/ { slice 0; proxy_set_header X-Range "[$slice_range]"; proxy_pass http://{{addr}}/from/; }
				location /gzip/ { slice 3; gzip on; gzip_min_length 0; gzip_types *; proxy_pass http://{{addr}}/from/; }
				location /sub/ { slice 3; sub_filter_types *; sub_filter_once off; sub_filter 2 TWO; sub_filter 23 no; proxy_pass http://{{addr}}/from/; }
				location /more/ { slice 3; addition_types *; add_before_body /from/a; add_after_body /from/b; proxy_pass http://{{addr}}/from/; }
				location /cached/ {
					slice 4; proxy_cache c; proxy_cache_key "$uri$slice_range"; proxy_cache_valid 200 206 1h;
					proxy_pass http://{{addr}}/from/; add_header X-Cache $upstream_cache_status;
				}
				location /page/ { slice 3; error_page 404 = @page; proxy_intercept_errors on; proxy_pass http://{{addr}}/from/; }
				location @page { rewrite ^ /from/f break; slice 5; proxy_pass http://{{addr}}; }

				location /bad/ { slice 2; proxy_pass http://{{addr}}/wrong/; }
				location /wrong/status { add_header Content-Range "bytes 0-1/100"; if ($http_range = "bytes=2-3") { return 200; } return 206 fo; }
				location /wrong/tag { add_header Content-Range "bytes $range/100"; add_header ETag $http_range; return 206 fo; }
				location /wrong/none { return 206 fo; }
				location /wrong/unit { add_header Content-Range "bytes"; return 206 fo; }
				location /wrong/length { add_header Content-Range "bytes 0-1/*"; return 206 fo; }
				location /wrong/longer { add_header Content-Range "bytes 0-2/100"; return 206 foo; }
				location /wrong/later { add_header Content-Range "bytes 1-2/100"; return 206 fo; }
			}`,
		Files: map[string]string{"html/f": digits, "html/a": "before", "html/b": "after", "html/none": "", "cache/": "",
			"html/big": strings.Repeat(digits, 640)},
	}
}

func TestAsNginx(t *testing.T) {
	tag := `"695735a5-10"`
	var cases []httptest.Case
	add := func(target string, header ...string) {
		cases = append(cases, httptest.Case{Name: target + " " + strings.Join(header, " "), Request: httptest.Request("GET", target, header...)})
	}
	for _, place := range []string{"/sliced/f", "/cached/f", "/gzip/f", "/page/nothing", "/off/f"} {
		add(place)
		for _, value := range []string{"0-0", "1-1", "2-3", "2-4", "3-4", "5-5", "4-13", "8-", "-5", "-100", "15-15", "16-", "3-1", "1-2,4-5", " 4-5"} {
			add(place, "Range: bytes="+value)
		}
		add(place, "If-None-Match: "+tag)
		add(place, `If-Match: "other"`)
		add(place, "Range: bytes=7-8", "If-Range: "+tag)
		add(place, "Range: bytes=7-8", `If-Range: "other"`)
		cases = append(cases, httptest.Case{Name: "HEAD " + place, Request: httptest.Request("HEAD", place)})
	}
	for _, target := range []string{"/sliced/none", "/sliced/nothing", "/large/f", "/large/big"} {
		add(target)
		add(target, "Range: bytes=3-9")
	}
	add("/sub/f")
	add("/large/big", "Range: bytes=2000-5000")
	add("/large/big", "Range: bytes=-1")
	add("/gzip/f", "Accept-Encoding: gzip")
	for _, kind := range []string{"status", "tag", "none", "unit", "length"} {
		add("/bad/" + kind)
	}
	httptest.CompareProxied(t, modules.HTTP(), site(t), cases)
}

// What stands before and behind an answer surrounds all of its slices (nginx 1.22 hangs
// there), and a slice that was not asked for ends the connection (it logs less).
func TestBeyondNginx(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site(t))
	if got := httptest.Unpacked(t, s.Get("/more/f")); httptest.Body(got) != "before"+digits+"after" {
		t.Errorf("%q", got)
	}
	for kind, want := range map[string]string{"longer": "0-3, expected: 0-2", "later": "1-3, expected: 0-3"} {
		if got := s.Get("/bad/" + kind); got != "" {
			t.Errorf("%s: %q", kind, got)
		}
		if !strings.Contains(s.ReadFile("error.log"), "unexpected range in slice response: "+want) {
			t.Errorf("%s is not logged", kind)
		}
	}
}

// Each slice is a file of the cache, and a second request needs none of the upstream.
func TestSlicesInCache(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site(t))
	files := func() int {
		names, err := filepath.Glob(filepath.Join(s.Dir, "cache", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	for i, want := range []struct {
		header, body, state string
		files               int
	}{
		{"Range: bytes=9-10", "9a", "MISS", 1},
		{"Range: bytes=8-8", "8", "HIT", 1},
		{"Range: bytes=6-9", "6789", "MISS", 2},
		{"X: y", digits, "MISS", 4},
		{"X: y", digits, "HIT", 4},
	} {
		answer := s.Get("/cached/f", want.header)
		if got := httptest.Body(answer); got != want.body || httptest.Header(answer, "X-Cache") != want.state || files() != want.files {
			t.Errorf("%d: %q, %d files, want %v", i, answer, files(), want)
		}
	}
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{"slice;", "slice x;", "slice -1;", "slice 1 2;", "slice 1; slice 2;", fmt.Sprintf("slice %d0;", uint64(1)<<63)} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
