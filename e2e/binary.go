package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	binaryVariable     = "E2E_BINARY"
	supervisorVariable = "E2E_SUPERVISOR"
	batonPackage       = "github.com/baton-project/baton/cmd/baton"
)

// Main is the whole TestMain of a package whose tests start servers. It is
// also the supervisor's main function: a test binary starts itself again in
// that role for each server.
func Main(m *testing.M) int {
	if os.Getenv(supervisorVariable) != "" {
		return supervise(os.Args[1:])
	}
	// Most tests wait for others most of the time; -parallel still decides.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(binaryVariable) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "e2e-bin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// A worker starts its own executable again as another user.
	if err := errors.Join(os.Chmod(dir, 0o755), build(filepath.Join(dir, "baton"))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build compiles cmd/baton and makes it the program under test.
func build(out string) error {
	args := []string{"build", "-o", out}
	if RaceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, batonPackage)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", batonPackage, err, text)
	}
	return os.Setenv(binaryVariable, out)
}

// Binary is the program under test.
func Binary() string { return os.Getenv(binaryVariable) }

// IsNginx tells whether path is a real nginx, by what its -V prints.
func IsNginx(t testing.TB, path string) bool {
	t.Helper()
	text, err := exec.Command(path, "-V").CombinedOutput()
	if err != nil {
		t.Fatalf("%s -V: %v\n%s", path, err, text)
	}
	return !strings.Contains(string(text), "baton")
}

// OffHandover is the directive that makes baton drain as nginx does; nothing for
// nginx, which knows no other way.
func OffHandover(t testing.TB) string {
	t.Helper()
	if IsNginx(t, Binary()) {
		return ""
	}
	return "handover off;"
}

// OnlyBaton skips a test that asks for more than nginx can.
func OnlyBaton(t testing.TB, reason string) {
	t.Helper()
	if IsNginx(t, Binary()) {
		t.Skipf("only baton: %s", reason)
	}
}

// Nginx is the path of Debian's nginx, or of E2E_NGINX; without one the test is
// skipped.
func Nginx(t testing.TB) string {
	t.Helper()
	path := os.Getenv("E2E_NGINX")
	if path == "" {
		path = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real nginx to compare with: %v", err)
	}
	return path
}

// Eventually polls until the condition holds or the bound has passed, and says
// whether it held.
func Eventually(bound time.Duration, holds func() bool) bool {
	deadline := time.Now().Add(bound)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if holds() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
}
