package e2e_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// A numberedOrigin echoes datagrams, which begin with a client and a number, and
// looks whether each client's come in order, and from one address.
type numberedOrigin struct {
	address string

	mu    sync.Mutex // guards what follows
	next  map[uint32]uint64
	from  map[uint32]string
	wrong []string
}

func newNumberedOrigin(t *testing.T) *numberedOrigin {
	o := &numberedOrigin{next: make(map[uint32]uint64), from: make(map[uint32]string)}
	o.address = datagramServer(t, func(b []byte, from net.Addr) []byte {
		if len(b) == datagramSize {
			o.heard(binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:]), from.String())
		}
		return b
	})
	return o
}

func (o *numberedOrigin) heard(client uint32, n uint64, from string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.next[client] != n || n > 0 && o.from[client] != from {
		o.wrong = append(o.wrong, fmt.Sprintf("client %d: number %d from %s, after %d from %s", client, n, from, o.next[client], o.from[client]))
	}
	o.next[client], o.from[client] = n+1, from
}

// want fails the test when something came out of order, or clients have not as many
// addresses as they are.
func (o *numberedOrigin) want(t *testing.T, clients int) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, text := range o.wrong[:min(len(o.wrong), 10)] {
		t.Error(text)
	}
	known := make(map[string]bool)
	for _, from := range o.from {
		known[from] = true
	}
	if len(known) != clients || len(o.from) != clients {
		t.Errorf("%d addresses of %d clients, which are %d", len(known), len(o.from), clients)
	}
}

// datagramSize is the client's number, 4 bytes, and that of the datagram, 8 bytes.
const datagramSize = 12

// A datagramSequence is a client that sends numbered datagrams and looks whether each
// comes back once, in order. One or two of them are under way at any time: those of all
// clients have room in the socket of the origin, should it be slow.
type datagramSequence struct {
	conn net.Conn
	id   uint32
	stop atomic.Bool
	back atomic.Int64
	done chan error
}

func startDatagrams(t *testing.T, address string, id uint32) *datagramSequence {
	t.Helper()
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &datagramSequence{conn: c, id: id, done: make(chan error, 1)}
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	go func() { s.done <- s.run() }()
	return s
}

// run sends up to 2 datagrams ahead of what comes back.
func (s *datagramSequence) run() error {
	out := binary.BigEndian.AppendUint32(nil, s.id)
	in := make([]byte, 64)
	sent, back := uint64(0), uint64(0)
	for stopping := false; !stopping || back < sent; {
		stopping = stopping || s.stop.Load()
		for n := rand.Uint64N(2) + 1; !stopping && sent < back+n; sent++ {
			if _, err := s.conn.Write(binary.BigEndian.AppendUint64(out[:4], sent)); err != nil {
				return err
			}
		}
		if back == sent {
			continue
		}
		n, err := s.conn.Read(in)
		if err != nil {
			return fmt.Errorf("%d of %d came back: %w", back, sent, err)
		}
		if got := binary.BigEndian.Uint64(in[4:]); n != datagramSize || got != back {
			return fmt.Errorf("%d came back in the place of %d", got, back)
		}
		back++
		s.back.Store(int64(back))
		if back == sent {
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		}
	}
	return nil
}

func progressOfDatagrams(t *testing.T, all []*datagramSequence) {
	t.Helper()
	var before []int64
	for _, s := range all {
		before = append(before, s.back.Load())
	}
	for i, s := range all {
		if !e2e.Eventually(time.Minute, func() bool { return s.back.Load() > before[i]+1 || len(s.done) > 0 }) {
			t.Fatalf("client %d hears nothing", s.id)
		}
	}
}

func finishDatagrams(t *testing.T, all []*datagramSequence) {
	t.Helper()
	for _, s := range all {
		s.stop.Store(true)
	}
	for _, s := range all {
		if err := <-s.done; err != nil {
			t.Errorf("client %d: %v", s.id, err)
		}
	}
}

