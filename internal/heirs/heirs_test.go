package heirs_test

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
)

const patience = 30 * time.Second

// An heir takes records whose state is a number, unless it is told not to.
type heir struct {
	refuses error
	done    chan error

	mu    sync.Mutex
	taken []int
}

type started struct {
	h *heir
	n int
}

func (s started) Start() {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.taken = append(s.h.taken, s.n)
}

func (s started) Drop() {}

func (h *heir) accept(r *handover.Record, files []*fd.Owned) (handover.Taken, error) {
	fd.CloseAll(files)
	var n int
	if err := r.Decode(&n); err != nil {
		return nil, err
	}
	return started{h, n}, h.refuses
}

// newHeir starts an heir and returns the way to it, and its end of the channel.
func newHeir(t *testing.T, refuses error) (*heir, *handover.Sender, *fd.Channel) {
	t.Helper()
	ours, theirs, err := fd.Pair()
	if err != nil {
		t.Fatal(err)
	}
	h := &heir{refuses: refuses, done: make(chan error, 1)}
	receiver := handover.NewReceiver(theirs, map[string]handover.Kind{"test": {Version: 1, Accept: h.accept}}, nil)
	go func() { h.done <- receiver.Run() }()
	return h, handover.NewSender(ours, patience, nil), theirs
}

// offer offers numbers, and returns what became of them, in their order, when all
// are answered.
func offer(t *testing.T, n int, give func([]handover.Item)) []error {
	t.Helper()
	results := make([]error, n)
	var all sync.WaitGroup
	var items []handover.Item
	for i := range n {
		rec, err := handover.NewRecord("test", 1, 0, i)
		if err != nil {
			t.Fatal(err)
		}
		all.Add(1)
		items = append(items, handover.Item{Record: rec, Done: func(err error) {
			results[i] = err
			all.Done()
		}})
	}
	give(items)
	all.Wait()
	return results
}

func (h *heir) has() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

// finish ends a set, and waits for its heirs, so that all that they have taken is
// started.
func finish(t *testing.T, s *heirs.Set, all ...*heir) {
	t.Helper()
	s.Close()
	for _, h := range all {
		select {
		case <-h.done:
		case <-time.After(patience):
			t.Fatal("an heir does not hear of the end")
		}
	}
}

func TestHeirsTakeTurns(t *testing.T) {
	s := heirs.New()
	changes := 0
	s.OnChange(func() { changes++ })
	if s.Any() || (*heirs.Set)(nil).Any() {
		t.Error("there are heirs already")
	}
	for _, err := range offer(t, 3, s.Offer) {
		if err != handover.ErrPeerGone {
			t.Errorf("without heirs: %v", err)
		}
	}
	one, first, _ := newHeir(t, nil)
	two, second, _ := newHeir(t, nil)
	s.Adopt([]*handover.Sender{first}, false)
	s.Adopt([]*handover.Sender{second}, false)
	if !s.Any() || s.Len() != 2 || changes != 2 || !slices.Equal(s.Heirs(), []*handover.Sender{first, second}) {
		t.Errorf("%d heirs, %d changes", s.Len(), changes)
	}
	for range 4 {
		for _, err := range offer(t, 3, s.Offer) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	for _, err := range offer(t, 5, func(items []handover.Item) { s.OfferTo(second, items) }) {
		if err != nil {
			t.Error(err)
		}
	}
	finish(t, s, one, two)
	if len(one.has()) != 6 || len(two.has()) != 11 {
		t.Errorf("%v and %v", one.has(), two.has())
	}
}

// An heir that dies is not offered anything more, the others are.
func TestHeirThatDies(t *testing.T) {
	s := heirs.New()
	dead, first, end := newHeir(t, nil)
	alive, second, _ := newHeir(t, nil)
	s.Adopt([]*handover.Sender{first, second}, false)
	_ = end.Close()
	<-dead.done
	<-first.Ended()
	for _, err := range offer(t, 3, func(items []handover.Item) { s.OfferTo(first, items) }) {
		if err != handover.ErrPeerGone || !s.Another(err) {
			t.Errorf("to the dead one: %v", err)
		}
	}
	for range 3 {
		for _, err := range offer(t, 2, s.Offer) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	if s.Len() != 1 {
		t.Errorf("%d heirs", s.Len())
	}
	finish(t, s, alive)
	if n := len(alive.has()); n != 6 {
		t.Errorf("%d of 6 were taken", n)
	}
	if s.Any() || s.Another(handover.ErrPeerGone) {
		t.Error("there are heirs after the end")
	}
}

func TestHeirsInThePlaceOfOthers(t *testing.T) {
	s := heirs.New()
	old, first, _ := newHeir(t, nil)
	now, second, _ := newHeir(t, nil)
	s.Adopt([]*handover.Sender{first}, false)
	offer(t, 2, s.Offer)
	s.Adopt([]*handover.Sender{second}, true)
	if err := <-old.done; err != nil {
		t.Errorf("the earlier one: %v", err)
	}
	offer(t, 3, s.Offer)
	finish(t, s, now)
	if !slices.Equal(old.has(), []int{0, 1}) || !slices.Equal(now.has(), []int{0, 1, 2}) {
		t.Errorf("%v and %v", old.has(), now.has())
	}
}

// Whether something may be offered again depends on why it came back.
func TestReasonsToAskAnother(t *testing.T) {
	s := heirs.New()
	ends, first, _ := newHeir(t, heirs.ErrEnded)
	full, second, _ := newHeir(t, heirs.ErrNoRoom)
	s.Adopt([]*handover.Sender{first, second}, false)
	for _, c := range []struct {
		to   *handover.Sender
		want error
		more bool
	}{{first, heirs.ErrEnded, true}, {second, heirs.ErrNoRoom, false}} {
		for _, err := range offer(t, 2, func(items []handover.Item) { s.OfferTo(c.to, items) }) {
			if heirs.Reason(err) != c.want.Error() || s.Another(err) != c.more {
				t.Errorf("%v: another %v", err, s.Another(err))
			}
		}
	}
	if s.Another(handover.ErrTakenBack) || heirs.Reason(io.EOF) != "EOF" {
		t.Error("what was taken back is offered again")
	}
	s.Moved("idle")
	s.Moved("idle")
	s.Stayed(&handover.Refused{Reason: "full"})
	s.Stayed(errors.New("other"))
	tally := s.Tally()
	if tally.Moved["idle"] != 2 || tally.Stayed["full"] != 1 || tally.Stayed["other"] != 1 || tally.Took <= 0 {
		t.Errorf("%+v", tally)
	}
	tally.Moved["idle"] = 7
	if s.Tally().Moved["idle"] != 2 {
		t.Error("a tally is not a copy")
	}
	finish(t, s, ends, full)
}

func TestPiecesTravelApart(t *testing.T) {
	file, err := heirs.Apart([]byte("abc"), nil, []byte("de"))
	if err != nil {
		t.Fatal(err)
	}
	copied, err := file.Dup()
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := heirs.Together(file, 3, 0, 2)
	if err != nil || string(pieces[0]) != "abc" || len(pieces[1]) != 0 || string(pieces[2]) != "de" {
		t.Errorf("%q, %v", pieces, err)
	}
	for _, sizes := range [][]int{{3, 1}, {3, 3}, {6, -1}, {}} {
		again, err := copied.Dup()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := heirs.Together(again, sizes...); err != heirs.ErrState {
			t.Errorf("%v: %v", sizes, err)
		}
	}
	copied.Close()
}
