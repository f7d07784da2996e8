package process

import (
	"time"

	"golang.org/x/sys/unix"
)

// signal serves a signal: logs it in nginx's words and does what it means.
//
//	TERM, INT   stop at once         HUP    reload
//	QUIT        drain and stop       USR1   reopen logs
//	WINCH       drain the workers    USR2   start a new binary
//	CHLD        somebody has exited
func (m *master) signal(s received) {
	log := func(action string) { m.logf(LevelNotice, "%s", s.sentence(action)) }
	switch s.signal {
	case unix.SIGTERM, unix.SIGINT:
		log(", exiting")
		m.terminate()
	case unix.SIGQUIT:
		log(", shutting down")
		m.quit()
	case unix.SIGHUP:
		log(", reconfiguring")
		m.request(request{verb: verbReload})
	case unix.SIGUSR1:
		log(", reopening logs")
		m.request(request{verb: verbReopen})
	case unix.SIGUSR2:
		if m.parentServes() || m.binary != nil {
			log(", ignoring")
			m.logf(LevelCrit, ignoredChange)
			return
		}
		log(", changing binary")
		m.request(request{verb: verbBinary})
	case unix.SIGWINCH:
		if !m.daemon {
			log("") // a terminal was resized
			return
		}
		log(", stop accepting connections")
		m.request(request{verb: verbNoquit})
	case unix.SIGCHLD:
		m.childSignal(s)
	}
}

// quit drains: listeners close at once, so that no client waits in a queue that
// nobody will serve, and the master ends with its last worker. An operation may
// be building upon the listeners; then they close at its end, which is near.
func (m *master) quit() {
	if m.phase >= quitting {
		return
	}
	m.phase = quitting
	m.abandon()
	if m.op == nil {
		m.closeListeners()
	}
	m.leave()
	m.whenGreeted(func() {
		m.bequeath(nil)
		m.greet()
		m.quitWorkers(nil)
	})
}

// terminate stops at once. Workers that do not obey are killed, an operation
// that does not listen is not waited for.
func (m *master) terminate() {
	if m.phase == terminating {
		return
	}
	m.phase = terminating
	m.abandon()
	m.leave()
	for _, w := range m.workers {
		m.stopWorker(w)
	}
	m.after(m.bounds.kill, func() { m.overdue = true })
}

// leave marks the current generation as one that ends.
func (m *master) leave() {
	if m.current != nil && m.current.stage < leaving {
		m.current.stage = leaving
		m.checkGone(m.current)
	}
}

// stopAccepting serves WINCH: workers drain, the master stays, with listeners
// open. HUP brings workers back, or the end of a new binary.
func (m *master) stopAccepting() {
	m.noaccept = true
	m.whenGreeted(func() {
		if !m.noaccept {
			return // HUP came first
		}
		m.bequeath(m.current)
		m.greet()
		m.quitWorkers(m.current)
	})
}

// reopen serves USR1.
func (m *master) reopen() {
	m.logf(LevelNotice, "reopening logs")
	packets, ok := m.reopened()
	if !ok {
		return
	}
	defer closePackets(packets)
	m.redirectStderr()
	for _, w := range m.workers {
		m.sendReopened(w, packets)
	}
}

// reopened opens the log files again and returns them as packets.
func (m *master) reopened() ([]packet, bool) {
	files, err := m.current.cycle.Reopen()
	if err != nil {
		m.logf(LevelEmerg, "%v", err)
	}
	if len(files) == 0 {
		return nil, false
	}
	if o := m.stderr(m.current); o != nil {
		files = append(files, File{Name: stderrFile, FD: o})
	}
	packets, err := filePackets(kindReopen, files)
	if err != nil {
		m.logf(LevelAlert, "%v", err)
		return nil, false
	}
	return packets, true
}

// sendReopened sends w its own copies of packets.
func (m *master) sendReopened(w *worker, packets []packet) {
	for _, p := range packets {
		own, err := filePackets(kindReopen, p.named())
		if err != nil {
			m.logf(LevelAlert, "%v", err)
			return
		}
		own[0].More = p.More
		if !w.link.send(own[0]) {
			m.logf(LevelAlert, "%s %d takes no messages, its logs are not reopened", titleWorker, w.pid)
			return
		}
	}
}

// reopenPause is how often one worker may ask for its logs to be reopened.
const reopenPause = time.Second

// reopenFor reopens logs because a worker got USR1 itself. Whoever a worker
// obeys, it cannot have the master do nothing else: what comes too soon waits.
func (m *master) reopenFor(w *worker) {
	if w.reopens != nil {
		return
	}
	serve := func() {
		w.reopens = nil
		if m.workers[w.pid] == w {
			w.reopened = time.Now()
			m.request(request{verb: verbReopen})
		}
	}
	if wait := reopenPause - time.Since(w.reopened); wait > 0 {
		w.reopens = m.after(wait, serve)
		return
	}
	serve()
}