// datagramSite is a server of datagrams whose sessions end by themselves when nothing
// comes for a while.
const datagramSite = `
	daemon on; worker_processes 2;
	stream {
		log_format s "$status $bytes_received $bytes_sent $upstream_bytes_sent $upstream_bytes_received $upstream_addr $session_time";
		access_log stream.log s;
		server { listen {{dns}} udp; proxy_pass UPSTREAM; proxy_timeout 1h; }
		server { listen {{ready}}; return ok; }
	}`

func startDatagramSite(t *testing.T, site string, clients int) (*e2e.Server, *numberedOrigin, []*datagramSequence) {
	t.Helper()
	o := newNumberedOrigin(t)
	b := e2e.Start(t, strings.Replace(site, "UPSTREAM", o.address, 1))
	_, address := b.Address("dns")
	var all []*datagramSequence
	for i := range clients {
		all = append(all, startDatagrams(t, address, uint32(i)))
	}
	progressOfDatagrams(t, all)
	return b, o, all
}

// endDatagrams ends clients and wants a line for each in the log, with what it has
// sent and heard in the whole of its life.
func endDatagrams(t *testing.T, b *e2e.Server, o *numberedOrigin, all []*datagramSequence) {
	t.Helper()
	finishDatagrams(t, all)
	o.want(t, len(all))
	want := make(map[int64]int)
	for _, s := range all {
		want[s.back.Load()*datagramSize]++
	}
	b.Rewrite("proxy_timeout 1h", "proxy_timeout 50ms")
	b.WaitGone(b.Reload(), goneBound)
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
		var seconds float64
		_, err := fmt.Sscan(line, &status, &received, &sent, &up, &down, &address, &seconds)
		if err != nil || status != 200 || sent != received || up != received || down != received || want[received] == 0 || address != o.address {
			t.Errorf("access log: %q, %v", line, err)
		}
		want[received]--
	}
}

// Clients that send all the time keep their sessions, and their upstream hears of
// nothing, whatever becomes of the workers.
func TestHandoverOfDatagrams(t *testing.T) {
	e2e.OnlyBaton(t, "nginx begins new sessions")
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, o, all := startDatagramSite(t, datagramSite, 20)
			for range 2 {
				old := b.Workers()
				event(b)
				b.WaitGone(old, goneBound)
				progressOfDatagrams(t, all)
			}
			endDatagrams(t, b, o, all)
		})
	}
}

// The full numbers are for a quiet machine: BATON_STORM=1.
func TestHandoverOfDatagramsOverAndOver(t *testing.T) {
	e2e.OnlyBaton(t, "nginx begins new sessions")
	t.Parallel()
	if os.Getenv("BATON_STORM") != "" {
		moveDatagrams(t, 100, 20, 5)
		return
	}
	moveDatagrams(t, 20, 2, 1)
}

func moveDatagrams(t *testing.T, clients, reloads, upgrades int) {
	b, o, all := startDatagramSite(t, datagramSite, clients)
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
		progressOfDatagrams(t, all)
	}
	if report := b.Run("-s", "reload"); !strings.Contains(report.Output+report.Errors, fmt.Sprintf(" %d session connections moved", clients)) {
		t.Errorf("-s reload says %+v", report)
	}
	t.Logf("workers were gone %v after a reload at the latest", worst)
	endDatagrams(t, b, o, all)
}

// Sessions follow their socket when there are more workers, and fewer, than before;
// each worker gets its share of new ones.
func TestHandoverOfDatagramsToOtherWorkers(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx begins new sessions")
	site := strings.Replace(datagramSite, "worker_processes 2;", "worker_processes 1;", 1)
	site = strings.Replace(site, "server { listen {{ready}}", `server { listen {{who}} udp; access_log off; return "$pid"; } server { listen {{ready}}`, 1)
	b, o, all := startDatagramSite(t, site, 20)
	before := "worker_processes 1;"
	for _, n := range []int{4, 2, 3} {
		now := fmt.Sprintf("worker_processes %d;", n)
		b.Rewrite(before, now)
		before = now
		b.WaitGone(b.Reload(), goneBound)
		b.WaitWorkers(n)
		progressOfDatagrams(t, all)
		answered := make(map[string]bool)
		for range 100 {
			answered[askOnce(t, b, "who")] = true
		}
		if len(answered) != n {
			t.Errorf("%d workers: %d of them have answered 100 clients", n, len(answered))
		}
	}
	endDatagrams(t, b, o, all)
}

