package diff_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/baton-project/baton/e2e"
)

// A brokenCase is a whole configuration that is refused, or looks as if it should be.
type brokenCase struct {
	name string
	conf string
	// differs is empty where baton says what Debian's nginx says; otherwise
	// the sentence of 1.31 and why it is another.
	differs, reason string
}

func TestSameComplaints(t *testing.T) {
	reference := e2e.Nginx(t)
	for _, c := range slices.Concat(broken, tolerated) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := e2e.New(t, c.conf)
			want := complaint(b, reference)
			if c.differs != "" {
				if c.reason == "" || want == c.differs {
					t.Errorf("nothing differs from the reference any more")
				}
				want = c.differs
			}
			if got := complaint(b, b.Binary); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", b.Read("nginx.conf"), got, want)
			}
		})
	}
}

var programName = regexp.MustCompile(`(?m)^(?:nginx|baton): `)

// complaint is what -t prints, with exit code, without the program's name and
// folder. Warnings are not compared.
func complaint(b *e2e.Server, binary string) string {
	r := b.RunAs(binary, "-p", b.Dir, "-c", "nginx.conf", "-e", "error.log", "-t")
	text := programName.ReplaceAllString(r.Errors, "")
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "[warn]") {
			lines = append(lines, strings.TrimSpace(strings.ReplaceAll(line, b.Dir, "DIR")))
		}
	}
	return strings.Join(lines, " | ")
}

// inServer and inHTTP are configurations whose second line is given.
func inServer(line string) string {
	return "http { server { listen {{web}};\n" + line + "\n} }"
}

func inHTTP(line string) string { return "http {\n" + line + "\n}" }

