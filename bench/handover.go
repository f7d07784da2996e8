package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const handoverHeading = `| case | program | connections | lost | moved in ms | old worker gone after ms | requests meanwhile | p50 ms | p99 ms | max ms |
|---|---|---|---|---|---|---|---|---|---|
`

// stayBound is how long the old worker of a reload is waited for.
const stayBound = 3 * time.Second

// A moving is one reload under open connections.
type moving struct {
	moved, gone   float64 // ms; 0: not said, or not yet
	lost          int
	requests      int
	p50, p99, max float64 // ms
}

// runHandover reloads a server that has thousands of connections open, through
// some of which requests go all the time. Times are medians of the rounds, the
// longest request and what was lost are the worst of them.
func runHandover(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	count := b.idle
	kind := "requests"
	backend := ""
	if strings.HasSuffix(c.name, "tunnels") {
		count, kind = b.tunnels, "messages"
		echo, err := play(ctx, loadCore, "echo", true)
		if err != nil {
			return handoverHeading, "", err
		}
		defer echo.stop()
		backend = echo.addr
	}
	for _, p := range b.programs {
		var rounds []moving
		for range min(b.rounds, 5) {
			m, err := b.handOver(ctx, p, c, kind, count, backend)
			if err != nil {
				return handoverHeading, row, fmt.Errorf("%s: %w", p.name, err)
			}
			rounds = append(rounds, m)
		}
		worst := moving{}
		for _, m := range rounds {
			worst.lost, worst.max = max(worst.lost, m.lost), max(worst.max, m.max)
		}
		of := func(get func(moving) float64) float64 { return median(pick(rounds, get)) }
		row += fmt.Sprintf("| %s | %s | %d | %d | %s | %s | %.0f | %.2f | %.2f | %.2f |\n", c.name, p.name, count, worst.lost,
			known(of(func(m moving) float64 { return m.moved })), known(of(func(m moving) float64 { return m.gone })),
			of(func(m moving) float64 { return float64(m.requests) }), of(func(m moving) float64 { return m.p50 }),
			of(func(m moving) float64 { return m.p99 }), worst.max)
	}
	return handoverHeading, row, nil
}

// known is a time that there may not be.
func known(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return strconv.FormatFloat(ms, 'f', 0, 64)
}

// handOver is one round with a fresh server.
func (b *bench) handOver(ctx context.Context, p program, c *benchCase, kind string, count int, backend string) (m moving, err error) {
	conf := strings.ReplaceAll(c.load.conf, "{{backend}}", backend)
	s, err := b.newServer(p, strings.Replace(configuration(conf, ""), "error.log;", "error.log notice;", 1))
	if err != nil {
		return m, err
	}
	if err := s.start(ctx); err != nil {
		return m, err
	}
	defer s.stop()
	if err := s.findWorker(); err != nil {
		return m, err
	}
	clients, err := play(ctx, loadCore, fmt.Sprintf("handover %s %s %d", s.addr, kind, count), false)
	if err != nil {
		return m, err
	}
	defer clients.stop()
	if line, err := clients.line(); err != nil || line != "open" {
		return m, fmt.Errorf("clients: %q, %v", line, err)
	}
	fmt.Fprintln(clients.in, "begin")
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return m, err
	}
	gone := goneWithin(s.worker, stayBound)
	if took := time.Since(began); gone {
		m.gone = float64(took.Microseconds()) / 1000
	}
	fmt.Fprintln(clients.in, "end")
	line, err := clients.line()
	if err != nil {
		return m, err
	}
	if _, err := fmt.Sscan(line, &m.lost, &m.requests, &m.p50, &m.p99, &m.max); err != nil {
		return m, fmt.Errorf("clients: %q: %w", line, err)
	}
	m.moved = movedIn(filepath.Join(s.dir, "error.log"))
	return m, nil
}

// goneWithin reports whether a process ends in time.
func goneWithin(pid int, bound time.Duration) bool {
	const often = 500 * time.Microsecond
	for late := time.Now().Add(bound); time.Now().Before(late); time.Sleep(often) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
	}
	return false
}

// movedIn is what the log says that the handover took, in ms.
func movedIn(file string) float64 {
	text, _ := os.ReadFile(file) // nothing in it is nothing said
	_, after, found := strings.Cut(string(text), " moved in ")
	if !found {
		return 0
	}
	ms, _, _ := strings.Cut(after, " ms")
	n, _ := strconv.ParseFloat(ms, 64)
	return n
}
