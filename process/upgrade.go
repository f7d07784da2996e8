package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A newBinary is the new master that this one has started, while it lives.
//
//	(none) --USR2--> running --exits--> (none): pid file and workers come back
//	                    |
//	                    +--QUIT to us--> it goes on alone
type newBinary struct {
	pid    int
	reason string        // why it does not serve, if it is one of ours and said so
	gone   chan struct{} // closed when it has exited, with how; nothing changes after
	how    string
}

// verdict is why b, which is gone, did not come to serve. err is what looked
// like it from outside.
func (b *newBinary) verdict(err error) error {
	switch {
	case b.reason != "":
		return fmt.Errorf("new binary process %d: %s", b.pid, b.reason)
	case b.how != err.Error():
		return fmt.Errorf("%w (%s)", err, b.how)
	}
	return err
}

// reportFailure tells the master that started us why we do not serve. It is
// the one that the user asked; nginx has no ears for it.
func (m *master) reportFailure() {
	ctx, cancel := context.WithTimeout(context.Background(), m.bounds.kill)
	defer cancel()
	_, _, err := give(ctx, m.parent, order{Verb: string(verbFailed), Text: m.failure.Error()}, nil)
	if err != nil && !errors.Is(err, ErrNoControl) {
		m.logf(LevelWarn, "%v", err)
	}
}

// The reasons not to start a new binary.
const ignoredChange = "the changing binary signal is ignored: " +
	"you should shutdown or terminate before either old or new binary's process"

// changeBinary serves USR2. It returns why nothing was started, which is logged.
func (m *master) changeBinary() error {
	if m.parentServes() || m.binary != nil {
		m.logf(LevelCrit, ignoredChange)
		return fmt.Errorf("%s", ignoredChange)
	}
	m.logf(LevelNotice, "changing binary")
	if err := m.startBinary(); err != nil {
		m.logf(LevelAlert, "%v", err)
		return err
	}
	m.logf(LevelNotice, "start new binary process %d", m.binary.pid)
	return nil
}

// startBinary renames the pid file and executes the program anew, with its
// original arguments and our listeners.
func (m *master) startBinary() error {
	program := m.p.Args[0]
	if m.pidFile != "" {
		if err := os.Rename(m.pidFile, m.pidFile+oldbin); err != nil {
			return fmt.Errorf("rename() %s to %s failed before executing new binary process %q %s",
				m.pidFile, m.pidFile+oldbin, program, because(err))
		}
	}
	var sockets []*fd.Owned
	for _, l := range m.current.cycle.Listeners() {
		sockets = append(sockets, l.FD)
	}
	env := append(withoutVar(m.current.conf.Env, inheritVar), inheritVar+"="+inheritance(len(sockets)))
	files := sockets
	if estate := m.current.cycle.Estate(); len(estate) > 0 {
		env = append(env, estateVar+"="+bequest(estate, len(sockets)+3))
		for _, f := range estate {
			files = append(files, f.FD)
		}
	}
	ours, theirs, err := fd.Pair()
	if err != nil {
		m.restorePIDFile("after an attempt to execute new binary process \"" + program + "\"")
		return err
	}
	defer theirs.Close()
	passed, err := theirs.Owned()
	if err == nil {
		defer passed.Close()
		env = append(env, handoverVar+"="+strconv.Itoa(len(files)+3))
		files = append(files, passed)
	}
	pid, err := m.sys.binary(m.p.Args, append(env, spare), files)
	if err != nil {
		ours.Close()
		m.restorePIDFile("after an attempt to execute new binary process \"" + program + "\"")
		return err
	}
	m.binary = &newBinary{pid: pid, gone: make(chan struct{})}
	m.newPeer(ours)
	return nil
}

// pidFilePath is where our pid file is: under its own name, or aside while a
// new binary has that.
func (m *master) pidFilePath() string {
	if m.binary != nil {
		return m.pidFile + oldbin
	}
	return m.pidFile
}

func (m *master) restorePIDFile(when string) {
	if m.pidFile == "" {
		return
	}
	if err := os.Rename(m.pidFile+oldbin, m.pidFile); err != nil {
		m.logf(LevelAlert, "rename() %s back to %s failed %s %s",
			m.pidFile+oldbin, m.pidFile, when, because(err))
	}
}

// binaryGone gives the pid file back to us, and our workers if WINCH had sent
// them away: the old version serves on.
func (m *master) binaryGone(how string) {
	m.restorePIDFile("after the new binary process \"" + m.p.Args[0] + "\" exited")
	m.binary.how = how
	close(m.binary.gone)
	m.binary = nil
	if m.noaccept && m.phase == running {
		m.noaccept = false
		m.populate(m.current)
	}
	m.closePeer()
}

// beginUpgrade serves -s upgrade: USR2, then QUIT to ourselves when the new
// binary serves, or the end of the new binary when it does not.
func (m *master) beginUpgrade(r request) {
	begun := time.Now()
	if m.pidFile == "" {
		r.finish(outcome{text: "an upgrade needs a pid file"})
		return
	}
	if err := m.changeBinary(); err != nil {
		r.finish(outcome{text: err.Error()})
		return
	}
	b, pidFile := m.binary, m.pidFile
	r.tell(fmt.Sprintf("new binary process %d started", b.pid))
	m.begin(r, func(ctx context.Context, op *operation) (string, error) {
		err := m.awaitBinary(ctx, b, pidFile)
		if err == nil {
			err = m.do(func() error { return m.yield(op, b) })
		}
		if err != nil {
			return "", m.rollBack(ctx, b, err)
		}
		return fmt.Sprintf("new binary process %d ready in %s", b.pid, took(begun)), nil
	})
}

// awaitBinary waits until b serves. It returns why it never will.
func (m *master) awaitBinary(ctx context.Context, b *newBinary, pidFile string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, m.bounds.binary,
		fmt.Errorf("new binary process %d does not serve after %v", b.pid, m.bounds.binary))
	defer cancel()
	serves := make(chan error, 1)
	go func() { serves <- m.sys.serving(ctx, b.pid, pidFile) }()
	select {
	case err := <-serves:
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return err
	case <-b.gone:
		cancel()
		<-serves
		return fmt.Errorf("%s", b.how)
	}
}

// yield leaves the field to the new binary.
func (m *master) yield(op *operation, b *newBinary) error {
	if m.phase >= quitting {
		return errStopping
	}
	if m.binary != b {
		return fmt.Errorf("%s", b.how)
	}
	op.old = m.current
	m.quit()
	return nil
}

// rollBack ends a new binary that does not serve, and waits for that. Only when
// we are stopping ourselves it is left alone, as nginx does.
func (m *master) rollBack(ctx context.Context, b *newBinary, err error) error {
	if context.Cause(ctx) == errStopping {
		return err
	}
	stop := func(s syscall.Signal) {
		_ = m.do(func() error {
			if m.binary == b {
				m.complain(LevelAlert, failed(m.sys.kill(b.pid, s), "kill(%d, %d)", b.pid, int(s)))
			}
			return nil
		})
	}
	stop(unix.SIGTERM)
	kill := time.AfterFunc(2*m.bounds.kill, func() { stop(unix.SIGKILL) })
	defer kill.Stop()
	select {
	case <-b.gone:
		err = b.verdict(err)
	case <-ctx.Done():
	}
	_ = m.do(func() error {
		m.logf(LevelError, "upgrade failed, this process serves on: %v", err)
		return nil
	})
	return fmt.Errorf("upgrade failed, process %d serves on: %w", os.Getpid(), err)
}
