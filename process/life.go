package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A life is a worker's, from its start message to its exit code. One goroutine
// owns it; Start and Drain of the role run beside.
//
//	waiting --start--> becoming --Start--> accepting --quit--> draining --> 0
//	   |                  |                    |                  |
//	   +--------+---------+--------------------+--terminate-------+--> Stop, 0
//
// The end of the channel is the master's death: a worker that accepts drains
// then, within a bound, any other one ends.
type life struct {
	ch      *fd.Channel
	role    Role
	signals <-chan received // nil in a single process, where they are the master's
	master  int             // its pid, for the log
	setup   func(name string, s *Settings) ([]error, error)
	title   func(name, s string)
	stderr  func(to *fd.Owned) error // points descriptor 2 there; to is lent

	in      chan packet   // from the channel; closed at its end
	over    chan struct{} // closed when nobody takes from in any more
	heirs   chan Succession
	early   []*fd.Channel // to accept from, before the role has started
	pending []File        // of a reopen whose last part is still to come
	start   startMessage
	drained chan error         // the result of Drain; nil before
	expire  context.CancelFunc // of Drain's context
	expiry  *time.Timer        // calls it
	bound   <-chan time.Time   // nobody waits for the role after this
}

// run lives, and gives back what is open: in a single process others live on.
func (l *life) run() (exit int) {
	l.in, l.over = make(chan packet), make(chan struct{})
	l.heirs = make(chan Succession, heirsBacklog)
	read := make(chan struct{})
	go func() { defer close(read); l.read() }()
	exit = l.live()
	if l.expire != nil {
		l.expire()
	}
	if l.expiry != nil {
		l.expiry.Stop()
	}
	close(l.over)
	l.ch.Close()
	<-read
	for _, f := range l.pending {
		f.FD.Close()
	}
	l.dropHeirs()
	closeChannels(l.early)
	return exit
}

// read passes the master's messages on.
func (l *life) read() {
	defer close(l.in)
	buf := make([]byte, fd.MaxMessage)
	for {
		p, err := receive(l.ch, buf)
		if err != nil {
			return
		}
		select {
		case l.in <- p:
		case <-l.over:
			fd.CloseAll(p.files)
			return
		}
	}
}

func (l *life) live() (exit int) {
	s, ok := l.receiveStart()
	if !ok {
		return 0
	}
	name := l.start.Name
	complaints, err := l.setup(name, &s.Settings)
	if err != nil {
		closeStart(s)
		l.say(message{Kind: kindFailed, Reason: err.Error(), Fatal: true})
		return 2
	}
	if exit, ok := l.startRole(s, complaints); !ok {
		return exit
	}
	l.title(name, titleWorker)
	l.say(message{Kind: kindReady})
	return l.work()
}

// receiveStart waits for the start message and its files.
func (l *life) receiveStart() (*Start, bool) {
	s := new(Start)
	for {
		select {
		case p, ok := <-l.in:
			switch {
			case !ok || p.Kind == kindTerminate || p.Kind == kindQuit:
				closeStart(s)
				return nil, false
			case p.Kind == kindStart:
				l.start = *p.Start
				s.Generation, s.Slot = p.Start.Generation, p.Start.Slot
				s.Settings, s.Data = p.Start.Settings, p.Start.Data
				if p.Start.Blob {
					s.Blob = p.files[0]
				}
			case p.Kind == kindFiles:
				s.Files = append(s.Files, p.named()...)
				if !p.More {
					return s, true
				}
			default:
				fd.CloseAll(p.files)
			}
		case r := <-l.signals:
			if stops(r) {
				closeStart(s)
				return nil, false
			}
		}
	}
}

func stops(r received) bool {
	return r.signal == unix.SIGTERM || r.signal == unix.SIGINT || r.signal == unix.SIGQUIT
}

func closeStart(s *Start) {
	if s.Blob != nil {
		s.Blob.Close()
	}
	for _, f := range s.Files {
		f.FD.Close()
	}
}

// startRole runs Start. What comes meanwhile and is not an end waits in the
// channel.
func (l *life) startRole(s *Start, complaints []error) (exit int, ok bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan error, 1)
	go func() { started <- l.role.Start(ctx, s) }()
	for {
		select {
		case err := <-started:
			for _, c := range complaints {
				l.logf(LevelAlert, "%v", c)
			}
			if err != nil {
				l.say(message{Kind: kindFailed, Reason: err.Error()})
				return 1, false
			}
			return 0, true
		case p, ok := <-l.in:
			if ok && p.Kind == kindReopen {
				l.collect(p)
				continue
			}
			if ok && p.Kind == kindAccept {
				l.early = append(l.early, channels(p.files)...)
				continue
			}
			if ok {
				fd.CloseAll(p.files)
			}
		case r := <-l.signals:
			if !stops(r) {
				continue
			}
		}
		// Told to end, or the master has died, before we served anybody.
		cancel()
		if waitFor(started) {
			l.role.Stop()
		}
		return 0, false
	}
}

