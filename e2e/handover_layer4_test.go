package e2e_test

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// layerFour is a server whose sessions are relayed as they are, with TLS towards the
// client, towards the upstream, and both, and at a limited rate.
const layerFour = `
	daemon on; worker_processes 2;
	stream {
		log_format s "$status $bytes_received $bytes_sent $upstream_bytes_sent $upstream_bytes_received $upstream_addr";
		access_log stream.log s;
		ssl_certificate a.crt; ssl_certificate_key a.key;
		server { listen {{plain}}; proxy_pass PLAIN; }
		server { listen {{front}} ssl; proxy_pass PLAIN; }
		server { listen {{back}}; proxy_pass TLS; proxy_ssl on; }
		server { listen {{both}} ssl; proxy_pass TLS; proxy_ssl on; }
		server { listen {{paced}}; proxy_pass PLAIN; proxy_upload_rate 60k; proxy_download_rate 80k; }
		server { listen {{slow}} ssl; proxy_pass TLS; proxy_ssl on; proxy_upload_rate 80k; proxy_download_rate 60k; }
	}`

// An origin echoes, and counts the connections that it has accepted.
type origin struct {
	net.Listener
	accepted atomic.Int64
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &origin{Listener: l}
}

// serve echoes, over TLS with a config, until the test ends.
func (o *origin) serve(config *tls.Config) {
	for {
		c, err := o.Accept()
		if err != nil {
			return
		}
		o.accepted.Add(1)
		go func() {
			defer c.Close()
			if config != nil {
				c = tls.Server(c, config)
			}
			_, _ = io.Copy(c, c) // the client checks what comes back
		}()
	}
}

// startLayerFour starts site with its two origins.
func startLayerFour(t *testing.T, site string) (b *e2e.Server, plain, secure *origin) {
	t.Helper()
	plain, secure = newOrigin(t), newOrigin(t)
	b = e2e.New(t, strings.NewReplacer("PLAIN", plain.Addr().String(), "TLS", secure.Addr().String()).Replace(site))
	b.WriteCertificate("a", "ecdsa")
	pair, err := tls.LoadX509KeyPair(b.Path("a.crt"), b.Path("a.key"))
	if err != nil {
		t.Fatal(err)
	}
	go plain.serve(nil)
	go secure.serve(&tls.Config{Certificates: []tls.Certificate{pair}})
	b.Launch()
	b.WaitReady()
	return b, plain, secure
}

// dialLayerFour opens a session at one of the addresses of layerFour.
func dialLayerFour(t *testing.T, b *e2e.Server, name string) net.Conn {
	t.Helper()
	c := dialStream(t, b, name)
	if name == "front" || name == "both" || name == "slow" {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	return c
}

// A sequence is a client that sends numbers, one after the other, and looks whether
// each comes back once, in order.
type sequence struct {
	conn net.Conn
	stop atomic.Bool
	most time.Duration // between two writes
	over atomic.Bool   // nothing is sent after what is counted in sent
	sent atomic.Int64  // bytes
	back atomic.Int64
	done chan error
}

func startSequence(c net.Conn) *sequence {
	return startSlowSequence(c, 20*time.Millisecond)
}

// startSlowSequence is for so many that they would leave no time to others.
func startSlowSequence(c net.Conn, most time.Duration) *sequence {
	s := &sequence{conn: c, most: most, done: make(chan error, 1)}
	_ = c.SetDeadline(time.Now().Add(10 * time.Minute))
	go s.send()
	go func() { s.done <- s.check() }()
	return s
}

// send sends until it is to stop; the reader will tell of errors.
func (s *sequence) send() {
	var out []byte
	for n := uint64(0); ; {
		out = out[:0]
		for range 1 + rand.IntN(50) {
			out = binary.BigEndian.AppendUint64(out, n)
			n++
		}
		s.sent.Add(int64(len(out)))
		stop := s.stop.Load()
		s.over.Store(stop)
		if _, err := s.conn.Write(out); err != nil || stop {
			return
		}
		time.Sleep(rand.N(s.most))
	}
}

// check reads until everything that was sent has come back.
func (s *sequence) check() error {
	var in [8]byte
	for n := uint64(0); !s.over.Load() || s.back.Load() < s.sent.Load(); n++ {
		if _, err := io.ReadFull(s.conn, in[:]); err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", s.back.Load(), s.sent.Load(), err)
		}
		if got := binary.BigEndian.Uint64(in[:]); got != n {
			return fmt.Errorf("%d came back in the place of %d", got, n)
		}
		s.back.Add(8)
	}
	return nil
}

// progress waits until each sequence has come further.
func progress(t *testing.T, all []*sequence) {
	t.Helper()
	var before []int64
	for _, s := range all {
		before = append(before, s.sent.Load())
	}
	for i, s := range all {
		if !e2e.Eventually(time.Minute, func() bool { return s.back.Load() > before[i] || len(s.done) > 0 }) {
			t.Fatalf("sequence %d stands still", i)
		}
	}
}

func finish(t *testing.T, all []*sequence) {
	t.Helper()
	for _, s := range all {
		s.stop.Store(true)
	}
	for i, s := range all {
		if err := <-s.done; err != nil {
			t.Errorf("sequence %d: %v", i, err)
		}
	}
}

