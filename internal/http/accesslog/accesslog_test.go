package accesslog_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			log_format main '$remote_addr "$request" $status $body_bytes_sent $bytes_sent $request_length $pipe "$http_x_a" "$sent_http_x_b" $arg_q';
			log_format json escape=json '{"q":"$arg_q","uri":"$uri","a":"$http_x_a"}';
			log_format none escape=none '$uri|$arg_q|$http_x_a';
			log_format braces '${uri}x' "y$host";
			access_log {{dir}}/access.log main;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /combined { access_log {{dir}}/access.log combined; return 200 ok; }
				location /default { access_log {{dir}}/access.log; return 200 ok; }
				location /json { access_log {{dir}}/access.log JSON; return 200 ok; }
				location /none { access_log {{dir}}/access.log none; return 200 ok; }
				location /braces { access_log {{dir}}/access.log braces; return 200 ok; }
				location /off { access_log off; return 200 ok; }
				location /both { access_log {{dir}}/access.log none; access_log off; return 200 ok; }
				location /two { access_log {{dir}}/access.log none; access_log {{dir}}/access.log braces; return 200 ok; }
				location /if { access_log {{dir}}/access.log none if=$arg_log; return 200 ok; }
				location /b { add_header X-B b; return 200 ok; }
				location /iflog { if ($arg_x) { access_log off; } root {{dir}}/html; }
				location /redirect/ { index i; }
			}`,
		Files: map[string]string{"html/a.txt": "0123456789", "html/redirect/i": "i"},
	}
	cases := httptest.Gets("/a.txt", "/nope", "/a.txt?q=%22x%22", `/a.txt?q="x"\y`, "/combined", "/default", "/json?q=1", "/none", "/braces", "/off", "/both", "/two",
		"/if", "/if?log=0", "/if?log=1", "/if?log=no", "/b", "/iflog", "/iflog?x=1", "/redirect/")
	for _, target := range []string{"/json", "/none", "/a.txt", "/combined"} {
		cases = append(cases, httptest.Case{
			Name:    target + " bytes",
			Request: httptest.Request("GET", target, "X-A: a\"b\\c\x01\t\xc3\xa9", "User-Agent: agent \"7\"", "Referer: http://x/\\", "Authorization: Basic dXNlcjpwYXNz"),
		})
	}
	cases = append(cases,
		httptest.Case{Name: "pipelined", Request: "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n" + httptest.Request("GET", "/b")},
		httptest.Case{Name: "bad request", Request: "GET /bad request HTTP/1.1\r\n\r\n"},
		httptest.Case{Name: "not HTTP", Request: "\x16\x03\x01\r\n\r\n"},
		httptest.Case{Request: httptest.Request("HEAD", "/a.txt")},
		httptest.Case{Name: "range", Request: httptest.Request("GET", "/a.txt", "Range: bytes=0-3")},
	)
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`access_log {{dir}}/a nowhere;`, `access_log off x;`, `access_log {{dir}}/a combined x;`, `access_log;`,
		`log_format a;`, `log_format a x; log_format a y;`, `log_format combined x;`, `log_format a $nowhere; access_log {{dir}}/a a;`,
		`log_format a "$"; `, `log_format a "x$-y";`, `log_format a "${x";`, `log_format a escape=x y;`,
		`access_log {{dir}}/a combined if=$nowhere;`, `access_log {{dir}}/nowhere/a;`, `access_log syslog:;`, `access_log syslog:server=127.0.0.1,x=y;`,
		`access_log {{dir}}/a combined buffer=0;`, `access_log {{dir}}/a combined buffer=x;`, `access_log {{dir}}/a combined buffer;`,
		`access_log {{dir}}/a combined buffer=1k flush=0;`, `access_log {{dir}}/a combined flush=1s;`, `access_log {{dir}}/a combined flush=x;`,
		`access_log {{dir}}/a combined gzip=0;`, `access_log {{dir}}/a combined gzip=10;`, `access_log {{dir}}/a combined gzip=;`, `access_log {{dir}}/a combined gzipped;`,
		`access_log {{dir}}/$host combined gzip;`, `access_log {{dir}}/$host combined flush=1s;`, `access_log syslog:server=127.0.0.1 combined buffer=1k;`,
		`access_log {{dir}}/a combined buffer=1k; access_log {{dir}}/a combined buffer=2k;`, `access_log {{dir}}/a combined gzip buffer=1k; access_log {{dir}}/a combined buffer=1k gzip=1;`,
		`access_log {{dir}}/a combined gzip=1 buffer=64k; access_log {{dir}}/a combined gzip;`,
		`access_log {{dir}}/$;`, `access_log {{dir}}/${x;`, `access_log {{dir}}/$nowhere;`,
		`open_log_file_cache;`, `open_log_file_cache x;`, `open_log_file_cache max=x;`, `open_log_file_cache max=0;`, `open_log_file_cache inactive=1;`,
		`open_log_file_cache max=1 inactive=x;`, `open_log_file_cache max=1 min_uses=x;`, `open_log_file_cache max=1 valid=;`, `open_log_file_cache off max=0;`,
		`open_log_file_cache off; open_log_file_cache max=1;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text + ` server { listen {{addr}}; }`})
	}
	httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; log_format a b; }`})
}

func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	server, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `
		log_format short '$status $uri';
		server { listen {{addr}}; access_log syslog:server=unix:` + path + `,tag=web,nohostname short; return 204; }`})
	s.Get("/logged")
	buffer := make([]byte, 1024)
	_ = server.SetReadDeadline(time.Now().Add(30 * time.Second))
	n, err := server.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	if line := string(buffer[:n]); !strings.HasPrefix(line, "<190>") || !strings.HasSuffix(line, " web: 204 /logged") {
		t.Errorf("%q", line)
	}
}
