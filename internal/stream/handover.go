package stream

import (
	"context"
	"errors"
	"sync"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
)

// movedSession is what a session is called in reports.
const movedSession = "session"

var (
	// errFrozen stops a tunnel that is to move.
	errFrozen  = errors.New("session is frozen")
	errSecured = errors.New("TLS that cannot move")
	errClosed  = errors.New("session is closed")
)

// A giver gives the sessions of a draining worker to its heirs.
//
//	relayed --Stop--> frozen --offer--> offered --ack--> closed here
//	   ^                ^ |                |
//	   |                | +--- no heir ----+
//	   |                +-- another heir --+
//	   +------------------------ refused, or no heir
//
// What is not relayed yet stays until it is.
type giver struct {
	worker *Worker
	heirs  *heirs.Set
	wake   chan struct{} // holds a token when there may be something to do
	others chan struct{} // ... when there may be other heirs
	calmer chan struct{} // ... when a session is through the phases, or has ended

	mu     sync.Mutex // guards what follows
	moving []*Session // their tunnels are to be stopped; taken from the end
	frozen []*Session
	over   bool // nothing is offered any more
}

// HandOver is [Worker.Drain] for a worker with heirs: it offers them every session
// that is relayed, and each socket for datagrams with its sessions to the one that is
// to read it. It returns when no session is left, or ctx ends and the rest is closed.
func (w *Worker) HandOver(ctx context.Context, to *heirs.Set) error {
	g := &giver{worker: w, heirs: to, wake: make(chan struct{}, 1), others: make(chan struct{}, 1), calmer: make(chan struct{}, 1)}
	to.OnChange(func() {
		g.look()
		token(g.others)
	})
	w.StopAccepting()
	w.mu.Lock()
	w.draining, w.giver = true, g
	w.left()
	w.mu.Unlock()
	g.look()
	var sockets sync.WaitGroup
	sockets.Go(func() { g.giveSockets(ctx) })
	err := g.give(ctx)
	if err != nil {
		w.Close()
		g.release()
		<-w.empty
	}
	sockets.Wait()
	w.reactor.Post(w.closeSockets) // behind what is still to be sent
	return err
}

// look makes the list of sessions that can move now.
func (g *giver) look() {
	w := g.worker
	var found []*Session
	w.mu.Lock()
	for s := w.first; s != nil; s = s.next {
		if s.tunnel != nil && s.relaying && !s.stays && !s.frozen {
			found = append(found, s)
		}
	}
	w.mu.Unlock()
	g.mu.Lock()
	g.moving = found
	g.mu.Unlock()
	g.signal()
}

func (g *giver) signal() { token(g.wake) }

func token(into chan struct{}) {
	select {
	case into <- struct{}{}:
	default:
	}
}

// push takes a frozen session, which is the giver's from here on.
func (g *giver) push(s *Session) {
	g.mu.Lock()
	over := g.over
	if !over {
		g.frozen = append(g.frozen, s)
	}
	g.mu.Unlock()
	if over {
		s.thaw()
		return
	}
	g.signal()
}

// release lets all go on that wait, and that come back.
func (g *giver) release() {
	g.mu.Lock()
	g.over = true
	waiting := g.frozen
	g.frozen = nil
	g.mu.Unlock()
	for _, s := range waiting {
		s.thaw()
	}
}

// give offers until no session is left.
func (g *giver) give(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-g.worker.empty:
			return nil
		default:
			if batch := g.gather(); len(batch) > 0 {
				g.offer(batch)
				continue
			}
			if g.stopSome() {
				continue
			}
			select {
			case <-g.wake:
			case <-ctx.Done():
				return ctx.Err()
			case <-g.worker.empty:
				return nil
			}
		}
	}
}

// stopSome freezes some of the sessions that look has found, so many that each waits
// for no more than the offers on their way; it reports whether there were any.
func (g *giver) stopSome() bool {
	if !g.heirs.Any() {
		return false
	}
	g.mu.Lock()
	n := max(0, len(g.moving)-handover.MaxRecords/2)
	some := g.moving[n:]
	g.moving = g.moving[:n]
	g.mu.Unlock()
	for _, s := range some {
		s.freeze()
	}
	return len(some) > 0
}

