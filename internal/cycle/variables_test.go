package cycle_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/cycle"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/modules"
)

// withVariables are all directives that take variables, each where nothing else
// makes use of it, with a variable $nope that nobody has declared. A line with a
// block has the place of its last line.
var withVariables = map[string][]string{
	"http": {
		"root $nope;", "disable_symlinks on from=$nope;", "error_page 404 /$nope;", "error_page 404 = $nope;",
		"limit_rate $nope;", "limit_rate_after $nope;", "client_body_early_read $nope;", "early_hints 1 $nope;",
		"auth_basic a$nope;", "auth_basic_user_file $nope;", "auth_request_set $x $nope;",
		"charset $nope;", "source_charset $nope;", "secure_link $nope;", "secure_link_md5 a$nope;",
		"sub_filter $nope b;", "sub_filter b $nope;", "add_header a $nope;", "add_trailer a $nope;",
		"expires $nope;", "expires modified $nope;", "index $nope.html;",
		"access_log $nope;", "access_log a.log combined if=$nope;", "log_format x $nope;", "log_format x escape=json ${nope}a;", "log_format x ${1};",
		"limit_req_zone $nope zone=a:32k rate=1r/s;", "limit_conn_zone $nope zone=a:32k;",
		"map $nope $x { }", "map $uri $x { a $nope; }", "geo $nope $x { }", "split_clients $nope $x { * a; }",

		"proxy_set_header a $nope;", "proxy_method $nope;", "proxy_set_body $nope;", "proxy_bind $nope;", "proxy_bind $nope transparent;",
		"proxy_store /$nope;", "proxy_cache $nope;", "proxy_cache_key $nope;", "proxy_cache_bypass 0 $nope;", "proxy_no_cache $nope;",
		"proxy_limit_rate $nope;", "proxy_redirect $nope /;", "proxy_redirect / $nope;", "proxy_redirect ~x $nope;",
		"proxy_cookie_domain $nope a;", "proxy_cookie_domain a $nope;", "proxy_cookie_path a $nope;", "proxy_cookie_path $nope a;",
		"proxy_cookie_flags $nope secure;", "proxy_cookie_flags a $nope;", "proxy_ssl_name $nope;", "uwsgi_ssl_name $nope;",
		"proxy_ssl_certificate $nope;", "proxy_ssl_certificate_key $nope;", "uwsgi_ssl_certificate $nope;", "uwsgi_ssl_certificate_key $nope;",
		"ssl_certificate $nope; ssl_certificate_key a;", "ssl_certificate a; ssl_certificate_key $nope;", "ssl_certificate_key $nope;",
		"fastcgi_param a $nope;", "scgi_param a $nope;", "uwsgi_param a $nope;", "fastcgi_bind $nope;", "scgi_bind $nope;", "uwsgi_bind $nope;",
		"memcached_bind $nope;", "tunnel_bind $nope;", "grpc_bind $nope;", "grpc_set_header a $nope;",
		"grpc_ssl_name $nope;", "grpc_ssl_certificate $nope;", "grpc_ssl_certificate_key $nope;", "fastcgi_cache $nope;", "scgi_cache $nope;", "uwsgi_cache $nope;",
		"fastcgi_cache_key $nope;", "scgi_cache_key $nope;", "uwsgi_cache_key $nope;",
		"fastcgi_cache_bypass $nope;", "scgi_cache_bypass $nope;", "uwsgi_cache_bypass $nope;",
		"fastcgi_no_cache $nope;", "scgi_no_cache $nope;", "uwsgi_no_cache $nope;",
		"fastcgi_limit_rate $nope;", "scgi_limit_rate $nope;", "uwsgi_limit_rate $nope;",
		"fastcgi_store $nope;", "scgi_store $nope;", "uwsgi_store $nope;",
	},
	"server": {
		"try_files $nope =404;", "try_files a $nope;", "return 200 $nope;", "return $scheme://$nope;", "set $x $nope;", "rewrite a $nope;",
		"if ($nope) { }", "if (-f $nope) { }", "if ($nope = a) { }", "if ($uri = $nope) { }", "if ($uri = a) { set $x $nope; }",
	},
	"location": {
		"alias $nope;", "proxy_pass http://$nope;", "fastcgi_pass $nope;", "scgi_pass $nope;", "uwsgi_pass $nope;",
		"tunnel_pass $nope;", "grpc_pass $nope;", "limit_except GET { auth_basic $nope; }", "if ($uri) { add_header a $nope; }",
	},
	"upstream": {
		"hash $nope;", "sticky route $nope;", "sticky learn create=$nope lookup=$uri zone=a:32k;", "sticky learn create=$uri lookup=$nope zone=a:32k;",
		"sticky cookie a domain=$nope;", "sticky cookie a samesite=$nope;",
	},
	"stream": {
		"access_log $nope x;", "access_log a.log x if=$nope;", "log_format y $nope;", "limit_conn_zone $nope zone=a:32k;",
		"map $nope $x { }", "map $status $x { a $nope; }", "geo $nope $x { }", "split_clients $nope $x { * a; }",
		"proxy_bind $nope;", "proxy_upload_rate $nope;", "proxy_download_rate $nope;", "proxy_ssl_name $nope;", "proxy_ssl_alpn $nope;",
		"proxy_ssl_certificate $nope;", "proxy_ssl_certificate_key $nope;",
		"ssl_certificate $nope; ssl_certificate_key a;", "ssl_certificate_key $nope;",
	},
	"stream server":   {"proxy_pass $nope;", "pass $nope;", "return $nope;", "set $x $nope;"},
	"stream upstream": {"hash $nope;"},
}

