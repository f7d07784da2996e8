package access_test

import (
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

func TestAccess(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format test "$server_port $status";
		access_log {{dir}}/access.log test;
		server { listen {{none}}; return in; }
		server { listen {{allowed}}; allow 127.0.0.1; deny all; return in; }
		server { listen {{denied}}; allow 192.0.2.0/24; deny all; return in; }
		server { listen {{first}}; deny 127.0.0.1; allow all; return in; }
		server { listen {{open}}; deny 192.0.2.1; deny ::1; return in; }
		server { listen {{unix.unix}}; allow unix:; deny all; return in; }
		server { listen {{other.unix}}; deny unix:; allow all; return in; }
	`})
	for name, want := range map[string]string{
		"none": "in", "allowed": "in", "denied": "", "first": "", "open": "in", "unix.unix": "in", "other.unix": "",
	} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.WaitFor("access.log", s.Address("denied.port")+" 403")
	s.WaitFor("error.log", "access forbidden by rule while initializing session, client: 127.0.0.1, server: "+s.Address("denied"))
	s.WaitFor("error.log", "access forbidden by rule while initializing session, client: unix:, server: "+s.Address("other.unix"))
}

func TestRejected(t *testing.T) {
	for _, text := range []string{"allow;", "allow a b;", "deny x;", "allow 1.2.3.4/33;", "deny 1.2.3;", "allow [::1];"} {
		streamtest.CompareRejected(t, modules.Stream(), "server { listen {{a}}; return x; "+text+" }")
	}
}