// gather returns the sessions of the next offer.
func (g *giver) gather() []*Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.frozen), handover.MaxRecords)
	batch := append([]*Session(nil), g.frozen[:n]...)
	g.frozen = append(g.frozen[:0], g.frozen[n:]...)
	return batch
}

// offer offers frozen sessions.
func (g *giver) offer(batch []*Session) {
	var items []handover.Item
	for _, s := range batch {
		item, err := g.item(s)
		if err != nil {
			g.stay(s, err)
			continue
		}
		items = append(items, item)
	}
	g.heirs.Offer(items)
}

// item makes the record of s, and takes its sockets out of the reactor.
func (g *giver) item(s *Session) (handover.Item, error) {
	for side, held := range s.sockets {
		if held != nil {
			continue
		}
		if s.sockets[side] = s.tunnel.Ends[side].Conn.Detach(); s.sockets[side] == nil {
			return handover.Item{}, errClosed
		}
	}
	rec, apart, err := s.record()
	if err != nil {
		return handover.Item{}, err
	}
	files := s.sockets[:]
	if apart != nil {
		files = append(files[:2:2], apart)
	}
	return handover.Item{Record: rec, Files: files, Done: func(err error) {
		if err == nil {
			g.heirs.Moved(movedSession)
			s.gone()
			return
		}
		if apart != nil {
			apart.Close() // it is made anew for another offer
		}
		if g.heirs.Another(err) {
			g.push(s)
			return
		}
		g.stay(s, err)
	}}, nil
}

// stay lets s go on here: to its end, or until there is another heir.
func (g *giver) stay(s *Session, why error) {
	if !errors.Is(why, handover.ErrPeerGone) {
		s.settles(why)
	}
	if errors.Is(why, errClosed) {
		s.holder.Ended(poll.Ending{Err: why})
		return
	}
	s.thaw()
}

// settles notes that s does not move.
func (s *Session) settles(why error) {
	w := s.worker
	w.mu.Lock()
	again := s.stays
	s.stays = true
	w.mu.Unlock()
	if !again {
		w.giver.heirs.Stayed(why)
	}
}

// freeze stops the tunnel of a session that is to move. The giver gets it when
// nobody reads or writes any more.
func (s *Session) freeze() {
	if s.movable() {
		s.tunnel.Stop(errFrozen)
		return
	}
	s.settles(errSecured)
}

// movable reports whether TLS, if there is any, can go on elsewhere.
func (s *Session) movable() bool {
	for _, e := range s.tunnel.Ends {
		if over, is := e.Stream.(*tls.Stream); is && !over.Movable() {
			return false
		}
	}
	return true
}

// departs reports whether s is to be handed over as soon as it can. Needs w.mu.
func (s *Session) departs() bool {
	g := s.worker.giver
	return g != nil && !s.stays && g.heirs.Any()
}

// thaw lets a frozen session go on here.
func (s *Session) thaw() {
	w := s.worker
	for side, o := range s.sockets {
		if o != nil {
			s.shared = true
			w.reactor.Add(s.tunnel.Ends[side].Conn, o.Take(), nil)
			s.sockets[side] = nil
		}
	}
	s.holder.Thawed()
	s.tunnel.Pending = [2][]byte{s.tunnel.Unsent(0), s.tunnel.Unsent(1)}
	wakeTLS(s.tunnel)
	s.tunnel.Restart()
	w.mu.Lock()
	s.frozen = false
	doom := s.doom
	w.mu.Unlock()
	if doom != nil {
		s.tunnel.Stop(doom)
	}
}

// wakeTLS has a tunnel that is to begin look at its ends at once where TLS has bytes
// that no socket will tell of.
func wakeTLS(t *poll.Tunnel) {
	for side := range t.Ends {
		over, is := t.Ends[side].Stream.(*tls.Stream)
		if !is {
			continue
		}
		if over.Buffered() && t.Pending[side] == nil {
			t.Pending[side] = []byte{}
		}
		if over.Unsent() && t.Pending[1-side] == nil {
			t.Pending[1-side] = []byte{}
		}
	}
}

// gone ends what is left of a session that is another worker's.
func (s *Session) gone() {
	s.ended = true
	s.sockets = [2]*fd.Owned{}
	if s.dialogue != nil {
		s.dialogue.socket.forget(s)
		s.partner.Moved()
		s.Leave()
	} else {
		s.holder.Moved()
	}
	for _, f := range s.endings {
		f()
	}
	s.worker.leave(s)
}
