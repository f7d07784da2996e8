package process

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

func TestStartWritesPIDFileAndStartsWorkers(t *testing.T) {
	p := newPlay(t)
	b, ws := p.generation()
	p.running()
	if pid, err := ReadPIDFile(p.pidFile); err != nil || pid != os.Getpid() {
		t.Fatalf("pid file: %d, %v", pid, err)
	}
	if ws[0].start.Slot != 0 || ws[1].start.Slot != 1 || string(ws[1].start.Data) != "1" {
		t.Fatalf("slots %d, %d, data %q", ws[0].start.Slot, ws[1].start.Slot, ws[1].start.Data)
	}
	p.signal(unix.SIGQUIT)
	b.want(t, "close listeners, unlink true") // at once, not when the workers are gone
	for _, w := range ws {
		w.told(kindQuit)
		w.exit(0)
	}
	if exit := p.over(); exit != 0 || p.err != nil {
		t.Fatalf("exit %d, %v", exit, p.err)
	}
	if _, err := os.Stat(p.pidFile); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("pid file: %v", err)
	}
	for _, line := range []string{
		"start worker processes", "start worker process 1001",
		"signal 3 (SIGQUIT) received from 77, shutting down",
		"signal 17 (SIGCHLD) received from 1001", "worker process 1001 exited with code 0", "exit",
	} {
		p.log.want(t, line)
	}
}

func TestFirstGenerationThatCannotStartEndsTheMaster(t *testing.T) {
	p := newPlay(t)
	p.build().succeed()
	a, b := p.worker(), p.worker()
	a.ready()
	b.say(message{Kind: kindFailed, Reason: "no\nway", Fatal: true})
	b.exit(2 << 8)
	a.told(kindTerminate)
	a.exit(0)
	if exit := p.over(); exit != 1 || p.err == nil || p.err.Error() != "no way" {
		t.Fatalf("exit %d, %v", exit, p.err)
	}
}

func TestBuildErrorAtStartIsReturned(t *testing.T) {
	p := newPlay(t)
	p.build().fail(errors.New("unknown directive"))
	if exit := p.over(); exit != 1 || p.err == nil || p.err.Error() != "unknown directive" {
		t.Fatalf("exit %d, %v", exit, p.err)
	}
}

func TestDeadWorkerIsReplacedAtOnceAndNotInAHotLoop(t *testing.T) {
	p := newPlay(t)
	_, ws := p.generation()
	p.running()
	ws[1].exit(9) // a signal
	w := p.worker()
	if w.start.Slot != 1 || w.start.Generation != 1 {
		t.Fatalf("the successor has slot %d of generation %d", w.start.Slot, w.start.Generation)
	}
	p.log.want(t, "worker process 1002 exited on signal 9")
	w.exit(1 << 8) // before it was ready: the next one comes at once
	w = p.worker()
	w.exit(1 << 8) // this time after a pause
	w = p.worker()
	p.log.want(t, "worker process of slot 1 died 2 times at its start, the next one starts in 5ms")
	w.ready()
	w.exit(2 << 8) // a Go program that panics exits with 2 as well
	p.worker()
	if p.log.count("cannot be respawned") != 0 {
		t.Fatal("a crash was taken for a fatal failure")
	}
}

func TestFatalWorkerIsNotRespawned(t *testing.T) {
	p := newPlay(t)
	_, ws := p.generation()
	p.running()
	ws[0].exit(9)
	w := p.worker()
	w.say(message{Kind: kindFailed, Reason: `chdir("/x") failed (2: No such file or directory)`, Fatal: true})
	p.log.want(t, "could not start: chdir")
	w.exit(2 << 8)
	p.log.want(t, "exited with fatal code 2 and cannot be respawned")
}

func TestReloadSwitchesWhenEveryWorkerIsReady(t *testing.T) {
	p := newPlay(t)
	_, old := p.generation()
	p.running()
	p.signal(unix.SIGHUP)
	b := p.build()
	if b.in.Old == nil || b.in.Generation != 2 {
		t.Fatalf("Build got %+v", b.in)
	}
	b.succeed()
	a, c := p.worker(), p.worker()
	a.ready()
	old[0].exit(11) // dies meanwhile: the old generation is kept whole
	r := p.worker()
	if r.start.Generation != 1 {
		t.Fatalf("the successor belongs to generation %d", r.start.Generation)
	}
	r.ready()
	c.ready()
	b.want(t, "commit")
	old[1].told(kindQuit)
	r.told(kindQuit)
	p.log.want(t, "signal 1 (SIGHUP) received from 77, reconfiguring")
}

