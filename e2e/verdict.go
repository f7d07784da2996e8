package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Log is the error log so far.
func (b *Server) Log() string { return b.Read("error.log") }

// Output is what the server's processes printed so far.
func (b *Server) Output() string { return b.Read("output") }

// Mark lets WaitLog and LogHas overlook what is in the error log now.
func (b *Server) Mark() { b.mark = len(b.Log()) }

// WaitLog waits until a line of the error log, after the last Mark, matches the
// pattern, and returns the match and its groups.
func (b *Server) WaitLog(pattern string) []string {
	b.t.Helper()
	var found []string
	if !Eventually(patience, func() bool { found = b.LogHas(pattern); return found != nil }) {
		b.t.Fatalf("the log has no %q after the mark:\n%s", pattern, b.since())
	}
	return found
}

// LogHas returns a match in the error log after the last Mark, or nil.
func (b *Server) LogHas(pattern string) []string {
	return regexp.MustCompile(`(?m)` + pattern).FindStringSubmatch(b.since())
}

func (b *Server) since() string {
	log := b.Log()
	return log[min(b.mark, len(log)):]
}

// ExpectAlert announces [alert] lines, by pattern, that this test provokes.
func (b *Server) ExpectAlert(pattern string) { b.alerts = append(b.alerts, pattern) }

// descriptorBase is what the master had open when it had become ready.
type descriptorBase struct {
	pid   int
	kinds []string
}

// gained lists what a process has open beyond what it had.
func gained(had, has []string) []string {
	had = slices.Clone(had)
	var more []string
	for _, kind := range has {
		if i := slices.Index(had, kind); i >= 0 {
			had = slices.Delete(had, i, i+1)
		} else {
			more = append(more, kind)
		}
	}
	return more
}

// WantDescriptors fails unless a process soon has nothing open but what was
// open before.
func (b *Server) WantDescriptors(pid int, before []string) {
	b.t.Helper()
	var more []string
	if !Eventually(30*time.Second, func() bool { more = gained(before, Descriptors(pid)); return len(more) == 0 }) {
		b.t.Errorf("process %d (%s) has more open than before: %q", pid, Title(pid), more)
	}
}

// finish stops what runs and gives the verdict on everything a test should not
// have to ask for.
func (b *Server) finish() {
	b.t.Helper()
	if base := b.opened; base.pid != 0 && Alive(base.pid) && !b.t.Failed() {
		b.WantDescriptors(base.pid, base.kinds)
	}
	b.checkLogs()
	b.ExpectAlert(`worker process \d+ exited on signal 9\b`) // by a busy machine, from here on
	b.terminate()
	for _, s := range b.running {
		s.stop(b.t)
	}
	_ = b.output.Close()
	if !b.t.Failed() {
		b.checkLogs()
	}
	if b.t.Failed() {
		b.t.Logf("%s\nerror log:\n%s\noutput:\n%s", b, tail(b.Log()), tail(b.Output()))
	}
}

// terminate sends TERM to every master and waits for all to be gone. Whoever
// does not call itself a master and has a parent is the parent's business: a
// worker that has just been started may not know yet what to do with TERM.
func (b *Server) terminate() {
	b.t.Helper()
	told := make(map[int]bool)
	if Eventually(patience, func() bool {
		left := b.Processes()
		for _, pid := range left {
			parent, _, _ := stat(pid)
			if !told[pid] && (strings.Contains(Title(pid), "master process") || !slices.Contains(left, parent)) {
				told[pid] = true
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
		return len(left) == 0
	}) {
		return
	}
	for _, pid := range b.Processes() {
		b.t.Errorf("left behind: process %d (%s)", pid, Title(pid))
	}
}

var crash = regexp.MustCompile(`(?m)^.*(?:DATA RACE|panic:|fatal error:|SIGSEGV|\[running\]).*$`)

func (b *Server) checkLogs() {
	b.t.Helper()
	names, _ := filepath.Glob(b.Path("error*"))
	reports, _ := filepath.Glob(b.Path("race/*"))
	for _, name := range append(append(names, reports...), b.Path("output")) {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if at := crash.FindIndex(text); at != nil {
			b.t.Errorf("%s: %s", filepath.Base(name), head(string(text[at[0]:])))
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "[alert]") && !b.expected(line) {
				b.t.Errorf("%s: unexpected %s", filepath.Base(name), line)
			}
		}
	}
}

func (b *Server) expected(line string) bool {
	return slices.ContainsFunc(b.alerts, func(pattern string) bool {
		return regexp.MustCompile(pattern).MatchString(line)
	})
}

func head(text string) string { return text[:min(len(text), 6000)] }

func tail(text string) string { return text[max(0, len(text)-6000):] }

// Within fails when f takes longer than the bound.
func (b *Server) Within(bound time.Duration, what string, f func()) {
	b.t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > bound {
		b.t.Errorf("%s took %v, want at most %v", what, took.Round(time.Millisecond), bound)
	}
}