// waitFor waits for a role that was told to end, and may be stuck.
func waitFor(c <-chan error) bool {
	select {
	case <-c:
		return true
	case <-time.After(stopBound):
		return false
	}
}

// collect gathers the parts of a reopen message; reopened files that come
// before the role has started wait for it.
func (l *life) collect(p packet) { l.pending = append(l.pending, p.named()...) }

// work serves messages and signals until the end.
func (l *life) work() (exit int) {
	if len(l.pending) > 0 {
		l.reopen()
	}
	for _, ch := range l.early {
		l.role.Accept(ch)
	}
	l.early = nil
	in := l.in
	for {
		select {
		case p, ok := <-in:
			if !ok {
				in = nil
				l.orphaned()
			} else if l.obey(p) {
				return l.stop()
			}
		case r := <-l.signals:
			if l.signal(r) {
				return l.stop()
			}
		case err := <-l.drained:
			if err != nil && !errors.Is(err, context.Canceled) {
				l.logf(LevelError, "%v", err)
			}
			l.drained = nil
			return l.stop()
		case <-l.bound:
			l.logf(LevelAlert, "shutdown timed out")
			return l.stop()
		}
	}
}

// obey serves a message from the master and says whether it was terminate.
func (l *life) obey(p packet) (terminate bool) {
	switch p.Kind {
	case kindTerminate:
		return true
	case kindQuit:
		l.drain()
	case kindAccept:
		for _, ch := range channels(p.files) {
			l.role.Accept(ch)
		}
	case kindHeirs:
		l.inherit(p)
	case kindReopen:
		l.collect(p)
		if !p.More {
			l.reopen()
		}
	default:
		fd.CloseAll(p.files)
	}
	return false
}

// signal serves a signal and says whether it means to stop at once.
func (l *life) signal(r received) (terminate bool) {
	log := func(action string) { l.logf(LevelNotice, "%s", r.sentence(action)) }
	switch r.signal {
	case unix.SIGTERM, unix.SIGINT:
		log(", exiting")
		return true
	case unix.SIGQUIT:
		log(", shutting down")
		l.drain()
	case unix.SIGUSR1:
		log(", reopening logs")
		l.say(message{Kind: kindReopen}) // only the master can open them
	case unix.SIGHUP, unix.SIGUSR2:
		log(", ignoring")
	case unix.SIGWINCH, unix.SIGCHLD:
		log("")
	}
	return false
}

// drain begins the graceful end.
func (l *life) drain() {
	if l.drained != nil {
		return
	}
	l.logf(LevelNotice, "gracefully shutting down")
	l.title(l.start.Name, titleDraining)
	ctx, cancel := context.WithCancel(context.Background())
	l.expire = cancel
	if t := l.start.Settings.ShutdownTimeout; t > 0 {
		l.limit(t)
	}
	drained := make(chan error, 1)
	l.drained = drained
	var heir *Heir
	if len(l.heirs) > 0 {
		heir = &Heir{Channels: l.heirs, Report: func(r Report) {
			l.say(message{Kind: kindReport, Report: &r})
		}}
	}
	go func() { drained <- l.role.Drain(ctx, heir) }()
}

// limit ends Drain's context in t, and the worker soon after.
func (l *life) limit(t time.Duration) {
	l.expiry = time.AfterFunc(t, l.expire)
	l.bound = time.After(t + stopBound)
}

// orphaned drains, for a bounded time: nobody respawns, upgrades or stops a
// worker without a master, and its listeners must not stay with it.
func (l *life) orphaned() {
	l.logf(LevelAlert, "master process %d is gone", l.master)
	l.drain()
	if l.start.Settings.ShutdownTimeout == 0 {
		l.limit(orphanBound)
	}
}

// stop ends the role at once.
func (l *life) stop() (exit int) {
	l.logf(LevelNotice, "exiting")
	if l.expire != nil {
		l.expire()
	}
	stopped := make(chan error, 1)
	go func() { l.role.Stop(); stopped <- nil }()
	waitFor(stopped)
	if l.drained != nil {
		waitFor(l.drained)
	}
	l.logf(LevelNotice, "exit")
	return 0
}

// reopen gives the role its new log files.
func (l *life) reopen() {
	l.logf(LevelNotice, "reopening logs")
	files := l.pending
	l.pending = nil
	if i := slices.IndexFunc(files, func(f File) bool { return f.Name == stderrFile }); i >= 0 {
		if err := l.stderr(files[i].FD); err != nil {
			l.logf(LevelAlert, "%v", err)
		}
		files[i].FD.Close()
		files = slices.Delete(files, i, i+1)
	}
	if err := l.role.Reopen(files); err != nil {
		l.logf(LevelAlert, "%v", err)
	}
}

// say tells the master; if that fails it has died, and the channel says so.
func (l *life) say(m message) { _ = send(l.ch, packet{message: m}) }

func (l *life) logf(level slog.Level, format string, args ...any) {
	if log := l.role.Logger(); log != nil {
		log.Log(context.Background(), level, fmt.Sprintf(format, args...))
	}
}
