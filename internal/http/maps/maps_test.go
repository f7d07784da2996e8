package maps_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			map_hash_max_size 4096;
			map_hash_bucket_size 128;
			map $args $plain {
				default   none;
				foo       bar;
				FOO2      "two words";
				""        empty;
				\default  word;
				\~x       tilde;
				*.a.com   star;
				.b.com    dot;
				include   included.conf;
			}
			map $arg_h $host_ {
				hostnames;
				default            none;
				example.com        exact;
				*.example.com      below;
				*.deep.example.com deeper;
				www.example.*      tail;
				www.example.co.*   longer;
				.dot.org           dotted;
				~^(?<word>\w+)\.re$   "re $word";
				~*^CASE\.(.+)$     "case $1";
			}
			map $arg_h $nodefault { a b; }
			map "$arg_a-$arg_b" $pair { 1-2 twelve; ~^(.*)-(.*)$ $2$1; }
			map $uri $cached { ~^/volatile$ first; default later; }
			map $uri $fresh { volatile; ~^/volatile$ first; default later; }
			map $set $of_set { 1 one; default "other:$set"; }
			map $named $of_named { default "named:$named"; }
			map $late $early { default "[$late]"; }
			map $args $late { default "late $args"; }
			map $arg_x $taken { default map; }
			map $arg_x $twice { default one; }
			map $arg_x $twice { default two; }
			log_format m '$plain $nodefault';
			access_log {{dir}}/access.log m;
			server {
				listen {{addr}};
				location = /plain { return 200 "$plain\n"; }
				location = /host { return 200 "$host_|$word|$nodefault\n"; }
				location = /pair { return 200 "$pair\n"; }
				location = /volatile { set $now "$cached $fresh"; rewrite ^ /after?was=$now; }
				location = /after { return 200 "$cached $fresh\n"; }
				location = /set { set $set $arg_s; return 200 "$of_set\n"; }
				location ~ ^/named/(?<named>.*)$ { return 200 "$of_named $early\n"; }
				location = /unnamed { return 200 "$of_named $early\n"; }
				location = /taken { return 200 "$taken "; }
				location = /taken2 { set $taken set; return 200 "$taken $twice\n"; }
			}`,
		Files: map[string]string{"included.conf": "inc included;\ninc2 \"$uri\";"},
	}
	httptest.Compare(t, modules.HTTP(), site, httptest.Gets(
		"/plain", "/plain?foo", "/plain?FOO", "/plain?foo2", "/plain?default", "/plain?~x", "/plain?*.a.com", "/plain?x.a.com", "/plain?.b.com", "/plain?b.com", "/plain?inc", "/plain?inc2",
		"/host", "/host?h=example.com", "/host?h=EXAMPLE.com.", "/host?h=a.example.com", "/host?h=a.b.example.com", "/host?h=x.deep.example.com", "/host?h=deep.example.com",
		"/host?h=.example.com", "/host?h=www.example.de", "/host?h=www.example.co.uk", "/host?h=www.example.", "/host?h=www.example", "/host?h=dot.org", "/host?h=a.dot.org", "/host?h=adot.org",
		"/host?h=foo.re", "/host?h=FOO.RE", "/host?h=case.x", "/host?h=Case.Y.", "/host?h=a", "/host?h=..", "/host?h=.",
		"/pair?a=1&b=2", "/pair?a=2&b=1", "/pair", "/volatile", "/set?s=1", "/set?s=2", "/set",
		"/named/x?q", "/unnamed?q", "/taken", "/taken2",
	))
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`map;`, `map $a;`, `map $uri x { }`, `map $uri $ { }`, `map $uri "" { }`, `map $uri $host { }`, `map $uri $x`, `map $uri $x { a }`,
		`map $uri $x { a b c; }`, `map $uri $x { a; }`, `map $uri $x { hostnames x y; }`, `map $uri $x { default 1; default 2; }`,
		`map $uri $x { a 1; a 2; }`, `map $uri $x { a 1; A 2; }`, `map $uri $x { hostnames; *.a.* x; }`, `map $uri $x { hostnames; a..b x; }`, `map $uri $x { hostnames; a*b x; }`,
		`map $uri $x { hostnames; .a x; *.a y; }`, `map $uri $x { hostnames; a x; .a y; }`, `map $uri $x { hostnames; a.* x; a.* y; }`,
		`map $uri $x { *.a 1; hostnames; *.a 2; }`, `map $nowhere $x { }`, `map $uri $x { a $nowhere; }`, `map $uri $x { a "${b"; }`, `map $uri $x { a "$"; }`,
		`map $uri $x { ~(?<uri>.) a; }`, `map $uri $x { include {{dir}}/nothing; }`, `map $uri $x { a { b c; } }`,
		`map $uri $arg_x { } `, `map $uri $x { } server { location / { return 200 $x; } }`, `map_hash_max_size x;`, `map_hash_max_size 1; map_hash_max_size 2;`,
		`server { map $uri $x { } }`, `map $uri $y { default $x; } map $uri $x { default $y; }`, `map $uri $x { volatile; volatile; hostnames; hostnames; }`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text})
	}
}

// nginx goes round a hundred times; here a variable that is being found has no
// value.
func TestCycle(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `
			map $uri $a { default "a$b"; }
			map $uri $b { default "b$a"; }
			map $uri $v { volatile; default "$v$v$v$v$v$v$v$v$v$v$v"; }
			server { listen {{addr}}; location / { return 200 "$a$v"; } }`,
	})
	if got := httptest.Body(s.Get("/")); got != "ab" {
		t.Error(got)
	}
	if !strings.Contains(s.ReadFile("error.log"), `cycle while evaluating variable "a"`) {
		t.Error(s.ReadFile("error.log"))
	}
}
