package listen

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// nginx's patience with an address that is in use.
const (
	tries         = 5
	retryInterval = 500 * time.Millisecond
)

// ErrStillInUse is returned by [Open] after the last try to bind.
var ErrStillInUse = errors.New("still could not bind()")

// A Spec is one address to listen on.
type Spec struct {
	Address Address
	Options Options
}

// Config is what [Open] works from.
type Config struct {
	Want      []Spec      // each address once
	Workers   int         // reuseport makes one socket for each; less than 1 means 1
	Old       *Set        // the current cycle's, whose sockets are reused; may be nil
	Inherited []*fd.Owned // from NGINX=; Open's own, on failure too
	Log       *log.Logger // nil discards

	// Test checks whether the addresses could be bound, and keeps nothing:
	// an address in use is no error, and no file appears.
	Test bool

	// RetryInterval is between the five tries to bind; zero is nginx's 500 ms.
	RetryInterval time.Duration
}

// Set is the listening sockets of one cycle, in the master, or what a worker got
// of them. One goroutine at a time may use it.
//
//	Open --> beside the old set --Commit--> current --Close--> closed
//	                            --Abort---> closed
//
// Sockets whose address the old set has too belong to both until Commit or
// Abort.
type Set struct {
	log     *log.Logger
	workers int
	sockets []*socket // those of one address stand together

	// Between Open and Commit or Abort:
	old    *Set
	own    []*socket           // opened or inherited by this set
	reused map[*socket]Options // of old or inherited; Commit applies the options
	joined []*socket           // sockets of others that were given SO_REUSEPORT
	guests []*socket           // own ones that have it only to be bound beside those
	unused []*socket           // inherited, and not wanted
}

// Open opens what c.Want names and c.Old and c.Inherited do not have. A socket
// that is there keeps its ipv6only, which cannot be changed any more. An address
// in use is tried five times; every failed try is logged, and the error after
// the last is [ErrStillInUse]. Any other error, which is nginx's sentence, ends
// it at once and is not logged. On failure, and when ctx is done, everything is
// as it was, but Inherited is closed.
//
// One of Commit and Abort must follow success.
func Open(ctx context.Context, c Config) (*Set, error) {
	s := &Set{log: c.Log, workers: max(c.Workers, 1), reused: make(map[*socket]Options)}
	if c.Test {
		fd.CloseAll(c.Inherited)
		return s, s.probe(c.Want)
	}
	s.old = c.Old
	missing := s.reuse(c)
	interval := c.RetryInterval
	if interval == 0 {
		interval = retryInterval
	}
	for try := 1; ; try++ {
		var err error
		if missing, err = s.openAll(missing); err == nil && len(missing) > 0 {
			err = s.wait(ctx, try, interval)
		}
		if err != nil {
			s.Abort()
			return nil, err
		}
		if len(missing) == 0 {
			s.arrange(c.Want)
			return s, nil
		}
	}
}

func (s *Set) probe(want []Spec) error {
	for _, w := range want {
		if err := probe(w, s.log); err != nil {
			return err
		}
	}
	return nil
}

// openAll opens what it can and returns what was in use.
func (s *Set) openAll(lacking []missing) (inUse []missing, err error) {
	for _, m := range lacking {
		opened, err := open(m.spec, m.join, s.log)
		if isInUse(err) {
			s.log.Log(log.Emerg, 0, err.Error())
			inUse = append(inUse, m)
			continue
		}
		if err != nil {
			return nil, err
		}
		s.sockets = append(s.sockets, opened)
		s.own = append(s.own, opened)
		if m.join && !m.spec.Options.ReusePort {
			s.guests = append(s.guests, opened)
		}
	}
	return inUse, nil
}

func isInUse(err error) bool { return errors.Is(err, unix.EADDRINUSE) }

// wait waits for the next try.
func (s *Set) wait(ctx context.Context, try int, interval time.Duration) error {
	if try == tries {
		return ErrStillInUse
	}
	s.log.Logf(log.Notice, 0, "try again to bind() after %dms", interval.Milliseconds())
	timer := time.NewTimer(interval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// arrange puts the sockets in the order of the configuration, older ones of an
// address first.
func (s *Set) arrange(want []Spec) {
	position := make(map[Address]int, len(want))
	for i, w := range want {
		position[w.Address] = i
	}
	slices.SortStableFunc(s.sockets, func(a, b *socket) int {
		return position[a.address] - position[b.address]
	})
}

// Commit closes what only the old set had, removing files of its unix sockets,
// and applies changed options to the sockets that both have. The old set is
// empty from here on. Commit cannot fail: what goes wrong is logged.
func (s *Set) Commit() {
	if s.old != nil {
		for _, o := range s.old.sockets {
			if _, ok := s.reused[o]; ok {
				continue
			}
			if o.address.path != "" {
				s.log.Logf(log.Warn, 0, "deleting socket %s", o.address.path)
			}
			o.close(true, s.log)
		}
		s.old.sockets = nil
	}
	// A file of an inherited one may be in use by the master that it is from.
	for _, u := range s.unused {
		u.close(false, s.log)
	}
	for _, g := range s.guests {
		g.setReusePort(false, s.log)
	}
	for _, o := range s.sockets {
		if options, ok := s.reused[o]; ok {
			o.change(options, s.log)
		}
	}
	s.settle()
}

// Abort closes what only this set opened or inherited, and leaves the old set
// as it was.
func (s *Set) Abort() {
	for _, o := range s.joined { // inherited ones too: another master has them
		o.setReusePort(false, s.log)
	}
	for _, o := range s.own {
		o.close(o.made, s.log)
	}
	for _, u := range s.unused {
		u.close(false, s.log)
	}
	s.sockets = nil
	s.settle()
}

// settle forgets what only Commit and Abort need.
func (s *Set) settle() {
	s.old, s.own, s.reused, s.joined, s.guests, s.unused = nil, nil, nil, nil, nil, nil
}

// Close closes every socket; with unlink set files of unix sockets are removed,
// which is wrong while another master, or a master above this worker, listens
// on them.
func (s *Set) Close(unlink bool) {
	for _, o := range s.sockets {
		o.close(unlink, s.log)
	}
	s.sockets = nil
}
