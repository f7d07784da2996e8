package geo_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			geo $client { default other; 127.0.0.0/8 loopback; 127.0.0.2 second; }
			geo $client6 { 127.0.0.1/32 me; include nets.conf; }
			geo $arg_ip $net {
				default          none;
				10.0.0.0/8       ten;
				10.1.0.0/16      ten-one;
				10.1.2.0/24      ten-one-two;
				10.1.2.3         host;
				10.1.3.0/24      gone;
				delete           10.1.3.0/24;
				delete           10.9.0.0/16;
				0.0.0.0/1        low;
				240.0.0.0/4      high;
				255.255.255.255  broadcast;
				2001:db8::/32    doc;
				2001:db8:1::/48  "doc one";
				::1              loop;
				192.168.1.77/24  inexact;
				192.168.1.0/24   again;
				include          nets.conf;
			}
			geo $arg_ip $nodefault { 10.0.0.0/8 ten; ::/0 six; }
			geo $arg_ip $range {
				ranges;
				default                none;
				10.0.0.0-10.255.255.255    ten;
				10.1.0.0-10.1.255.255  ten-one;
				10.1.2.0-10.1.2.9      few;
				10.1.2.0-10.1.2.0      first;
				10.1.2.9-10.1.2.9      last;
				11.0.5.0-11.2.0.7      wide;
				11.1.0.0-11.1.0.255    inside;
				12.0.0.1-12.0.0.1      gone;
				delete                 12.0.0.1-12.0.0.1;
				delete                 12.0.0.2-12.0.0.3;
				20.0.0.9-20.0.0.10     b;
				20.0.0.1-20.0.0.2      a;
				20.0.0.1-20.0.0.2      a2;
			}
			geo $arg_ip $all { ranges; 255.0.0.0-255.255.255.254 top; }
			geo $proxied { proxy 127.0.0.0/8; proxy 192.0.2.0/24; default none; 127.0.0.1 proxy; 10.0.0.1 ten; 192.0.2.1 p1; 192.0.2.2 p2; ::1 six; }
			geo $recursive { proxy 127.0.0.1; proxy 192.0.2.0/24; proxy_recursive; default none; 127.0.0.1 proxy; 10.0.0.1 ten; 192.0.2.1 p1; 192.0.2.2 p2; ::1 six; }
			geo $stranger { proxy 192.0.2.1; 127.0.0.1 me; 10.0.0.1 ten; }
			geo $arg_ip $by_arg { proxy 192.0.2.0/24; 192.0.2.1 p1; 10.0.0.1 ten; }
			geo $taken { default a; }
			server {
				listen {{addr}};
				return 200 "$client|$client6|$net|$nodefault|$range|$all|$proxied|$recursive|$stranger|$by_arg\n";
			}`,
		Files: map[string]string{"nets.conf": "172.16.0.0/12 private;\n127.0.0.1 included;\n"},
	}
	cases := httptest.Gets("/")
	for _, ip := range []string{
		"10.0.0.1", "10.1.0.1", "10.1.2.1", "10.1.2.3", "10.1.2.0", "10.1.2.9", "10.1.3.1", "10.9.1.1", "9.255.255.255", "11.0.0.0", "128.0.0.0", "127.255.255.255", "0.0.0.0", "239.255.255.255", "240.0.0.0",
		"255.255.255.255", "255.255.255.254", "2001:db8::1", "2001:db8:1::1", "2001:db8:2::", "2001:db7:ffff::", "2001:db9::", "::1", "::2", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.1.2.3", "::ffff:0a01:0203",
		"192.168.1.3", "172.16.0.1", "172.31.255.255", "172.32.0.0", "1.2.3", "x", "10.0.0.1:80", "[::1]", "unix:", "010.1.2.003", "10..2.3", "10.1.2.3/32", "%31",
		"11.0.4.255", "11.0.5.0", "11.0.255.255", "11.1.0.0", "11.1.0.255", "11.1.1.0", "11.2.0.7", "11.2.0.8", "12.0.0.1", "12.0.0.2", "20.0.0.0", "20.0.0.1", "20.0.0.3", "20.0.0.9", "20.0.0.10", "20.0.0.11",
	} {
		cases = append(cases, httptest.Gets("/?ip="+ip)...)
	}
	for _, lines := range [][]string{
		{"10.0.0.1"}, {"10.0.0.1, 192.0.2.1"}, {"10.0.0.1,192.0.2.1,192.0.2.2"}, {"192.0.2.1"}, {"192.0.2.1, 192.0.2.2"}, {"x, 192.0.2.1"}, {"x"}, {"10.0.0.1, x"}, {"10.0.0.1 , ,"}, {" 10.0.0.1"}, {",10.0.0.1"},
		{"10.0.0.1:8080"}, {"[::1]:80"}, {"::1"}, {"10.0.0.1:0"}, {"10.0.0.1:99999"}, {"10.0.0.1, 127.0.0.1"}, {"::ffff:10.0.0.1"}, {"::ffff:192.0.2.1"}, {"10.0.0.1, ::ffff:192.0.2.1"},
		{"10.0.0.1", "192.0.2.1"}, {"192.0.2.1", "10.0.0.1"}, {"10.0.0.1", "x"}, {"10.0.0.1", "192.0.2.1, 192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}, {""}, {"10.0.0.1 192.0.2.1"}, {"192.0.2.1, 10.0.0.1, 192.0.2.1"},
	} {
		var header []string
		for _, l := range lines {
			header = append(header, "X-Forwarded-For: "+l)
		}
		cases = append(cases,
			httptest.Case{Request: httptest.Request("GET", "/", header...)},
			httptest.Case{Request: httptest.Request("GET", "/?ip=192.0.2.1", header...)})
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

// "volatile" is newer than the nginx of some distributions.
func TestVolatile(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `
			geo $arg_ip $kept { 192.0.2.1 one; 192.0.2.2 two; }
			geo $arg_ip $fresh { volatile; 192.0.2.1 one; 192.0.2.2 two; }
			server { listen {{addr}}; location / { set $before "$kept $fresh"; set $args ip=192.0.2.2; return 200 "$before, $kept $fresh"; } }`,
	})
	if got := httptest.Body(s.Get("/?ip=192.0.2.1")); got != "one one, one two" {
		t.Error(got)
	}
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`geo;`, `geo $x;`, `geo x { }`, `geo $ { }`, `geo $a x { }`, `geo a $x { }`, `geo $a $x $y { }`, `geo $uri { }`, `geo $x { a; }`, `geo $x { 1.2.3.4; }`, `geo $x { 1.2.3.4 a b; }`,
		`geo $x { 1.2.3 a; }`, `geo $x { 1.2.3.4/33 a; }`, `geo $x { 1.2.3.4/x a; }`, `geo $x { ::1/129 a; }`, `geo $x { ::1/128 a; }`, `geo $x { x a; }`, `geo $x { 1.2.3.4-1.2.3.5 a; }`,
		`geo $x { 1.2.3.4 a; ranges; }`, `geo $x { default a; ranges; }`, `geo $x { ranges; 1.2.3.4 a; }`, `geo $x { ranges; 1.2.3.5-1.2.3.4 a; }`, `geo $x { ranges; 1.2.3.4-255.255.255.255 a; }`, `geo $x { ranges; ::1-::2 a; }`,
		`geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.5-1.0.0.10 b; }`, `geo $x { ranges; 1.0.0.5-1.0.0.9 a; 1.0.0.0-1.0.0.6 b; }`, `geo $x { ranges; 1.0.0.5-1.0.0.9 a; 1.0.0.4-1.0.0.10 b; }`, `geo $x { ranges; 1.0.0.5-1.2.0.9 a; 1.1.0.0-1.3.0.0 b; }`,
		`geo $x { ranges; delete 1.2; }`, `geo $x { delete 1.2; }`, `geo $x { proxy x; }`, `geo $x { proxy_recursive x; }`, `geo $x { include {{dir}}/none; }`, `geo $x { include; }`, `geo $nowhere $x { }`,
		`geo $x { 1.2.3.4 { } }`, `server { geo $x { } }`, `geo $x { 255.255.255.255 a; }`, `geo $x { 255.255.255.255/32 a; }`, `geo $x { proxy 255.255.255.255; ranges; }`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text})
	}
}
