package stream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
)

// A socket for datagrams and all its sessions go to one heir: the one that will read
// it. Until then it is read here.
//
//	read --pause--> paused: what comes waits in the socket
//	  ^               |  each session is frozen, offered, answered
//	  +-- heir died --+
//	                  +--> stopped: the heir has all of them, and reads
//
// The claim on the socket (see [poll.Port.Claim]) is what tells the heir when.

// Bounds of what a draining worker waits for.
const (
	// heirWait is for an heir in the place of one that has died: until then the socket
	// is read here.
	heirWait = 5 * time.Second
	// phasesWait is for sessions that have no upstream yet. Nobody reads meanwhile.
	phasesWait = time.Second
	// sendWait is for answers that the kernel has no room for.
	sendWait = time.Second
)

// errUnsettled: a session has not come through the phases in time.
var errUnsettled = errors.New("session has no upstream yet")

// giveSockets returns when no socket for datagrams is read here any more.
func (g *giver) giveSockets(ctx context.Context) {
	left := g.worker.receivers()
	if len(left) == 0 {
		return
	}
	late := time.NewTimer(heirWait)
	defer late.Stop()
	for left = g.giveAll(ctx, left); len(left) > 0; left = g.giveAll(ctx, left) {
		select {
		case <-g.others:
			continue
		case <-late.C:
		case <-ctx.Done():
		}
		for _, d := range left {
			g.worker.onReactor(d.stop)
		}
		return
	}
}

// giveAll gives sockets to the heirs that are to read them. It returns those that
// another heir may be for; those that are for none are stopped.
func (g *giver) giveAll(ctx context.Context, sockets []*datagramSocket) (left []*datagramSocket) {
	found := g.findReaders(sockets)
	for i, d := range sockets {
		switch {
		case found[i].heir != nil:
			if !g.giveSocket(ctx, d, found[i].heir) {
				left = append(left, d)
			}
		case found[i].unsure:
			left = append(left, d)
		default:
			g.worker.onReactor(d.stop)
		}
	}
	return left
}

// A reader is who will read a socket.
type reader struct {
	heir   *handover.Sender // nil: not found
	unsure bool             // somebody has not answered
}

// findReaders asks the heirs which of the sockets they have.
func (g *giver) findReaders(sockets []*datagramSocket) []reader {
	found := make([]reader, len(sockets))
	all := g.heirs.Heirs()
	for i := range found {
		found[i].unsure = len(all) == 0
	}
	for _, heir := range all {
		var items []handover.Item
		var answers sync.WaitGroup
		for i, d := range sockets {
			if found[i].heir != nil || d.cookie == 0 {
				continue
			}
			rec, err := handover.NewRecord(kindSocket, versionOne, 0, &socketState{d.cookie})
			if err != nil {
				continue
			}
			answers.Add(1)
			items = append(items, handover.Item{Record: rec, Done: func(err error) {
				if err == nil {
					found[i].heir = heir
				} else if another(err) {
					found[i].unsure = true
				}
				answers.Done()
			}})
		}
		if len(items) > 0 {
			g.heirs.OfferTo(heir, items)
			answers.Wait()
		}
	}
	return found
}

// another reports whether what came back with err may be for another heir.
func another(err error) bool {
	var refused *handover.Refused
	return !errors.As(err, &refused) || refused.Reason == heirs.ErrEnded.Error()
}

// giveSocket gives d, with its sessions, to heir. It reports false when that was lost
// meanwhile: then d is read here again.
func (g *giver) giveSocket(ctx context.Context, d *datagramSocket, heir *handover.Sender) bool {
	d.pause(true)
	for g.calm(ctx, d) {
		some := g.worker.dialogues(d)
		if len(some) == 0 {
			if d.stopWithout() {
				return true
			}
			continue
		}
		if !g.giveDialogues(some, d, heir) {
			break
		}
	}
	d.pause(false)
	return false
}

