package returns_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

func TestReturn(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format test "$server_port $status $bytes_sent $bytes_received";
		access_log {{dir}}/access.log test;
		server { listen {{text}}; return "as it stands\n"; }
		server { listen {{vars}}; return "$remote_addr:$remote_port $server_addr:$server_port $protocol $hostname $nginx_version $connection $status"; }
		server { listen {{empty}}; return ""; }
		server { listen {{missing}}; return $realip_remote_addr$proxy_protocol_addr; }
		server { listen {{large}}; set $a ` + strings.Repeat("0123456789abcdef", 100) + `; set $b $a$a$a$a$a$a$a$a; return $b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b$b; }
		server { listen {{unix.unix}}; return "<$remote_addr|$remote_port|$server_port>"; }
	`})
	if got := s.Say("text", "ignored"); got != "as it stands\n" {
		t.Errorf("%q", got)
	}
	if got, want := s.Say("vars", ""), "127.0.0.1:"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " 127.0.0.1:"+s.Address("vars.port")+" TCP here.example 1.31.3 2 000") {
		t.Errorf("%q", got)
	}
	for name, want := range map[string]string{"empty": "", "missing": "127.0.0.1", "unix.unix": "<unix:||>", "large": strings.Repeat("0123456789abcdef", 32000)} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %.100q", name, got)
		}
	}
	s.WaitFor("access.log", s.Address("text.port")+" 200 13 0")
	s.WaitFor("access.log", s.Address("large.port")+" 200 512000 0")
}

func TestRejected(t *testing.T) {
	for _, text := range []string{"return;", "return a b;", "return a; return b;", "return $nothing;"} {
		streamtest.CompareRejected(t, modules.Stream(), "server { listen {{a}}; "+text+" }")
	}
	streamtest.CompareRejected(t, modules.Stream(), "return a;")
}
