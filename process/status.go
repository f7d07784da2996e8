package process

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// status is what -s status prints.
func (m *master) status() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	version := m.p.Version
	if version == "" {
		version = m.p.Name
	}
	line("master process %d: %s, %s, up %v", os.Getpid(), version, m.state(), age(m.started))
	if m.current != nil {
		line("generation %d since %s", m.current.number, m.current.since.Format(time.RFC3339))
	}
	for _, w := range m.byGeneration() {
		line("worker process %d: generation %d, slot %d, %s for %v",
			w.pid, w.gen.number, w.slot, w.state, age(w.since))
	}
	if m.current != nil && !m.closed {
		for _, l := range m.current.cycle.Listeners() {
			line("listening on %s", l.Name)
		}
		if r, is := m.current.cycle.(reporter); is {
			for _, text := range r.Status() {
				line("%s", text)
			}
		}
	}
	if m.binary != nil {
		line("upgrade: new binary process %d runs beside this one", m.binary.pid)
	}
	if m.parentServes() {
		line("upgrade: old binary process %d runs beside this one", m.parent)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// A reporter is a [Cycle] that adds lines of its own.
type reporter interface{ Status() []string }

// state is the phase, and what goes on in it.
func (m *master) state() string {
	s := m.phase.String()
	if m.noaccept {
		s += ", not accepting"
	}
	if m.op != nil && m.op.verb != verbStart {
		s += ", " + string(m.op.verb) + " in progress"
	}
	return s
}

func (m *master) byGeneration() []*worker {
	list := make([]*worker, 0, len(m.workers))
	for _, w := range m.workers {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *worker) int {
		return cmp.Or(a.gen.number-b.gen.number, a.slot-b.slot, a.pid-b.pid)
	})
	return list
}

// age is how long ago t was, without fractions of a second.
func age(t time.Time) time.Duration { return time.Since(t).Truncate(time.Second) }
