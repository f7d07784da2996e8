package limitconn_test

import (
	"io"
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// While sessions are on, they count; when they end, in whatever way, they do not.
func TestLimitConn(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format test "$server_port $status $limit_conn_status";
		access_log {{dir}}/access.log test;
		limit_conn_zone $remote_addr zone=one:1m;
		limit_conn_zone $server_port zone=port:1m;
		limit_conn_zone $nothing zone=none:1m;
		map "" $nothing { default ""; }
		server { listen {{two}}; limit_conn one 2; proxy_pass {{echo}}; }
		server { listen {{warn}}; limit_conn one 1; limit_conn_log_level warn; proxy_pass {{echo}}; }
		server { listen {{dry}}; limit_conn one 1; limit_conn_dry_run on; return dry; }
		server { listen {{key}}; limit_conn none 1; return key; }
		server { listen {{free}}; return free; }
		server { listen {{echo}}; proxy_pass ` + streamtest.Echo(t).Address + `; }
	`})
	hold := func(name string) (io.Closer, bool) {
		c := s.Dial(name)
		_, _ = io.WriteString(c, "x")
		n, _ := io.ReadFull(c, make([]byte, 1))
		return c, n == 1
	}
	first, ok := hold("two")
	second, also := hold("two")
	if !ok || !also {
		t.Fatal("a session below the limit is refused")
	}
	if _, third := hold("two"); third {
		t.Error("a session above the limit is let in")
	}
	if _, third := hold("warn"); third {
		t.Error("a session above the limit is let in")
	}
	for name, want := range map[string]string{"dry": "dry", "key": "key", "free": "free"} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	_ = first.Close()
	if !streamtest.Eventually(func() bool { c, ok := hold("two"); _ = c.Close(); return ok }) {
		t.Error("a session that has ended still counts")
	}
	_ = second.Close()
	s.WaitFor("access.log", s.Address("two.port")+" 503 REJECTED")
	s.WaitFor("access.log", s.Address("two.port")+" 200 PASSED")
	s.WaitFor("access.log", s.Address("dry.port")+" 200 REJECTED_DRY_RUN")
	s.WaitFor("access.log", s.Address("key.port")+" 200 -")
	s.WaitFor("access.log", s.Address("free.port")+" 200 -")
	s.WaitFor("error.log", `limiting connections by zone "one" while initializing session, client: 127.0.0.1, server: `+s.Address("two"))
	s.WaitFor("error.log", `limiting connections, dry run, by zone "one" while initializing session, client: 127.0.0.1, server: `+s.Address("dry"))
}

func TestRejected(t *testing.T) {
	zone := "limit_conn_zone $remote_addr zone=one:1m; "
	for _, text := range []string{
		"limit_conn_zone $remote_addr one;", "limit_conn_zone $remote_addr zone=one;", "limit_conn_zone $remote_addr zone=one:1k;",
		zone + "limit_conn_zone $remote_addr zone=one:2m;", zone + "limit_conn one 0;", zone + "limit_conn one 65536;",
		zone + "limit_conn one 1; limit_conn one 2;", zone + "limit_conn_log_level debug;", "limit_conn missing 1;",
		zone + "limit_conn_dry_run yes;",
	} {
		streamtest.CompareRejected(t, modules.Stream(), text+" server { listen {{a}}; return x; }")
	}
}
