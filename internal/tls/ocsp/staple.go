package ocsp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/log"
)

// A Fetcher runs what is fetched beside handshakes. It must be stopped.
type Fetcher struct {
	logger *log.Logger
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex // guards stopped, and Add of wg
	stopped bool
	wg      sync.WaitGroup
}

// NewFetcher makes a Fetcher that logs to logger what goes wrong.
func NewFetcher(logger *log.Logger) *Fetcher {
	f := &Fetcher{logger: logger}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// Stop ends what is on its way, and waits for that.
func (f *Fetcher) Stop() {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	f.cancel()
	f.wg.Wait()
}

// begin runs fetch beside, unless the Fetcher was stopped.
func (f *Fetcher) begin(fetch func(context.Context)) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return false
	}
	f.wg.Add(1)
	go func() {
		defer f.wg.Done()
		fetch(f.ctx)
	}()
	return true
}

// When a staple is renewed.
const (
	notBefore = 5 * time.Minute // after it was fetched, or was to be
	notAfter  = time.Hour
)

// A Staple is the latest good answer about one certificate.
type Staple struct {
	Fetcher *Fetcher
	Asker
	Question
	Responder *Responder
	Name      string // of the certificate, for the log

	mu      sync.Mutex // guards what follows
	answer  []byte
	until   time.Time // answer is good; zero: for ever
	refresh time.Time // when it is to be fetched anew
	loading bool
}

// Get returns the answer, nil when there is none. When it is time a new one is
// fetched meanwhile, for those who ask later.
func (s *Staple) Get(now time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loading && !now.Before(s.refresh) {
		s.loading = s.Fetcher.begin(func(ctx context.Context) { s.fetch(ctx, now) })
	}
	if !s.until.IsZero() && now.After(s.until) {
		return nil
	}
	return s.answer
}

// fetch asks; now is when.
func (s *Staple) fetch(ctx context.Context, now time.Time) {
	answer, until, err := s.ask(ctx, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading = false
	s.refresh = now.Add(notBefore)
	if err != nil {
		if ctx.Err() == nil {
			s.Fetcher.logger.Logf(log.Error, 0, "%v while requesting certificate status, responder: %s, certificate: \"%s\"", err, s.Responder.Host, s.Name)
		}
		return
	}
	s.answer, s.until = answer, until
	latest := now.Add(notAfter)
	if soon := until.Add(-notBefore); !until.IsZero() && soon.Before(latest) {
		latest = soon
	}
	if latest.After(s.refresh) {
		s.refresh = latest
	}
}

func (s *Staple) ask(ctx context.Context, now time.Time) (answer []byte, until time.Time, err error) {
	if answer, err = s.Ask(ctx, s.Responder, s.Certificate, s.Issuer); err != nil {
		return nil, until, err
	}
	status, until, err := s.Verify(answer, now)
	if err == nil && status != Good {
		err = fmt.Errorf("certificate status %q in the OCSP response", status)
	}
	return answer, until, err
}
