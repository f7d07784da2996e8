package process

import (
	"fmt"

	"syscall"
)

// reap collects every child that has exited, known or not: an orphan of an
// inherited master may be among them.
func (linux) reap() []exited {
	var list []exited
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return list
		}
		list = append(list, exited{pid: pid, status: status})
	}
}

// childSignal serves CHLD. One signal may stand for many children; the log
// names the first as its sender.
func (m *master) childSignal(s received) {
	list := m.sys.reap()
	if s.from == 0 && len(list) > 0 {
		s.from = list[0].pid
	}
	m.logf(LevelNotice, "%s", s.sentence(""))
	m.reaped(list)
}

// reaped handles children that have exited.
func (m *master) reaped(list []exited) {
	for _, e := range list {
		w := m.workers[e.pid]
		what := "unknown process"
		switch {
		case w != nil:
			what = titleWorker
		case m.binary != nil && m.binary.pid == e.pid:
			what = "new binary process"
		}
		how := m.logExit(what, e)
		switch {
		case w != nil:
			m.workerGone(w, how)
		case m.binary != nil && m.binary.pid == e.pid:
			m.binaryGone(how)
		}
	}
}

// logExit logs the end of a child in nginx's words and returns the sentence.
func (m *master) logExit(what string, e exited) string {
	level := LevelNotice
	how := fmt.Sprintf("%s %d exited with code %d", what, e.pid, e.status.ExitStatus())
	if e.status.Signaled() {
		level = LevelAlert
		how = fmt.Sprintf("%s %d exited on signal %d", what, e.pid, int(e.status.Signal()))
		if e.status.CoreDump() {
			how += " (core dumped)"
		}
	}
	if !m.current.settings().Single || what != titleWorker {
		m.logf(level, "%s", how)
	}
	return how
}
