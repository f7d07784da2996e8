package process

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// Workers hand connections to each other over channels of their own, of which
// the master only gives each of the two its end. The master of another binary
// gets the ends for its workers over the channel between the masters.

// fan is how many heirs a draining worker gets at most.
const fan = 16

// handOver gives the workers of old, and those of generations before it that
// still drain, channels to the workers of the current one.
func (m *master) handOver(old *generation) {
	next := m.current
	if !old.conf.Handover || !next.conf.Handover {
		return
	}
	var heirs, from []*worker
	for _, w := range m.byGeneration() {
		switch {
		case w.gen == next && w.state == active:
			heirs = append(heirs, w)
		case w.gen != next && w.gives():
			from = append(from, w)
		}
	}
	m.join(from, len(heirs), true, func(heir int, p packet) { heirs[heir].link.send(p) })
}

// enrich gives those who drain already a channel to a worker that replaces a
// dead one.
func (m *master) enrich(heir *worker) {
	if !heir.gen.conf.Handover {
		return
	}
	var from []*worker
	for _, w := range m.byGeneration() {
		if w.gen != heir.gen && w.state == draining && w.gives() {
			from = append(from, w)
		}
	}
	m.join(from, 1, false, func(_ int, p packet) { heir.link.send(p) })
}

// bequeath gives the workers of g, all of them when g is nil, channels to the
// workers of the other master.
func (m *master) bequeath(g *generation) {
	if m.peer == nil || m.peer.workers == 0 || !m.current.settings().Handover {
		return
	}
	var from []*worker
	for _, w := range m.byGeneration() {
		if (g == nil || w.gen == g) && w.gives() {
			from = append(from, w)
		}
	}
	m.join(from, m.peer.workers, true, func(heir int, p packet) {
		p.Slot = heir
		m.peer.link.send(p)
	})
}

// gives says whether w has, or may have, connections to give.
func (w *worker) gives() bool {
	return w.gen.conf.Handover && (w.state == active || w.state == draining)
}

// join connects each worker of from with some of so many heirs, so that all of
// these get their share. First is the one in its own place, as it is likely to have
// the same sockets.
func (m *master) join(from []*worker, heirs int, instead bool, give func(heir int, p packet)) {
	if heirs == 0 {
		return
	}
	n := min(heirs, fan)
	for _, w := range from {
		p := packet{message: message{Kind: kindHeirs, Instead: instead}}
		for k := range n {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				m.complain(LevelAlert, failed(err, "socketpair() for handover"))
				break
			}
			p.files = append(p.files, fd.New(pair[0]))
			give((w.slot+k*heirs/n)%heirs, packet{
				message: message{Kind: kindAccept, Channels: 1}, files: []*fd.Owned{fd.New(pair[1])},
			})
		}
		if p.Channels = len(p.files); p.Channels > 0 {
			w.link.send(p)
		}
	}
}

// handoverVar names the channel between the masters: "BATON_HANDOVER=8". An
// nginx does not look at it.
const handoverVar = "BATON_HANDOVER"

// maxPeerWorkers bounds what another master may say of its workers.
const maxPeerWorkers = 4096

// A peer is the other master, before or after an upgrade, that can have
// connections handed over to its workers.
type peer struct {
	link    *link
	workers int    // that accept; 0: none, or not yet
	greeted bool   // it has spoken, or nobody waits any more for it to do so
	waits   func() // for that; nil: nothing
}

// newPeer begins to talk to the master at the other end of ch.
func (m *master) newPeer(ch *fd.Channel) {
	p := &peer{}
	p.link = m.newLink(ch,
		func(got packet) { m.heardPeer(p, got) },
		func(error) {},
		func() {
			if m.peer == p {
				m.closePeer()
			}
		})
	m.peer = p
	m.after(helloBound, p.greet)
	m.greet()
}

// greet does what had to wait for p.
func (p *peer) greet() {
	p.greeted = true
	if waits := p.waits; waits != nil {
		p.waits = nil
		waits()
	}
}

