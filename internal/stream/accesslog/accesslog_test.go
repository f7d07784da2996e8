package accesslog_test

import (
	"compress/gzip"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

func TestAccessLog(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format plain '$server_port $status "$text"';
		log_format default escape=default '$text';
		log_format json escape=json '{"text":"$text"}';
		log_format none escape=none '$text|';
		log_format two 'a' 'b $status' ' c';
		map $server_port $wanted { {{quiet.port}} 0; {{dash.port}} ""; default 1; }
		map "" $text { default 'q" b\\ t	end'; }
		access_log {{dir}}/all.log plain;
		server { listen {{all}}; return x; }
		server { listen {{off}}; access_log off; return x; }
		server { listen {{several}}; access_log {{dir}}/default.log default; access_log {{dir}}/json.log json; access_log {{dir}}/none.log none; access_log {{dir}}/two.log two; return x; }
		server { listen {{quiet}}; listen {{dash}}; listen {{loud}}; access_log {{dir}}/if.log plain if=$wanted; return x; }
		server { listen {{named}}; access_log {{dir}}/named-$server_port.log plain; return x; }
		server { listen {{zipped}}; access_log {{dir}}/zipped.log.gz plain gzip=1 flush=10ms; return x; }
		server { listen {{kept}}; access_log {{dir}}/kept.log plain buffer=4k flush=10ms; return x; }
	`})
	for _, name := range []string{"all", "off", "several", "quiet", "dash", "loud", "named", "zipped", "kept"} {
		if got := s.Say(name, ""); got != "x" {
			t.Errorf("%s: %q", name, got)
		}
	}
	line := func(name string) string { return s.Address(name+".port") + ` 200 "q\\x22 b\\x5C t\\x09end"` }
	for file, want := range map[string]string{
		"all.log": line("all"), "default.log": `q\\x22 b\\x5C t\\x09end`, "json.log": `\{"text":"q\\" b\\\\ t\\tend"\}`, "none.log": "q\" b\\\\ t\tend\\|",
		"two.log": "ab 200 c", "if.log": line("loud"), "named-" + s.Address("named.port") + ".log": line("named"), "kept.log": line("kept"),
	} {
		s.WaitFor(file, want)
	}
	for _, name := range []string{"off", "several", "quiet", "dash"} {
		if strings.Contains(s.Read("all.log")+s.Read("if.log"), s.Address(name+".port")+" ") {
			t.Errorf("%s is logged", name)
		}
	}
	if !streamtest.Eventually(func() bool {
		f, err := os.Open(s.Dir + "/zipped.log.gz")
		if err != nil {
			return false
		}
		defer f.Close()
		r, err := gzip.NewReader(f)
		if err != nil {
			return false
		}
		text, _ := io.ReadAll(r) // the stream has no end yet
		return strings.HasPrefix(string(text), s.Address("zipped.port")+" 200 ")
	}) {
		t.Errorf("zipped: %q", s.Read("zipped.log.gz"))
	}
}

// A log may be another machine's.
func TestSyslog(t *testing.T) {
	receiver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	_ = receiver.SetReadDeadline(time.Now().Add(30 * time.Second))
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format plain '$status $bytes_sent';
		server { listen {{a}}; access_log syslog:server=` + receiver.LocalAddr().String() + `,tag=seen,severity=notice plain; return hello; }
	`})
	_ = s.Say("a", "")
	room := make([]byte, 1024)
	n, _, err := receiver.ReadFrom(room)
	if got := string(room[:n]); err != nil || !strings.HasPrefix(got, "<189>") || !strings.HasSuffix(got, "seen: 200 5") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRejected(t *testing.T) {
	const format = "log_format f '$status'; "
	for _, text := range []string{
		"access_log {{dir}}/a.log;", "access_log {{dir}}/a.log missing;", "access_log off off;", format + format, "log_format f '$nothing'; access_log {{dir}}/a.log f;",
		"log_format f escape=no '$status';", format + "access_log {{dir}}/a.log f buffer=x;", format + "access_log {{dir}}/a.log f flush=1s;",
		format + "access_log {{dir}}/a.log f gzip=11;", format + "access_log {{dir}}/a.log f nonsense;", format + "access_log {{dir}}/$pid.log f buffer=1k;",
		"open_log_file_cache x;", "open_log_file_cache max=x;",
	} {
		streamtest.CompareRejected(t, modules.Stream(), text+" server { listen {{a}}; return x; }")
	}
}
