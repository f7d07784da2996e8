package proxy_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
)

// A fakeHeir has all sockets, and does with sessions what take says.
type fakeHeir struct {
	sender *handover.Sender
	done   chan error

	mu   sync.Mutex
	kept []*fd.Owned
}

type fakeSession struct {
	h     *fakeHeir
	files []*fd.Owned
}

func (s fakeSession) Start() {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.kept = append(s.h.kept, s.files...)
}

func (s fakeSession) Drop() { fd.CloseAll(s.files) }

func newFakeHeir(t *testing.T, take func(n int, die func()) error) *fakeHeir {
	t.Helper()
	ours, theirs, err := fd.Pair()
	if err != nil {
		t.Fatal(err)
	}
	h := &fakeHeir{done: make(chan error, 1)}
	n := 0
	accept := func(_ *handover.Record, files []*fd.Owned) (handover.Taken, error) {
		n++
		if err := take(n, func() { _ = theirs.Close() }); err != nil {
			fd.CloseAll(files)
			return nil, err
		}
		return fakeSession{h, files}, nil
	}
	has := func(_ *handover.Record, files []*fd.Owned) (handover.Taken, error) {
		fd.CloseAll(files)
		return fakeSession{h: h}, nil
	}
	r := handover.NewReceiver(theirs, map[string]handover.Kind{
		"stream/udp": {Version: 1, Accept: accept}, "stream/socket": {Version: 1, Accept: has},
	}, nil)
	go func() { h.done <- r.Run() }()
	h.sender = handover.NewSender(ours, 0, nil)
	t.Cleanup(func() {
		fd.CloseAll(h.kept)
	})
	return h
}

// An heir that dies with sessions before it answers leaves them here, where they are
// served on until another heir comes; what an heir refuses stays for good.
func TestDatagramsWhoseHeirDies(t *testing.T) {
	b, at := startBackend(t, echoes), freeUDP(t)
	s := serve(t, fmt.Sprintf("server { listen %s udp; proxy_pass %s; proxy_timeout 1h; }", at, b))
	var clients []*client
	ask := func() {
		t.Helper()
		for i, c := range clients {
			if got := c.ask(fmt.Sprint(i)); got != fmt.Sprint(i) {
				t.Errorf("client %d heard %q", i, got)
			}
		}
	}
	for range 10 {
		clients = append(clients, dial(t, at))
	}
	ask()
	set := heirs.New()
	mortal := newFakeHeir(t, func(_ int, die func()) error {
		die()
		return nil
	})
	set.Adopt([]*handover.Sender{mortal.sender}, false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Worker.HandOver(ctx, set) }()
	<-mortal.done
	<-mortal.sender.Ended()
	ask()
	if tally := set.Tally(); len(tally.Moved) != 0 || len(tally.Stayed) != 0 {
		t.Errorf("the dead one has %+v", tally)
	}
	full := newFakeHeir(t, func(n int, _ func()) error {
		if n == 3 {
			return heirs.ErrNoRoom
		}
		return nil
	})
	set.Adopt([]*handover.Sender{full.sender}, false)
	for set.Tally().Moved["session"] < 9 {
		time.Sleep(time.Millisecond)
		if ctx.Err() != nil {
			t.Fatalf("nothing moves: %+v", set.Tally())
		}
	}
	if tally := set.Tally(); tally.Stayed[heirs.ErrNoRoom.Error()] != 1 {
		t.Errorf("stayed: %+v", tally)
	}
	select {
	case err := <-ended:
		t.Errorf("one session is left, and the worker has ended: %v", err)
	default:
	}
	s.Worker.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	set.Close()
	<-full.done
	peers := make(map[string]bool)
	for len(b.from) > 0 {
		peers[<-b.from] = true
	}
	if len(peers) != len(clients) {
		t.Errorf("the upstream knows %d addresses of %d clients", len(peers), len(clients))
	}
}