// helloBound is how long after its start a new master is given to say that it has
// workers to hand over to, before ours drain without them: it may be an nginx, or
// refuse to start.
const helloBound = 2 * time.Second

// whenGreeted calls f, at the latest after helloBound, when the other master has
// spoken, if there is one.
func (m *master) whenGreeted(f func()) {
	if m.peer == nil || m.peer.greeted || !m.current.settings().Handover {
		f()
		return
	}
	m.peer.waits = f
}

// heardPeer handles what the other master says.
func (m *master) heardPeer(p *peer, got packet) {
	switch got.Kind {
	case kindHello:
		p.workers = got.Workers
		p.greet()
	case kindAccept:
		m.forward(got)
	default:
		fd.CloseAll(got.files)
	}
}

// forward gives ends of channels to a worker of ours.
func (m *master) forward(p packet) {
	var heirs []*worker
	for _, w := range m.byGeneration() {
		if w.gen == m.current && w.state <= active { // a fresh one will, when it is ready
			heirs = append(heirs, w)
		}
	}
	if len(heirs) == 0 || !m.current.conf.Handover {
		fd.CloseAll(p.files)
		return
	}
	heir := heirs[p.Slot%len(heirs)]
	p.Slot = 0
	heir.link.send(p)
}

// greet tells the other master how many workers of ours accept. Before it serves
// itself, a new one says nothing.
func (m *master) greet() {
	if m.peer == nil || m.phase == starting {
		return
	}
	n := 0
	if m.phase == running && !m.noaccept && m.current.conf.Handover {
		n = m.current.conf.workers()
	}
	m.peer.link.send(packet{message: message{Kind: kindHello, Workers: n}})
}

func (m *master) closePeer() {
	if p := m.peer; p != nil {
		m.peer = nil
		p.link.close()
		p.greet() // nobody will
	}
}

// inheritPeer takes the channel that BATON_HANDOVER= names, and the variable
// away. taken are descriptors that have an owner already.
func (m *master) inheritPeer(taken map[int]bool) {
	value, ok := os.LookupEnv(handoverVar)
	if !ok {
		return
	}
	os.Unsetenv(handoverVar)
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil || n < 3 || taken[int(n)] || !m.inherited {
		return
	}
	o := m.own(int(n), "channel")
	if o == nil {
		return
	}
	ch, err := fd.NewChannel(o)
	if err != nil {
		m.complain(LevelAlert, fmt.Errorf("%s: %w", handoverVar, err))
		return
	}
	m.newPeer(ch)
}

// add adds up what the workers of g report.
func (g *generation) add(r *Report) {
	if g.report == nil {
		g.report = &Report{Moved: map[string]int{}, Stayed: map[string]int{}}
	}
	for what, n := range r.Moved {
		g.report.Moved[printable(what)] += n
	}
	for why, n := range r.Stayed {
		g.report.Stayed[printable(why)] += n
	}
	g.report.Took = max(g.report.Took, r.Took)
}

// sane says whether a worker can have meant r.
func (r *Report) sane() bool {
	const most = 64
	for _, counts := range []map[string]int{r.Moved, r.Stayed} {
		if len(counts) > most {
			return false
		}
		for what, n := range counts {
			if n < 0 || len(what) > 256 {
				return false
			}
		}
	}
	return r.Took >= 0
}

// String is r as people read it: "200 idle, 3 busy connections moved in 12 ms,
// 1 stayed (1 unknown kind)".
func (r *Report) String() string {
	if len(r.Moved)+len(r.Stayed) == 0 {
		return "no connections to hand over"
	}
	moved, n := counted(r.Moved)
	text := "no connection moved"
	if n > 0 {
		text = fmt.Sprintf("%s %s moved in %d ms", moved, plural(n, "connection"), r.Took.Milliseconds())
	}
	if stayed, n := counted(r.Stayed); n > 0 {
		text += fmt.Sprintf(", %d stayed (%s)", n, stayed)
	}
	return text
}

func counted(counts map[string]int) (text string, sum int) {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[what]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
			sum += n
		}
	}
	return strings.Join(parts, ", "), sum
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
