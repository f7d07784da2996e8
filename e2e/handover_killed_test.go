package e2e_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/baton-project/baton/e2e"
)

// A new worker that was killed before it has answered takes no session with it: those
// go on in the old worker, and move to the one that is started in its place.
func TestHandoverOfSessionsToAKilledWorker(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx keeps the worker")
	b, plain, secure := startLayerFour(t, strings.Replace(layerFour, "worker_processes 2;", "", 1))
	all := startKinds(t, b, 12)
	killTheHeir(t, b)
	progress(t, all)
	finish(t, all)
	if p, s := plain.accepted.Load(), secure.accepted.Load(); p+s != int64(len(all)) {
		t.Errorf("%d sessions became %d and %d connections to upstreams", len(all), p, s)
	}
}

func startKinds(t *testing.T, b *e2e.Server, n int) (all []*sequence) {
	t.Helper()
	for i := range n {
		all = append(all, startSequence(dialLayerFour(t, b, []string{"plain", "front", "back", "both", "paced", "slow"}[i%6])))
	}
	progress(t, all)
	return all
}

// A new worker that is killed while sessions come to it takes those with it that it has
// already, and no others; the old worker does not wait for it.
func TestHandoverOfSessionsToADyingWorker(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx keeps the worker")
	b, plain, secure := startLayerFour(t, strings.Replace(layerFour, "worker_processes 2;", "", 1))
	b.ExpectAlert(`exited on signal 9`)
	all := startKinds(t, b, 36)
	old := b.WaitWorkers(1)
	b.Signal(syscall.SIGHUP)
	b.WaitLog(fmt.Sprintf(`%d#\d+: gracefully shutting down`, old[0]))
	for _, pid := range b.Workers() {
		if pid != old[0] {
			b.Kill(pid, syscall.SIGKILL)
		}
	}
	b.WaitGone(old, goneBound)
	progress(t, all)
	lost := 0
	for _, s := range all {
		s.stop.Store(true)
	}
	for _, s := range all {
		if err := <-s.done; err != nil {
			lost++
		}
	}
	t.Logf("%d of %d were with the dead worker", lost, len(all))
	if p, s := plain.accepted.Load(), secure.accepted.Load(); p+s != int64(len(all)) {
		t.Errorf("%d sessions became %d and %d connections to upstreams", len(all), p, s)
	}
}