func TestBrokenReloadChangesNothing(t *testing.T) {
	p := newPlay(t)
	_, ws := p.generation()
	p.running()
	p.signal(unix.SIGHUP)
	p.build().fail(errors.New(`unknown directive "x" in nginx.conf:1`))
	p.log.want(t, `unknown directive "x" in nginx.conf:1`)

	// A worker that dies before it is ready: all its generation goes.
	p.idle()
	p.signal(unix.SIGHUP)
	b := p.build()
	b.succeed()
	a, c := p.worker(), p.worker()
	a.ready()
	c.exit(9)
	a.told(kindTerminate)
	a.exit(0)
	b.want(t, "abort")
	p.log.want(t, "generation 3 did not start: worker process 1004 exited on signal 9")
	p.idle()
	p.do(func() {
		if p.m.current.number != 1 || len(p.m.workers) != 2 {
			t.Errorf("generation %d with %d workers", p.m.current.number, len(p.m.workers))
		}
	})
	ws[0].exit(9) // the old ones are still looked after
	p.worker().ready()
}

func TestWorkerThatDoesNotObeyIsKilled(t *testing.T) {
	p := newPlay(t)
	_, ws := p.generation()
	p.running()
	p.signal(unix.SIGTERM)
	ws[0].told(kindTerminate)
	ws[1].told(kindTerminate)
	ws[0].exit(0)
	if k := <-p.sys.kills; k.pid != ws[1].pid || k.signal != unix.SIGKILL {
		t.Fatalf("kill(%d, %v)", k.pid, k.signal)
	}
	ws[1].exit(9)
	p.over()
}

func TestHUPInHUPMakesOneMoreReload(t *testing.T) {
	p := newPlay(t)
	p.generation()
	p.running()
	p.signal(unix.SIGHUP)
	b := p.build()
	for range 5 {
		p.signal(unix.SIGHUP)
	}
	b.fail(errors.New("first"))
	p.build().fail(errors.New("second"))
	p.log.want(t, "second")
	p.idle()
	if n := p.log.count("\nreconfiguring\n"); n != 2 {
		t.Fatalf("%d reloads, want 2:\n%s", n, p.log)
	}
}

func TestQUITDuringReloadAbortsIt(t *testing.T) {
	p := newPlay(t)
	_, old := p.generation()
	p.running()
	p.signal(unix.SIGHUP)
	b := p.build()
	b.succeed()
	a, c := p.worker(), p.worker()
	a.ready()
	p.signal(unix.SIGQUIT)
	for _, w := range []*fakeWorker{a, c} {
		w.told(kindQuit)
		w.told(kindTerminate)
		w.exit(0)
	}
	b.want(t, "abort")
	for _, w := range old {
		w.told(kindQuit)
		w.exit(0)
	}
	if exit := p.over(); exit != 0 {
		t.Fatalf("exit %d", exit)
	}
}

func TestTERMDuringBuildDoesNotWaitForIt(t *testing.T) {
	p := newPlay(t)
	_, ws := p.generation()
	p.running()
	p.signal(unix.SIGHUP)
	b := p.build()
	p.signal(unix.SIGTERM)
	<-b.ctx.Done()
	for _, w := range ws {
		w.told(kindTerminate)
		w.exit(0)
	}
	p.over() // although Build has not returned
	b.fail(errors.New("late"))
}

func TestUSR2AfterHUPWaitsForTheReload(t *testing.T) {
	p := newPlay(t)
	_, old := p.generation()
	p.running()
	p.signal(unix.SIGHUP)
	p.signal(unix.SIGUSR2)
	select {
	case <-p.sys.binaries:
		t.Fatal("the new binary started during the reload")
	default:
	}
	p.generation()
	pid := <-p.sys.binaries
	old[0].told(kindQuit)
	p.log.want(t, "changing binary")
	p.log.want(t, "start new binary process")
	if _, err := os.Stat(p.pidFile + oldbin); err != nil {
		t.Fatal(err)
	}
	p.signal(unix.SIGUSR2)
	p.log.want(t, "signal 12 (SIGUSR2) received from 77, ignoring")
	p.log.want(t, "the changing binary signal is ignored")
	p.sys.exits(pid, 1<<8)
	p.log.want(t, "new binary process 1005 exited with code 1")
	if owner, err := ReadPIDFile(p.pidFile); err != nil || owner != os.Getpid() {
		t.Fatalf("pid file: %d, %v", owner, err)
	}
}