// calm waits until what was read from d is with sessions that can move. It reports
// false when ctx has ended.
func (g *giver) calm(ctx context.Context, d *datagramSocket) bool {
	late := time.NewTimer(phasesWait)
	defer late.Stop()
	for {
		g.worker.onReactor(func() {}) // behind a read, and what it has posted
		waits := g.worker.unsettled(d)
		if len(waits) == 0 {
			return true
		}
		select {
		case <-g.calmer:
		case <-ctx.Done():
			return false
		case <-late.C:
			for _, s := range waits {
				s.settles(errUnsettled)
			}
		}
	}
}

// settled tells the giver that a session is not in the phases any more. Needs w.mu.
func (w *Worker) settled() {
	if w.giver != nil {
		token(w.giver.calmer)
	}
}

// unsettled are the sessions of d that cannot move yet.
func (w *Worker) unsettled(d *datagramSocket) []*Session {
	return w.those(d, func(s *Session) bool { return !s.relaying })
}

// dialogues are the sessions of d that can.
func (w *Worker) dialogues(d *datagramSocket) []*Session {
	return w.those(d, func(s *Session) bool { return s.relaying })
}

func (w *Worker) those(d *datagramSocket, are func(*Session) bool) (found []*Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := w.first; s != nil; s = s.next {
		if s.dialogue != nil && s.dialogue.socket == d && !s.stays && are(s) {
			found = append(found, s)
		}
	}
	return found
}

// stopWithout stops d unless it has sessions that are to move: it may have got some
// from a worker before this one.
func (d *datagramSocket) stopWithout() bool {
	d.mu.Lock()
	if len(d.worker.those(d, func(*Session) bool { return true })) > 0 {
		d.mu.Unlock()
		return false
	}
	again := d.stopped
	d.giveUp()
	d.mu.Unlock()
	if !again {
		d.worker.stopped()
	}
	return true
}

// giveDialogues offers sessions to heir, and waits for the answers. It reports false
// when the heir was lost.
func (g *giver) giveDialogues(sessions []*Session, d *datagramSocket, heir *handover.Sender) bool {
	var answers sync.WaitGroup
	var mu sync.Mutex
	lost := false
	for some := range slices.Chunk(sessions, handover.MaxRecords/2) {
		var items []handover.Item
		for _, s := range g.freezeDialogues(some, d) {
			item, err := s.dialogueItem()
			if err != nil {
				s.settles(err)
				s.thawDialogue()
				continue
			}
			answers.Add(1)
			item.Done = func(err error) {
				defer answers.Done()
				if err == nil {
					g.heirs.Moved(movedSession)
					s.gone()
					return
				}
				if !another(err) || errors.Is(err, handover.ErrTakenBack) {
					s.settles(err)
				}
				s.thawDialogue()
				mu.Lock()
				defer mu.Unlock()
				lost = lost || another(err)
			}
			items = append(items, item)
		}
		g.heirs.OfferTo(heir, items)
	}
	answers.Wait()
	return !lost
}

// freezeDialogues stops sessions, and returns those that have not ended. What they
// have answered has left, in the order in which it came.
func (g *giver) freezeDialogues(some []*Session, d *datagramSocket) (frozen []*Session) {
	sent := make(chan struct{})
	g.worker.onReactor(func() {
		for _, s := range some {
			if s.sockets[1] = s.partner.Freeze(); s.sockets[1] != nil {
				frozen = append(frozen, s)
			}
		}
		d.out.whenSent(func() { close(sent) })
	})
	late := time.NewTimer(sendWait)
	defer late.Stop()
	select {
	case <-sent:
	case <-late.C:
	}
	return frozen
}

// thawDialogue lets a frozen session of datagrams go on here.
func (s *Session) thawDialogue() {
	socket := s.sockets[1]
	s.sockets[1], s.shared = nil, true
	s.partner.Thaw(socket)
}