var broken = []brokenCase{
	// Grammar.
	{"unknown directive", inHTTP("foo bar;"), "", ""},
	{"unknown directive in main", "foo;", "", ""},
	{"unknown block", "foo { }", "", ""},
	{"no semicolon", inServer(`return 200 "x"`), "", ""},
	{"no semicolon before a block's end", "events { worker_connections 10 }\nhttp { }", "", ""},
	{"block not closed", "http { server { listen {{web}};", "", ""},
	{"one brace too many", "http { }\n}", "", ""},
	{"semicolon for nothing", "http { }\n;", "", ""},
	{"quote not closed", inServer(`return 200 "x;`), "", ""},
	{"text after a quote", inServer(`return 200 "x"y;`), "", ""},
	{"block without a brace", "http\n;", "", ""},
	{"brace for a plain directive", inServer(`root { }`), "", ""},
	{"variable brace not closed", inServer(`return 200 "${uri";`), "", ""},
	{"variable without a name", inServer(`return 200 "a$";`), "", ""},
	{"unknown variable", inServer(`return 200 "$no_such_variable";`),
		`[emerg] unknown "no_such_variable" variable in DIR/nginx.conf:2 | configuration file DIR/nginx.conf test failed`, namesPlace},
	{"unknown variable where nothing uses it", inServer(`proxy_set_body "$no_such_variable";`),
		`[emerg] unknown "no_such_variable" variable in DIR/nginx.conf:2 | configuration file DIR/nginx.conf test failed`, namesPlace},
	{"comment hides the semicolon", inServer("root /x # ;"), "", ""},
	{"empty file name", "include ;\nhttp { }", "", ""},
	{"events twice", "events { }\nevents { }", "", ""},
	{"http twice", "http { }\nhttp { }", "", ""},
	{"no events", "worker_processes 1; # events { \nhttp { }", "", ""},

	// Contexts and numbers of arguments.
	{"server in main", "server { }", "", ""},
	{"location in http", inHTTP("location / { }"), "", ""},
	{"worker_processes in http", inHTTP("worker_processes 2;"), "", ""},
	{"listen in http", inHTTP("listen 80;"), "", ""},
	{"listen in a location", inServer("location / { listen 80; }"), "", ""},
	{"worker_connections in main", "worker_connections 10;", "", ""},
	{"try_files in http", inHTTP("try_files a b;"), "", ""},
	{"alias in a server", inServer("alias /x;"), "", ""},
	{"root without argument", inServer("root;"), "", ""},
	{"root with two arguments", inServer("root a b;"), "", ""},
	{"return without argument", inServer("return;"), "", ""},
	{"return with three arguments", inServer("return 200 a b;"), "", ""},
	{"index without argument", inServer("index;"), "", ""},
	{"try_files with one argument", inServer("try_files a;"), "", ""},
	{"error_page with one argument", inServer("error_page 404;"), "", ""},
	{"location without argument", inServer("location { }"), "", ""},
	{"server with an argument", inHTTP("server x { }"), "", ""},
	{"listen without argument", inServer("listen;"), "", ""},
	{"user with three arguments", "user a b c;", "", ""},

	// Said twice.
	{"root twice", inServer("root a; root b;"), "", ""},
	{"alias after root", inServer("location / { root a; alias b; }"), "", ""},
	{"root after alias", inServer("location / { alias b; root a; }"), "", ""},
	{"worker_processes twice", "worker_processes 1; worker_processes 2;", "", ""},
	{"pid twice", "pid a; pid b;", "", ""},
	{"daemon twice", "daemon off; daemon off;", "", ""},
	{"user twice", "user root; user root;", "", ""},
	{"worker_connections twice", "events { worker_connections 1; worker_connections 2; }", "", ""},
	{"sendfile twice", inServer("sendfile on; sendfile on;"), "", ""},
	{"keepalive_timeout twice", inServer("keepalive_timeout 1; keepalive_timeout 2;"), "", ""},
	{"default_type twice", inServer("default_type a; default_type b;"), "", ""},
	{"same location twice", inServer("location /a { } location /a { }"), "", ""},
	{"same exact location twice", inServer("location = /a { } location = /a { }"), "", ""},
	{"same listen twice in a server", inServer("listen {{web}};"), "", ""},
	{"two default servers", inHTTP("server { listen {{web}} default_server; } server { listen {{web}} default_server; }"), "", ""},
	{"different options of one listen", inHTTP("server { listen {{web}} backlog=5; } server { listen {{web}} backlog=6; }"), "", ""},

	// Values.
	{"daemon maybe", "daemon maybe;", "", ""},
	{"sendfile yes", inServer("sendfile yes;"), "", ""},
	{"worker_processes x", "worker_processes x;", "", ""},
	{"worker_connections x", "events { worker_connections x; }", "", ""},
	{"worker_priority x", "worker_priority x;", "", ""},
	{"worker_rlimit_nofile x", "worker_rlimit_nofile x;", "", ""},
	{"worker_shutdown_timeout x", "worker_shutdown_timeout x;", "", ""},
	{"worker_cpu_affinity x", "worker_cpu_affinity 2;", "", ""},
	{"use of nothing", "events { use nothing; }", "", ""},
	{"unknown user", "user no-such-user;", "", ""},
	{"unknown group", "user root no-such-group;", "", ""},
	{"error_log level", "error_log error.log loud;", "", ""},
	{"error_log without argument", "error_log;", "", ""},
	{"error_log in a missing folder", "error_log missing/error.log;", "", ""},
	{"access_log of an unknown format", inServer("access_log access.log nothing;"), "", ""},
	{"access_log in a missing folder", inServer("access_log missing/access.log;"), "", ""},
	{"log_format without a format", inHTTP("log_format main;"), "", ""},
	{"log_format twice", inHTTP("log_format main a; log_format main b;"), "", ""},
	{"log_format with an unknown variable", inHTTP("log_format main $nonsense; access_log a.log main;"),
		`[emerg] unknown "nonsense" variable in DIR/nginx.conf:2 | configuration file DIR/nginx.conf test failed`, namesPlace},
	{"keepalive_timeout x", inServer("keepalive_timeout x;"), "", ""},
	{"keepalive_timeout with a wrong header", inServer("keepalive_timeout 1 x;"), "", ""},
	{"keepalive_requests x", inServer("keepalive_requests x;"), "", ""},
	{"send_timeout 1x", inServer("send_timeout 1x;"), "", ""},
	{"client_header_timeout -1", inServer("client_header_timeout -1;"), "", ""},
	{"client_header_buffer_size 1g", inServer("client_header_buffer_size 1g;"), "", ""},
	{"large_client_header_buffers 0", inServer("large_client_header_buffers 0 1k;"), "", ""},
	{"return of no status", inServer("return x;"), "", ""},
	{"return of 1000", inServer("return 1000;"), "", ""},
	{"return of a negative status", inServer("return -1 x;"), "", ""},
	{"error_page of no status", inServer("error_page x /y;"), "", ""},
	{"error_page of 200", inServer("error_page 200 /y;"), "", ""},
	{"error_page of 499", inServer("error_page 499 /y;"), "", ""},
	{"error_page with a wrong answer", inServer("error_page 404 =x /y;"), "", ""},
	{"try_files with a wrong status", inServer("try_files a =x;"), "", ""},
	{"listen on a wrong port", inServer("listen 127.0.0.1:x;"), "", ""},
	{"listen on port 0", inServer("listen 127.0.0.1:0;"), "", ""},
	{"listen on port 70000", inServer("listen 127.0.0.1:70000;"), "", ""},
	{"listen on a wrong option", inServer("listen 127.0.0.1:8000 nonsense;"), "", ""},
	{"listen with a wrong backlog", inServer("listen 127.0.0.1:8000 backlog=x;"), "", ""},
	{"listen with a wrong rcvbuf", inServer("listen 127.0.0.1:8000 rcvbuf=x;"), "", ""},
	{"listen with a wrong ipv6only", inServer("listen [::1]:8000 ipv6only=x;"), "", ""},
	{"listen with a wrong so_keepalive", inServer("listen 127.0.0.1:8000 so_keepalive=x;"), "", ""},
	{"listen on an empty unix path", inServer("listen unix:;"), "", ""},
	{"listen on a unix path too long", inServer("listen unix:/" + strings.Repeat("x", 120) + ";"), "", ""},
	{"listen on broken IPv6", inServer("listen [::1:8000;"), "", ""},
	{"wrong server name", inServer(`server_name "";` + "\nserver_name ~;"), "", ""},
	{"nested location outside", inServer("location /a { location /b { } }"), "", ""},
	{"nested in exact location", inServer("location = /a { location /a/b { } }"), "", ""},
	{"nested named location", inServer("location /a { location @b { } }"), "", ""},
	{"wrong location modifier", inServer("location ! /a { }"), "", ""},
	{"location with three arguments", inServer("location = /a b { }"), "", ""},
	{"env without argument", "env;", "", ""},
	{"buffers that are too small", inServer("\nproxy_busy_buffers_size 1k;"), "", ""},
	{"buffers that are too few", inServer("location / {\nfastcgi_buffers 1 4k;\n}\nlocation /a { }"), "", ""},
	{"own address that is none", inServer("proxy_bind on off;"), "", ""},
	{"own address with a wrong word", inServer("proxy_bind 127.0.0.1 opaque;"), "", ""},
	{"cache that nobody declares", inServer("location / {\nproxy_cache x;\n}"), "", ""},
	{"certificate without a key, and without TLS", inServer("ssl_certificate a.crt;"),
		`[emerg] no "ssl_certificate_key" is defined for certificate "a.crt" in DIR/nginx.conf:2 | configuration file DIR/nginx.conf test failed`, namesPlace},
	{"temporary files that are too small", inHTTP("server { }\nserver { uwsgi_max_temp_file_size 1k;\n}\n"), "", ""},

	// Files.
	{"include of a missing file", "include missing.conf;\nhttp { }", "", ""},
	{"broken include", "include nginx.pid/x;\nhttp { }", "", ""},
	{"include without argument", "include;", "", ""},
	{"include of nothing", "include \"\";\nevents { }",
		`[emerg] pread() "DIR/" failed (21: Is a directory) in DIR/nginx.conf:1 | configuration file DIR/nginx.conf test failed`, namesPlace},
}

const namesPlace = "nginx does not say where"

// tolerated are mistakes that nginx lets pass.
var tolerated = []brokenCase{
	{"two named locations", inServer("location @a { } location @a { }"),
		`[emerg] duplicate location "@a" in DIR/nginx.conf:2 | configuration file DIR/nginx.conf test failed`,
		"nginx never uses the second one and does not say so"},
	{"unknown type block directive", inHTTP("types { text/html; }"), "", ""},
	{"listen with ipv6only on IPv4", inServer("listen 127.0.0.1:8000 ipv6only=on;"), "", ""},
	{"index with a slash", inServer("index /;"), "", ""},
	{"error log without a name, which is stderr", "error_log \"\";\nevents { }", "", ""},
	{"access log without a name, which is stderr", inHTTP("access_log \"\";"), "", ""},
	{"worker_processes 0", "worker_processes 0;",
		`[emerg] "worker_processes" directive invalid value in DIR/nginx.conf:1 | configuration file DIR/nginx.conf test failed`,
		"nginx starts and serves nobody"},
}