func TestWINCHAndTheWaysBack(t *testing.T) {
	p := newPlay(t)
	_, ws := p.generation()
	p.running()
	leave := func(ws []*fakeWorker) {
		t.Helper()
		p.signal(unix.SIGWINCH)
		for _, w := range ws {
			w.told(kindQuit)
			w.exit(0)
		}
	}
	leave(ws)
	p.signal(unix.SIGHUP) // way 1: a reload
	_, ws = p.generation()
	p.idle()

	p.signal(unix.SIGUSR2)
	pid := <-p.sys.binaries
	leave(ws)
	p.signal(unix.SIGHUP) // way 2: while a new binary runs nothing is read again
	ws = []*fakeWorker{p.worker(), p.worker()}
	for _, w := range ws {
		w.ready()
		if w.start.Generation != 2 {
			t.Fatalf("generation %d", w.start.Generation)
		}
	}
	leave(ws)
	p.sys.exits(pid, 0) // way 3: the new binary ends
	p.worker().ready()
	p.worker().ready()
}

func TestBinaryThatIsGarbageGivesThePIDFileBack(t *testing.T) {
	p := newPlay(t)
	p.generation()
	p.running()
	p.sys.refuse = &execError{path: "/bin/test", err: unix.ENOEXEC}
	p.signal(unix.SIGUSR2)
	p.log.want(t, `execve() failed while executing new binary process "/bin/test" (8: Exec format error)`)
	p.idle()
	if _, err := ReadPIDFile(p.pidFile); err != nil {
		t.Fatal(err)
	}
}

func TestOrderedUpgradeEndsTheOldMaster(t *testing.T) {
	p := newPlay(t)
	b, ws := p.generation()
	p.running()
	c := &controlClient{news: make(chan string, 16), result: make(chan outcome, 1)}
	p.do(func() { p.m.order(order{Verb: "upgrade"}, 1, c) })
	<-p.sys.binaries
	p.sys.serve <- nil
	b.want(t, "close listeners, unlink false") // the new one serves the unix sockets
	for _, w := range ws {
		w.told(kindQuit)
		w.exit(0)
	}
	if o := <-c.result; !o.ok || o.old.number != 1 {
		t.Fatalf("%+v", o)
	}
	p.over()
	if _, err := os.Stat(p.pidFile + oldbin); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf(".oldbin: %v", err)
	}
}

func TestFailedUpgradeRollsBack(t *testing.T) {
	p := newPlay(t, func(p *play) { p.m.bounds.binary = 5e6 })
	p.generation()
	p.running()
	c := &controlClient{news: make(chan string, 16), result: make(chan outcome, 1)}
	p.do(func() { p.m.order(order{Verb: "upgrade"}, 1, c) })
	pid := <-p.sys.binaries
	if k := <-p.sys.kills; k.pid != pid || k.signal != unix.SIGTERM {
		t.Fatalf("kill(%d, %v)", k.pid, k.signal)
	}
	p.sys.exits(pid, 15)
	o := <-c.result
	if o.ok || !strings.Contains(o.text, "does not serve after 5ms") {
		t.Fatalf("%+v", o)
	}
	if _, err := ReadPIDFile(p.pidFile); err != nil {
		t.Fatal(err)
	}
	p.do(func() {
		if p.m.phase != running || len(p.m.workers) != 2 {
			t.Errorf("phase %v, %d workers", p.m.phase, len(p.m.workers))
		}
	})
}

func TestStrangeWorkerIsKilled(t *testing.T) {
	for name, say := range map[string]func(*fakeWorker){
		"no JSON":          func(w *fakeWorker) { _ = w.ch.Send([]byte("{")) },
		"a master's word":  func(w *fakeWorker) { w.say(message{Kind: kindTerminate}) },
		"ready, and again": func(w *fakeWorker) { w.say(message{Kind: kindReady}) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			_, ws := p.generation()
			p.running()
			say(ws[0])
			if k := <-p.sys.kills; k.pid != ws[0].pid || k.signal != unix.SIGKILL {
				t.Fatalf("kill(%d, %v)", k.pid, k.signal)
			}
		})
	}
}

