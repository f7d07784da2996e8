package handover

import (
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

const patience = 10 * time.Second

// parcel is the state of test records.
type parcel struct {
	ID    int    `cbor:"1,keyasint"`
	Ahead string `cbor:"2,keyasint,omitempty"`
}

// taker is the new worker's side of a test.
type taker struct {
	mu      sync.Mutex
	started map[int]bool
	dropped map[int]bool
	refuse  map[int]string
}

func newTaker() *taker {
	return &taker{started: map[int]bool{}, dropped: map[int]bool{}, refuse: map[int]string{}}
}

func (k *taker) kinds() map[string]Kind {
	return map[string]Kind{"parcel": {Version: 2, Accept: k.accept}}
}

func (k *taker) accept(r *Record, files []*fd.Owned) (Taken, error) {
	var p parcel
	if err := r.Decode(&p); err != nil {
		fd.CloseAll(files)
		return nil, err
	}
	if why := k.refuse[p.ID]; why != "" {
		fd.CloseAll(files)
		return nil, errors.New(why)
	}
	return &taken{k, p.ID, files}, nil
}

func (k *taker) counts() (started, dropped int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.started), len(k.dropped)
}

type taken struct {
	k     *taker
	id    int
	files []*fd.Owned
}

func (t *taken) Start() {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	t.k.started[t.id] = true
	fd.CloseAll(t.files)
}

func (t *taken) Drop() {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	t.k.dropped[t.id] = true
	fd.CloseAll(t.files)
}

// giver makes items and counts what becomes of them.
type giver struct {
	t    testing.TB
	gone atomic.Int32
	mu   sync.Mutex
	back map[int]error
}

func newGiver(t testing.TB) *giver { return &giver{t: t, back: map[int]error{}} }

func (g *giver) item(id int) Item {
	g.t.Helper()
	f, err := fd.Memfd("parcel", []byte("x"))
	if err != nil {
		g.t.Fatal(err)
	}
	rec, err := NewRecord("parcel", 1, 1, parcel{ID: id})
	if err != nil {
		g.t.Fatal(err)
	}
	return Item{Record: rec, Files: []*fd.Owned{f}, Done: func(err error) {
		if err == nil {
			g.gone.Add(1)
			if f.Raw() != -1 {
				g.t.Errorf("item %d is gone, its descriptor is not", id)
			}
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if _, twice := g.back[id]; twice {
			g.t.Errorf("item %d came back twice", id)
		}
		g.back[id] = err
		if f.Close() != nil {
			g.t.Errorf("item %d came back without its descriptor", id)
		}
	}}
}

func (g *giver) returned() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.back)
}