// places are configurations with the line from the table on their line 2.
var places = map[string]string{
	"http":            "http {\n%s\nserver { listen 127.0.0.1:1; location / { } } }",
	"server":          "http { server {\n%s\nlisten 127.0.0.1:1; location / { } } }",
	"location":        "http { server { listen 127.0.0.1:1; location / {\n%s\n} } }",
	"upstream":        "http { upstream u { server 127.0.0.1:1;\n%s\n} }",
	"stream":          "stream { log_format x x;\n%s\nserver { listen 127.0.0.1:1; return x; } }",
	"stream server":   "stream { server { listen 127.0.0.1:1;\n%s\n} }",
	"stream upstream": "stream { upstream u { server 127.0.0.1:1;\n%s\n} }",
}

// A variable that nobody declares is refused wherever it stands, in a directive
// that is of use there and in one that is not.
func TestUnknownVariables(t *testing.T) {
	dir := t.TempDir()
	for place, lines := range withVariables {
		for _, line := range lines {
			name := "nope"
			if strings.Contains(line, "${1}") {
				name = "1"
			}
			file := filepath.Join(dir, "nginx.conf")
			want := fmt.Sprintf(`unknown "%s" variable in %s:2`, name, file)
			if got := refused(t, file, "events { } "+fmt.Sprintf(places[place], line)); got != want {
				t.Errorf("%s: %s\ngot  %s\nwant %s", place, line, got, want)
			}
		}
	}
}

// refused is why a configuration is.
func refused(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(file) + "/"
	logs := log.NewFiles()
	defer logs.Close()
	p, err := cycle.Read(cycle.Site{File: file, Prefix: dir, ErrorLog: dir + "error.log", AccessLog: dir + "access.log", PIDFile: dir + "pid"},
		new(bundle.Recorder), logs, nil)
	if p != nil {
		defer p.Zones.Close()
	}
	if err == nil {
		return ""
	}
	if placed := new(conf.Error); errors.As(err, &placed) {
		return placed.Error()
	}
	return err.Error()
}

// Every directive that is said to take variables is in the table above.
func TestVariablesOfAllDirectives(t *testing.T) {
	tested := make(map[string][]string) // by name of the directive: the places
	for place, lines := range withVariables {
		for _, line := range lines {
			name, _, _ := strings.Cut(line, " ")
			tested[name] = append(tested[name], place)
		}
	}
	for _, d := range modules.Registry().All() {
		if !d.Variables {
			continue
		}
		inStream := d.In&(conf.StreamMain|conf.StreamServer|conf.StreamUpstream) != 0
		if !slices.ContainsFunc(tested[d.Name], func(place string) bool { return strings.HasPrefix(place, "stream") == inStream }) {
			t.Errorf("%s takes variables and is not tested", d.Name)
		}
	}
}
