package upstream_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// Every method finds servers in every state, with a zone and without.
func TestMethods(t *testing.T) {
	one, two := streamtest.Says(t, "1").Address, streamtest.Says(t, "2").Address
	for _, zone := range []string{"", "zone u 64k; "} {
		for _, tt := range []struct{ block, want string }{
			{"server ONE; server TWO;", "1212"},
			{"server ONE weight=3; server TWO;", "1121"},
			{"server ONE; server TWO down;", "1111"},
			{"server ONE backup; server TWO;", "2222"},
			{"server ONE; server {{nobody}} max_fails=0;", "1111"},
			{"least_conn; server ONE; server TWO;", "1212"},
			{"hash fixed; server ONE; server TWO;", "same"},
			{"hash fixed consistent; server ONE; server TWO;", "same"},
			{"random; server ONE;", "1111"},
			{"random two least_conn; server TWO;", "2222"},
			{"least_time connect; server TWO;", "2222"},
			{"least_time first_byte; server TWO;", "2222"},
			{"least_time last_byte inflight; server ONE; server {{nobody}} max_fails=0;", "1111"},
		} {
			block := strings.NewReplacer("ONE", one, "TWO", two).Replace(tt.block)
			s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: "upstream u { " + zone + block + " } server { listen {{a}}; proxy_pass u; }"})
			got := ""
			for range 4 {
				got += s.Say("a", "")
			}
			if got != tt.want && (tt.want != "same" || got != "1111" && got != "2222") {
				t.Errorf("%s%s: %s, want %s", zone, block, got, tt.want)
			}
		}
	}
}

func TestVariables(t *testing.T) {
	back := streamtest.Says(t, "hello").Address
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format test "$server_port <$upstream_addr> <$upstream_bytes_sent> <$upstream_bytes_received> <$upstream_connect_time> <$upstream_first_byte_time> <$upstream_session_time>";
		access_log {{dir}}/access.log test;
		upstream two { server {{nobody}} weight=100 max_fails=0; server ` + back + ` max_fails=0; }
		upstream down { server {{nobody}} down; }
		server { listen {{one}}; proxy_pass ` + back + `; }
		server { listen {{retry}}; proxy_pass two; }
		server { listen {{none}}; proxy_pass down; }
		server { listen {{return}}; return x; }
	`})
	for name, want := range map[string]string{"one": "hello", "retry": "hello", "none": "", "return": "x"} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	const time = `\d+\.\d{3}`
	s.WaitFor("access.log", s.Address("one.port")+" <"+back+"> <0> <5> <"+time+"> <"+time+"> <"+time+">")
	s.WaitFor("access.log", s.Address("retry.port")+" <"+s.Address("nobody")+", "+back+"> <0, 0> <0, 5> <-, "+time+"> <-, "+time+"> <"+time+", "+time+">")
	s.WaitFor("access.log", s.Address("none.port")+" <down> <0> <0> <-> <-> <"+time+">")
	s.WaitFor("access.log", s.Address("return.port")+" <-> <-> <-> <-> <-> <->")
	s.WaitFor("error.log", `no live upstreams while connecting to upstream, client: 127.0.0.1, server: `+s.Address("none")+`, upstream: "down", bytes from/to client:0/0, bytes from/to upstream:0/0`)
}

func TestRejected(t *testing.T) {
	for _, text := range []string{
		"upstream u { }", "upstream u { server 127.0.0.1; }", "upstream u { server {{b}} weight=0; }", "upstream u { server {{b}} max_fails=x; }",
		"upstream u { server {{b}} fail_timeout=x; }", "upstream u { server {{b}} nonsense; }", "upstream u { server no.such.host.invalid:1; }",
		"upstream u { server {{b}}; } upstream u { server {{b}}; }", "upstream u { server {{b}}; hash; }", "upstream u { server {{b}}; hash $nothing; }",
		"upstream u { zone u; server {{b}}; }", "upstream u { zone u 1k; server {{b}}; }", "upstream u { server {{b}}; random three; }",
		"upstream u { server {{b}}; random two least_time; }", "upstream { }",
	} {
		streamtest.CompareRejected(t, modules.Stream(), text+" server { listen {{a}}; proxy_pass u; }")
	}
}
