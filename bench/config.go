package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

const timeHeading = `| case | server blocks | baton ms | nginx ms | ratio | baton CPU ms | nginx CPU ms |
|---|---|---|---|---|---|---|
`

// A delay is how long something took, and what it cost (where it is known).
type delay struct{ wall, cpu time.Duration }

// blocks is how many server blocks a case wants besides the one that answers.
func (b *bench) blocks(c *benchCase) int {
	if strings.HasPrefix(c.name, "config") {
		return b.servers
	}
	return 0
}

// answering is a configuration whose server answers text.
func answering(text string, blocks int) string {
	more := ""
	if blocks > 0 {
		more = manyServers(blocks)
	}
	return configuration(`location / { return 200 "`+text+`"; }`, more)
}

// inTurn measures both programs, round by round.
func (b *bench) inTurn(c *benchCase, measure func(p program) (delay, error)) (heading, row string, err error) {
	var samples [2][]delay
	for range b.rounds {
		for i, p := range b.programs {
			d, err := measure(p)
			if err != nil {
				return timeHeading, "", err
			}
			samples[i] = append(samples[i], d)
		}
	}
	wall := func(d delay) float64 { return float64(d.wall.Microseconds()) / 1000 }
	cpu := func(d delay) float64 { return float64(d.cpu.Microseconds()) / 1000 }
	costs := "| | |"
	if samples[0][0].cpu != 0 {
		costs = fmt.Sprintf("| %.0f | %.0f |", median(pick(samples[0], cpu)), median(pick(samples[1], cpu)))
	}
	return timeHeading, fmt.Sprintf("| %s | %d | %.1f | %.1f | **%.2f** %s\n", c.name, b.blocks(c)+1,
		median(pick(samples[0], wall)), median(pick(samples[1], wall)), median(ratiosOf(samples, wall)), costs), nil
}

// runStart takes the time from exec to the first answer.
func runStart(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	conf := answering("one", b.blocks(c))
	return b.inTurn(c, func(p program) (delay, error) {
		s, err := b.newServer(p, conf)
		if err != nil {
			return delay{}, err
		}
		began := time.Now()
		if err := s.start(ctx); err != nil {
			return delay{}, err
		}
		took := time.Since(began)
		s.stop()
		return delay{wall: took}, nil
	})
}

// runReload takes the time from HUP to the first answer by the new configuration.
func runReload(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	return b.inTurn(c, func(p program) (delay, error) {
		s, err := b.newServer(p, answering("one", b.blocks(c)))
		if err != nil {
			return delay{}, err
		}
		if err := s.start(ctx); err != nil {
			return delay{}, err
		}
		defer s.stop()
		if err := s.configure(answering("two", b.blocks(c))); err != nil {
			return delay{}, err
		}
		began := time.Now()
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			return delay{}, err
		}
		if err := s.waitFor(ctx, "\r\n\r\ntwo"); err != nil {
			return delay{}, err
		}
		return delay{wall: time.Since(began)}, nil
	})
}

// runConfigTest takes the time of -t.
func runConfigTest(_ context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	conf := answering("one", b.blocks(c))
	return b.inTurn(c, func(p program) (delay, error) {
		s, err := b.newServer(p, conf)
		if err != nil {
			return delay{}, err
		}
		cmd := s.command("-t")
		began := time.Now()
		if text, err := cmd.CombinedOutput(); err != nil {
			return delay{}, fmt.Errorf("%s -t: %w: %s", p.name, err, text)
		}
		took := time.Since(began)
		return delay{wall: took, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
	})
}
