package diff_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/e2e"
)

// A streamCase is a connection to a stream server of nginx and of the program
// under test. What is compared is what the client receives, what the backend
// receives, the line of the access log, and the lines of the error log from level
// info up.
//
// client and back are scripts of the two ends: text is sent, "|got TEXT|" waits
// until what has come ends with TEXT, "|half|" ends the own side, "|end|" waits for
// the end of the other side, "|reset|" breaks the connection, and "|pause|" lets
// some time pass. In the end the client waits for the other side to end and the
// backend closes.
type streamCase struct {
	name string
	// conf stands in a server of its own, or is one or more whole blocks of
	// stream with one server that listens at {{here}}. {{back}} is the backend,
	// {{dead}} an address where nobody listens.
	conf   string
	client string
	back   string
	// unlike is nil where baton does what Debian's nginx does.
	unlike *unlike
}

// streamModule is where Debian's package has nginx's stream module.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

func TestSameSessions(t *testing.T) {
	t.Parallel()
	reference := e2e.Nginx(t)
	if _, err := os.Stat(streamModule); err != nil {
		t.Skip("the real nginx has no stream module")
	}
	backends := make([]*streamBackend, len(sessions))
	for i, c := range sessions {
		backends[i] = startStreamBackend(t, c.back)
	}
	conf := streamConfiguration(sessions, backends)
	theirs, ours := startProxy(t, conf, reference), startProxy(t, conf, e2e.Binary())
	for i, c := range sessions {
		t.Run(c.name, func(t *testing.T) {
			want, got := session(t, theirs, backends[i], i, c), session(t, ours, backends[i], i, c)
			if ours.Binary != theirs.Binary {
				want = c.unlike.apply(t, want)
			}
			if want != got {
				t.Errorf("server { %s }\nclient %.500q\nbackend %.500q\nwant -, got +\n%s", c.conf, c.client, c.back,
					gocmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")))
			}
		})
	}
}

func streamConfiguration(cases []streamCase, backends []*streamBackend) string {
	var text strings.Builder
	fmt.Fprintf(&text, `load_module %s; error_log error.log info;
events { worker_connections 1024; }
stream {
	log_format s '$status $protocol $bytes_received $bytes_sent <$upstream_addr|$upstream_bytes_sent|$upstream_bytes_received|$upstream_connect_time $upstream_first_byte_time $upstream_session_time> '
		'$session_time $remote_addr $server_addr $proxy_protocol_addr $ssl_preread_server_name';
	access_log access.log s; preread_timeout 10; proxy_connect_timeout 20; proxy_timeout 20;
`, streamModule)
	for i, c := range cases {
		conf := c.conf
		if !strings.Contains(conf, "{{here}}") {
			conf = "server { listen {{here}}; " + conf + " }"
		}
		fmt.Fprintf(&text, "%s\n", strings.NewReplacer("{{here}}", "{{"+placeOf(i)+"}}", "{{back}}", backends[i].l.Addr().String(),
			"{{n}}", fmt.Sprint(i)).Replace(conf))
	}
	text.WriteString("}\n")
	return text.String()
}

// session does what c says with one program.
func session(t *testing.T, b *e2e.Server, back *streamBackend, i int, c streamCase) string {
	t.Helper()
	access, failed := len(b.Read("access.log")), len(b.Log())
	network, address := b.Address(placeOf(i))
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	answer := converse(conn, c.client, true)
	_ = conn.Close()
	logged := func() string { return b.Read("access.log")[access:] }
	if !e2e.Eventually(30*time.Second, func() bool { return strings.HasSuffix(logged(), "\n") }) {
		t.Errorf("%s logs no session", b.Binary)
	}
	_, dead := b.Address("dead")
	names := strings.NewReplacer(back.l.Addr().String(), "BACK", dead, "DEAD", b.Dir, "DIR", address, "HERE")
	return proxyPorts.ReplaceAllString(anyPort.ReplaceAllString(names.Replace(fmt.Sprintf("client:\n%s\nbackend:\n%s\nlog:\n%s%s", answer,
		back.taken(t, connections(b.Log()[failed:], back.l.Addr().String())), moments.ReplaceAllString(logged(), "T"), complaints(b.Log()[failed:]))), "127.0.0.1:PORT"), "$1 PORT PORT")
}

var (
	anyPort    = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	proxyPorts = regexp.MustCompile(`(PROXY TCP4 \S+ \S+) \d+ \d+`)
)

// converse plays a script on c and returns what has come.
func converse(c net.Conn, script string, toEnd bool) string {
	var come bytes.Buffer
	room := make([]byte, 64<<10)
	more := func() bool {
		n, err := c.Read(room)
		come.Write(room[:n])
		return err == nil
	}
	for i, part := range strings.Split(script, "|") {
		word, text, _ := strings.Cut(part, " ")
		switch {
		case i%2 == 0:
			_, _ = io.WriteString(c, part) // what is missing shows at the other end
		case word == "got":
			for !bytes.HasSuffix(come.Bytes(), []byte(text)) && more() {
			}
		case word == "half":
			_ = c.(*net.TCPConn).CloseWrite()
		case word == "end":
			for more() {
			}
		case word == "reset":
			_ = c.(*net.TCPConn).SetLinger(0)
			return come.String()
		case word == "pause":
			time.Sleep(30 * time.Millisecond)
		}
	}
	for toEnd && more() {
	}
	return come.String()
}

// A streamBackend plays its script on every connection.
type streamBackend struct {
	l net.Listener

	mu   sync.Mutex
	busy int // connections that were accepted and have not ended
	came []string
}

// startStreamBackend listens until the test ends.
func startStreamBackend(t *testing.T, script string) *streamBackend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &streamBackend{l: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.busy++
			b.mu.Unlock()
			all.Go(func() {
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				came := converse(c, script, false)
				_ = c.Close()
				b.mu.Lock()
				defer b.mu.Unlock()
				b.busy--
				b.came = append(b.came, came)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return b
}

// connections counts those to an address that a log tells of.
func connections(text, address string) int {
	seen := make(map[string]bool)
	for line := range strings.Lines(text) {
		if strings.Contains(line, " proxy ") && strings.HasSuffix(line, " connected to "+address+"\n") {
			seen[line] = true
		}
	}
	return len(seen)
}

// taken is what came since the last call, when n connections, which may not have
// been accepted yet, have ended.
func (b *streamBackend) taken(t *testing.T, n int) string {
	t.Helper()
	ended := func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.busy == 0 && len(b.came) >= n
	}
	if !e2e.Eventually(30*time.Second, ended) {
		t.Error("a connection to the backend does not end")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	came := slices.SortedFunc(slices.Values(b.came), cmp.Compare[string])
	b.came = nil
	return strings.Join(came, "\n--\n")
}
