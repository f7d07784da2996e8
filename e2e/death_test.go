package e2e_test

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

func TestKilledWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	b.ExpectAlert(`exited on signal`)
	old := b.WaitWorkers(2)
	for _, victim := range old {
		b.Kill(victim, syscall.SIGKILL)
		b.WaitLog(fmt.Sprintf(`\[alert\] .*worker process %d exited on signal 9`, victim))
		now := b.WaitWorkers(2)
		if slices.Contains(now, victim) {
			t.Errorf("workers %v contain the dead %d", now, victim)
		}
		b.Dial("web").Get("/").Want(200, "one")
	}
}

// A generation keeps its own executable: what lies on disk is for upgrades.
func TestKilledWorkerIsReplacedWhenTheFileIsGarbage(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneServer)
	b.ExpectAlert(`exited on signal`)
	b.CopyBinary(e2e.Binary())
	b.Launch()
	b.WaitReady()
	garbage(t, b)
	for _, victim := range b.WaitWorkers(2) {
		b.Kill(victim, syscall.SIGKILL)
		b.WaitGone([]int{victim}, 30*time.Second)
		b.WaitWorkers(2)
	}
	b.Dial("web").Get("/").Want(200, "one")
	b.Reload()
	b.Dial("web").Get("/").Want(200, "one")
}

// garbage replaces the program on disk by something that the kernel refuses.
func garbage(t *testing.T, b *e2e.Server) { replaceProgram(t, b, "\x7fELF but not really") }

func replaceProgram(t *testing.T, b *e2e.Server, content string) {
	t.Helper()
	if err := os.WriteFile(b.Path("replacement"), []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	b.ReplaceBinary("program", b.Path("replacement"))
}

func TestKilledMasterLeavesNothingBehind(t *testing.T) {
	e2e.OnlyBaton(t, "nginx's workers live on and keep the port")
	t.Parallel()
	b := e2e.Start(t, `
		worker_processes 2;
		http { server { listen {{web}}; root {{dir}}; location = /short { return 200 "short"; } } }`)
	b.ExpectAlert(`master process \d+ is gone`)
	slow := downloadSlowly(t, b)
	idle := b.Dial("web")
	idle.Get("/short").Want(200, "short")
	workers := b.WaitWorkers(2)
	b.Signal(syscall.SIGKILL)
	if code := b.Exited(); code != 128+9 {
		t.Errorf("exit code %d", code)
	}
	idle.WantClosed(30 * time.Second)
	wantRefused(t, b, "web")

	// What was in progress is finished, beside the next server.
	b.Launch()
	b.WaitReady()
	b.Dial("web").Get("/short").Want(200, "short")
	slow.finish()
	b.WaitGone(workers, 30*time.Second)
}

func TestOccupiedPortAtStart(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, `http { server { listen {{web}}; } }`)
	occupied, err := net.Listen("tcp", b.Expand("{{web}}"))
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	start := time.Now()
	b.Launch()
	if code := b.Exited(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("gave up after %v, want five tries 500 ms apart", took)
	}
	for name, text := range map[string]string{"log": b.Log(), "output": b.Output()} {
		sentence := b.Expand(`\[emerg\] .*bind\(\) to {{web}} failed \(98: Address already in use\)\n`)
		if n := len(regexp.MustCompile(sentence).FindAllString(text, -1)); n != 5 {
			t.Errorf("%s: %d tries, want 5: %s", name, n, text)
		}
		if !regexp.MustCompile(`\[emerg\] .*still could not bind\(\)\n`).MatchString(text) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// The port is given free between two tries.
func TestPortFreedDuringStart(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneServer)
	occupied, err := net.Listen("tcp", b.Expand("{{web}}"))
	if err != nil {
		t.Fatal(err)
	}
	b.Launch()
	b.WaitLog(`bind\(\) to .* failed`)
	_ = occupied.Close()
	b.WaitReady()
	b.Dial("web").Get("/").Want(200, "one")
}

// Workers that die as soon as they start are not started again and again.
func TestWorkersThatCannotStart(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, "working_directory /does/not/exist;"+oneServer)
	b.ExpectAlert(`chdir|worker|/does/not/exist`)
	b.Launch()
	b.WaitLog(`/does/not/exist`)
	until := time.Now().Add(time.Second)
	e2e.Eventually(30*time.Second, func() bool { return time.Now().After(until) || len(b.Processes()) == 0 })
	if n := strings.Count(b.Log(), "/does/not/exist"); n > 20 {
		t.Errorf("%d starts in a second:\n%s", n, b.Log())
	}
}