// askOnce is what the server at an address answers to a client of its own.
func askOnce(t *testing.T, b *e2e.Server, name string) string {
	t.Helper()
	_, address := b.Address(name)
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	room := make([]byte, 64)
	_, err = c.Write([]byte("x"))
	n := 0
	if err == nil {
		n, err = c.Read(room)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(room[:n])
}

// A new worker that was killed before it has answered takes no session with it; the
// one in its place gets them.
func TestHandoverOfDatagramsToAKilledWorker(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx begins new sessions")
	b, o, all := startDatagramSite(t, strings.Replace(datagramSite, "worker_processes 2;", "", 1), 20)
	killTheHeir(t, b)
	progressOfDatagrams(t, all)
	endDatagrams(t, b, o, all)
}

// killTheHeir reloads a server of one worker, and kills the new worker when it has been
// offered something and has not answered. It returns when the old worker is gone.
func killTheHeir(t *testing.T, b *e2e.Server) {
	t.Helper()
	b.ExpectAlert(`exited on signal 9`)
	old := b.WaitWorkers(1)[0]
	b.Freeze(old)
	b.Signal(syscall.SIGHUP)
	heir := 0
	if !e2e.Eventually(goneBound, func() bool {
		for _, pid := range b.Workers() {
			if pid != old {
				heir = pid
			}
		}
		return heir != 0
	}) {
		t.Fatal("no new worker")
	}
	if !e2e.Eventually(goneBound, func() bool {
		return strings.Contains(b.Run("-s", "status").Output, fmt.Sprintf("%d: generation 1, slot 0, draining", old))
	}) {
		t.Fatal("the old worker is not told to go")
	}
	b.Freeze(heir)
	b.Kill(old, syscall.SIGCONT)
	b.WaitLog(fmt.Sprintf(`%d#\d+: gracefully shutting down`, old))
	b.Kill(heir, syscall.SIGKILL)
	b.WaitGone([]int{old, heir}, goneBound)
}

// A session of datagrams whose server passes nothing on any more goes on, or not, as
// handover_orphans says.
func TestHandoverOfDatagramsWithoutRoute(t *testing.T) {
	e2e.OnlyBaton(t, "nginx begins new sessions")
	for name, closes := range map[string]bool{"keep": false, "close": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := strings.Replace(datagramSite, "daemon on;", "daemon on; handover_orphans "+name+";", 1)
			b, o, all := startDatagramSite(t, site, 4)
			finishDatagrams(t, all)
			b.Rewrite("proxy_pass "+o.address+"; proxy_timeout 1h;", `return "new";`)
			b.WaitGone(b.Reload(), goneBound)
			room := make([]byte, 64)
			for _, s := range all {
				ask := func() string {
					_, err := s.conn.Write([]byte("hello"))
					n := 0
					if err == nil {
						n, err = s.conn.Read(room)
					}
					if err != nil {
						t.Fatal(err)
					}
					return string(room[:n])
				}
				if closes {
					if !e2e.Eventually(goneBound, func() bool { return ask() == "new" }) {
						t.Error("the orphan is served on")
					}
					continue
				}
				if got := ask(); got != "hello" {
					t.Errorf("heard %q", got)
				}
				b.WaitGone(b.Reload(), goneBound) // it moves once more
				if got := ask(); got != "hello" {
					t.Errorf("heard %q", got)
				}
			}
			o.want(t, len(all))
		})
	}
}