func pair(t testing.TB) (a, b *fd.Channel) {
	t.Helper()
	a, b, err := fd.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func TestManyItemsMove(t *testing.T) {
	before := descriptors(t)
	a, b := pair(t)
	k, g := newTaker(), newGiver(t)
	k.refuse[7] = "seven\nis refused"
	done := make(chan error, 1)
	go func() { done <- NewReceiver(b, k.kinds(), nil).Run() }()
	s := NewSender(a, patience, nil)
	const n = 500
	var items []Item
	for i := range n {
		items = append(items, g.item(i))
	}
	if offered, err := s.Offer(items); offered != n || err != nil {
		t.Fatalf("%d offered, %v", offered, err)
	}
	s.Settle()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	started, dropped := k.counts()
	if started != n-1 || dropped != 0 || g.gone.Load() != n-1 {
		t.Errorf("%d started, %d dropped, %d gone", started, dropped, g.gone.Load())
	}
	var refused *Refused
	if err := g.back[7]; !errors.As(err, &refused) || refused.Reason != "seven is refused" {
		t.Errorf("the seventh: %v", err)
	}
	if now := descriptors(t); now > before {
		t.Errorf("%d descriptors, then %d", before, now)
	}
}

func TestUnknownKindsAndVersionsAreRefused(t *testing.T) {
	a, b := pair(t)
	k, g := newTaker(), newGiver(t)
	go func() { _ = NewReceiver(b, k.kinds(), nil).Run() }()
	s := NewSender(a, patience, nil)
	defer s.Close()
	strange, newer, fits := g.item(1), g.item(2), g.item(3)
	strange.Record.Kind = "letter"
	newer.Record.Version = 3
	state, _ := encoding.Marshal(map[int]any{1: 3, 9: "a field of a later version"})
	fits.Record.State, fits.Record.Version = state, 2
	if _, err := s.Offer([]Item{strange, newer, fits}); err != nil {
		t.Fatal(err)
	}
	s.Settle()
	eventually(t, "answers", func() bool { return g.returned() == 2 && g.gone.Load() == 1 })
	for id, want := range map[int]string{1: `refused: unknown kind "letter"`, 2: `refused: unknown version 3 of "parcel"`} {
		if got := g.back[id]; got.Error() != want {
			t.Errorf("%d: %v, want %s", id, got, want)
		}
	}
}

// Nobody answers: everything comes back, once, and an answer that comes later
// cannot be sent.
func TestDeadlineTakesBack(t *testing.T) {
	a, b := pair(t)
	g := newGiver(t)
	s := NewSender(a, 20*time.Millisecond, nil)
	if _, err := s.Offer([]Item{g.item(1), g.item(2)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deadline", func() bool { return g.returned() == 2 })
	if err := g.back[1]; !errors.Is(err, ErrTakenBack) {
		t.Errorf("came back with %v", err)
	}
	if _, err := s.Offer([]Item{g.item(3)}); !errors.Is(err, ErrEnded) {
		t.Errorf("Offer after the end: %v", err)
	}
	k := newTaker()
	if err := NewReceiver(b, k.kinds(), nil).Run(); err != nil {
		t.Fatal(err)
	}
	if started, dropped := k.counts(); started != 0 || dropped != 2 {
		t.Errorf("%d started, %d dropped", started, dropped)
	}
}

// An answer that is in the queue counts, however late it is read.
func TestAnswerBeforeTheDeadlineCounts(t *testing.T) {
	a, b := pair(t)
	k, g := newTaker(), newGiver(t)
	r := NewReceiver(b, k.kinds(), nil)
	hold := make(chan struct{})
	s := NewSender(slowChannel{a, hold}, 20*time.Millisecond, nil)
	go func() { _ = r.Run() }()
	if _, err := s.Offer([]Item{g.item(1)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the start", func() bool { n, _ := k.counts(); return n == 1 })
	eventually(t, "the deadline", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.ended })
	close(hold)
	<-s.Ended()
	if g.gone.Load() != 1 || g.returned() != 0 {
		t.Errorf("%d gone, %d came back", g.gone.Load(), g.returned())
	}
}

// slowChannel reads nothing before hold is closed.
type slowChannel struct {
	*fd.Channel
	hold chan struct{}
}

func (c slowChannel) Receive(buf []byte) ([]byte, []*fd.Owned, error) {
	<-c.hold
	return c.Channel.Receive(buf)
}

// A sender that nobody reads from does not fill the memory: it waits.
func TestOfferWaitsForAnswers(t *testing.T) {
	a, b := pair(t)
	k, g := newTaker(), newGiver(t)
	s := NewSender(a, patience, nil)
	var offered atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 10 {
			if _, err := s.Offer([]Item{g.item(i)}); err != nil {
				t.Error(err)
			}
			offered.Add(1)
		}
	}()
	eventually(t, "the window", func() bool { return offered.Load() == window })
	go func() { _ = NewReceiver(b, k.kinds(), nil).Run() }()
	<-done
	s.Settle()
	s.Close()
	if g.gone.Load() != 10 {
		t.Errorf("%d gone", g.gone.Load())
	}
}

func TestStrangeAnswersEndTheSender(t *testing.T) {
	for name, answer := range map[string]any{
		"another number":   message{Answer: 9},
		"an offer":         message{Offer: 1, Records: []Record{{Kind: "x", Version: 1, State: []byte{1}}}},
		"a wrong index":    message{Answer: 1, Refused: []refusal{{Index: 1}}},
		"no message":       "hello",
		"too many indexes": message{Answer: 1, Refused: []refusal{{Index: 0}, {Index: 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			g := newGiver(t)
			s := NewSender(a, patience, nil)
			if _, err := s.Offer([]Item{g.item(1)}); err != nil {
				t.Fatal(err)
			}
			bytes, err := encoding.Marshal(answer)
			if err == nil {
				err = b.Send(bytes)
			}
			if err != nil {
				t.Fatal(err)
			}
			<-s.Ended()
			if g.returned() != 1 {
				t.Error("nothing came back")
			}
			_, files, _ := b.Receive(make([]byte, fd.MaxMessage))
			fd.CloseAll(files)
		})
	}
}

// FuzzReceiver sends any bytes with any number of descriptors: the receiver
// neither panics nor keeps one open.
func FuzzReceiver(f *testing.F) {
	good, _ := encoding.Marshal(message{Offer: 1, Records: []Record{{Kind: "parcel", Version: 1, Files: 1, State: []byte{0xa1, 1, 2}}}})
	f.Add(good, byte(1))
	f.Add(good, byte(0))
	f.Add(good, byte(3))
	f.Add([]byte{0xa0}, byte(0))
	f.Fuzz(func(t *testing.T, msg []byte, n byte) {
		if len(msg) == 0 || len(msg) > fd.MaxMessage {
			return
		}
		k := newTaker()
		r := NewReceiver(nil, k.kinds(), nil)
		var files []*fd.Owned
		for range n % 8 {
			null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, fd.New(null))
		}
		list, _, err := r.take(msg, files)
		if err != nil && len(list) > 0 {
			t.Fatal("taken with an error")
		}
		drop(list)
		for _, o := range files {
			if o.Raw() != -1 {
				t.Fatal("a descriptor stayed open")
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	good, _ := encoding.Marshal(message{Answer: 1, Refused: []refusal{{0, "why\x00"}}})
	f.Add(good, 1)
	f.Fuzz(func(t *testing.T, msg []byte, n int) {
		reasons, err := parseAnswer(msg, 1, n)
		if err != nil {
			return
		}
		for i, reason := range reasons {
			if i < 0 || i >= n || strings.ContainsAny(reason, "\n\x00") || len(reason) > maxReason {
				t.Fatalf("reason %d of %d: %q", i, n, reason)
			}
		}
	})
}

// BenchmarkMove is one idle connection from process to process, without what
// the two do with it.
func BenchmarkMove(b *testing.B) {
	x, y := pair(b)
	k := newTaker()
	go func() { _ = NewReceiver(y, k.kinds(), nil).Run() }()
	s := NewSender(x, patience, nil)
	null, err := os.Open(os.DevNull)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	rec, _ := NewRecord("parcel", 1, 1, parcel{ID: 1})
	for b.Loop() {
		f, err := fd.FromFile(null)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Offer([]Item{{Record: rec, Files: []*fd.Owned{f}, Done: func(error) {}}}); err != nil {
			b.Fatal(err)
		}
	}
	s.Settle()
	s.Close()
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