// Sessions of all kinds, with numbers under way all the time, through reloads
// and upgrades: nothing is lost, and no upstream sees another connection. The full
// numbers are for a quiet machine: BATON_STORM=1.
func TestHandoverOfSessions(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	t.Parallel()
	if os.Getenv("BATON_STORM") != "" {
		moveSessions(t, 200, 20, 5)
		return
	}
	moveSessions(t, 40, 3, 1)
}

func moveSessions(t *testing.T, sessions, reloads, upgrades int) {
	b, plain, secure := startLayerFour(t, layerFour)
	var all []*sequence
	names := []string{"plain", "front", "back", "both", "paced", "slow"}
	for i := range sessions {
		pause := time.Duration(sessions) * time.Millisecond
		all = append(all, startSlowSequence(dialLayerFour(t, b, names[i%len(names)]), pause))
	}
	progress(t, all)
	worst := time.Duration(0)
	for i := range reloads + upgrades {
		old := b.Workers()
		if i*upgrades/(reloads+upgrades) != (i+1)*upgrades/(reloads+upgrades) {
			b.Upgrade()
		} else {
			b.Signal(syscall.SIGHUP)
			began := time.Now()
			b.WaitGone(old, goneBound)
			worst = max(worst, time.Since(began))
		}
		b.WaitGone(old, goneBound)
		progress(t, all)
	}
	if report := b.Run("-s", "reload"); !strings.Contains(report.Output+report.Errors, fmt.Sprintf(" %d session connections moved", sessions)) {
		t.Errorf("-s reload says %+v", report)
	}
	t.Logf("workers were gone %v after a reload at the latest", worst)
	finish(t, all)
	if p, s := plain.accepted.Load(), secure.accepted.Load(); p+s != int64(sessions) {
		t.Errorf("%d sessions became %d and %d connections to upstreams", sessions, p, s)
	}
	for _, s := range all {
		s.conn.Close()
	}
	wantLogged(t, b, all)
}

// wantLogged wants one line for each session, with the bytes of its whole life.
func wantLogged(t *testing.T, b *e2e.Server, all []*sequence) {
	t.Helper()
	want := make(map[int64]int)
	for _, s := range all {
		want[s.sent.Load()]++
	}
	var lines []string
	if !e2e.Eventually(goneBound, func() bool {
		lines = strings.Split(strings.TrimSpace(b.Read("stream.log")), "\n")
		return len(lines) >= len(all)
	}) || len(lines) != len(all) {
		t.Errorf("%d lines for %d sessions", len(lines), len(all))
	}
	for _, line := range lines {
		var status int
		var received, sent, up, down int64
		var address string
		_, err := fmt.Sscan(line, &status, &received, &sent, &up, &down, &address)
		if err != nil || status != 200 || sent != received || up != received || down != received || want[received] == 0 {
			t.Errorf("access log: %q, %v", line, err)
		}
		want[received]--
	}
}

// A half of a session that has ended stays ended, the other one goes on.
func TestHandoverOfHalfClosedSessions(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newOrigin(t)
			got, answer := make(chan string, 1), make(chan struct{})
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				all, _ := io.ReadAll(c)
				got <- string(all)
				<-answer
				_, _ = io.WriteString(c, "late answer")
			}()
			b := e2e.Start(t, fmt.Sprintf(`
				daemon on; worker_processes 2;
				stream { proxy_half_close on; server { listen {{db}}; proxy_pass %s; } }`, l.Addr()))
			c := dialStream(t, b, "db")
			_, _ = io.WriteString(c, "question")
			_ = c.(*net.TCPConn).CloseWrite()
			if text := <-got; text != "question" {
				t.Fatalf("the upstream has got %q", text)
			}
			old := b.Workers()
			event(b)
			b.WaitGone(old, goneBound)
			close(answer)
			if text, err := io.ReadAll(c); string(text) != "late answer" {
				t.Errorf("%q came, %v", text, err)
			}
		})
	}
}

// A session whose server passes nothing on any more goes on, or not, as
// handover_orphans says; one whose server has another proxy_pass takes its timeout.
func TestHandoverOfSessionsWithoutRoute(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	for name, closes := range map[string]bool{"keep": false, "close": true, "close 10ms": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := strings.Replace(layerFour, "daemon on;", "daemon on; handover_orphans "+name+";", 1)
			b, plain, secure := startLayerFour(t, site)
			lost, kept := dialLayerFour(t, b, "both"), dialLayerFour(t, b, "plain")
			all := []*sequence{startSequence(lost), startSequence(kept)}
			progress(t, all)
			b.Rewrite("proxy_pass "+plain.Addr().String()+"; }", "proxy_pass 127.0.0.1:9; proxy_timeout 500ms; }")
			b.Rewrite("listen {{both}} ssl; proxy_pass "+secure.Addr().String()+"; proxy_ssl on;", "listen {{both}} ssl; return gone;")
			b.WaitGone(b.Reload(), goneBound)
			progress(t, all[1:])
			finish(t, all[1:])
			if _, err := io.ReadFull(kept, make([]byte, 1)); err != io.EOF {
				t.Errorf("the new timeout: %v", err)
			}
			if closes {
				if err := <-all[0].done; err == nil {
					t.Error("the orphan was served on")
				}
				return
			}
			progress(t, all[:1])
			finish(t, all[:1])
		})
	}
}