func TestPIDFileMovesWithTheReload(t *testing.T) {
	p := newPlay(t)
	p.generation()
	p.running()
	first := p.pidFile
	p.conf.PIDFile = first + ".new"
	p.signal(unix.SIGHUP)
	p.generation()
	p.idle()
	if _, err := ReadPIDFile(p.conf.PIDFile); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("old pid file: %v", err)
	}
	p.conf.PIDFile = "/nonexistent/x.pid"
	p.signal(unix.SIGHUP)
	b := p.build()
	b.succeed()
	b.want(t, "abort")
	p.log.want(t, `open() "/nonexistent/x.pid" failed (2: No such file or directory)`)
}

func TestReloadsLeaveNoGoroutines(t *testing.T) {
	p := newPlay(t)
	_, old := p.generation()
	p.running()
	before := runtime.NumGoroutine()
	for range 20 {
		p.signal(unix.SIGHUP)
		_, next := p.generation()
		for _, w := range old {
			w.told(kindQuit)
			w.exit(0)
		}
		old = next
		p.idle()
	}
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestReopenWaitsForTheReload(t *testing.T) {
	p := newPlay(t)
	first, _ := p.generation()
	p.running()
	p.signal(unix.SIGUSR1)
	first.want(t, "reopen")
	p.signal(unix.SIGHUP)
	b := p.build()
	p.signal(unix.SIGUSR1) // Build may have opened logs before they were moved
	b.succeed()
	p.worker().ready()
	p.worker().ready()
	b.want(t, "commit")
	b.want(t, "reopen")
}

func TestManyDescriptorsTakeManyMessages(t *testing.T) {
	null, err := openNull()
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	files := make([]File, 2*fd.MaxDescriptors+1)
	for i := range files {
		files[i] = File{Name: strings.Repeat("n", 100), FD: null}
	}
	before := descriptors(t)
	packets, err := startPackets(startMessage{}, Handout{Blob: null, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs, err := fd.Pair()
	if err != nil {
		t.Fatal(err)
	}
	l := &life{ch: theirs, in: make(chan packet), over: make(chan struct{})}
	go l.read()
	go func() {
		for _, p := range packets {
			_ = send(ours, p)
			fd.CloseAll(p.files)
		}
	}()
	s, ok := l.receiveStart()
	if !ok || len(s.Files) != len(files) || s.Blob == nil || len(packets) != 4 {
		t.Fatalf("%v, %d files in %d packets", ok, len(s.Files), len(packets))
	}
	closeStart(s)
	ours.Close()
	for range l.in {
	}
	theirs.Close()
	eventually(t, "descriptors to be closed", func() bool { return descriptors(t) <= before })
}

func TestQUITDuringTheStart(t *testing.T) {
	p := newPlay(t)
	p.build().succeed()
	a, b := p.worker(), p.worker()
	a.ready()
	p.signal(unix.SIGHUP) // waits for the start, and is forgotten
	p.signal(unix.SIGQUIT)
	b.ready() // crosses the quit
	for _, w := range []*fakeWorker{a, b} {
		w.told(kindQuit)
		w.exit(0)
	}
	if exit := p.over(); exit != 0 || p.err != nil {
		t.Fatalf("exit %d, %v", exit, p.err)
	}
	if n := p.log.count("start worker process 1"); n != 2 {
		t.Fatalf("%d workers were started:\n%s", n, p.log)
	}
}

func TestWINCHFromATerminalIsNothing(t *testing.T) {
	p := newPlay(t, func(p *play) { p.m.daemon = false })
	p.generation()
	p.running()
	p.signal(unix.SIGWINCH)
	p.do(func() {
		for _, w := range p.m.workers {
			if w.state != active {
				t.Errorf("worker %d is %v", w.pid, w.state)
			}
		}
	})
}

func TestTERMEndsAQUITThatTakesTooLong(t *testing.T) {
	p := newPlay(t)
	_, ws := p.generation()
	p.running()
	p.signal(unix.SIGQUIT)
	for _, w := range ws {
		w.told(kindQuit)
	}
	p.signal(unix.SIGTERM)
	for _, w := range ws {
		w.told(kindTerminate)
		w.exit(0)
	}
	p.over()
}
