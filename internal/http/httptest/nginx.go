package httptest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// NginxBinary finds the real nginx to compare with: the file that
// BATON_TEST_NGINX names, else nginx of the distribution's package. The test
// is skipped when there is none.
func NginxBinary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("BATON_TEST_NGINX"); path != "" {
		return path
	}
	for _, path := range []string{"/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skip("the real nginx is not installed")
	return ""
}

// StartNginx runs the real nginx with site until the test ends.
func StartNginx(t testing.TB, site Site) *Server {
	t.Helper()
	binary := NginxBinary(t)
	s := newServer(t, site)
	main := fmt.Sprintf("daemon off; master_process off; error_log %s/error.log info; pid %s/nginx.pid;\n", s.Dir, s.Dir)
	temp := ""
	for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += fmt.Sprintf("%s_temp_path %s/temp;\n", module, s.Dir)
	}
	file := filepath.Join(s.Dir, "nginx.conf")
	text := main + "events { worker_connections 64; }\nhttp {\n" + temp + s.expand(site.HTTP) + "\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(binary, "-p", s.Dir, "-e", "error.log", "-c", file)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.Addr)
		if err == nil {
			_ = conn.Close()
			return s
		}
		select {
		case <-gone:
			t.Fatalf("nginx did not start: %s", stderr.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not listen on %s: %v", s.Addr, err)
		}
	}
}

// RejectedByNginx gives the reason for which the real nginx refuses site,
// without the time, the process and the file's folder; empty when it takes it.
func RejectedByNginx(t testing.TB, site Site) string {
	t.Helper()
	s := newServer(t, site)
	file := filepath.Join(s.Dir, "nginx.conf")
	text := fmt.Sprintf("error_log %s/error.log; pid %s/nginx.pid;\nevents { }\nhttp {\n%s\n}\n", s.Dir, s.Dir, s.expand(site.HTTP))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(NginxBinary(t), "-t", "-q", "-p", s.Dir, "-e", "error.log", "-c", file).CombinedOutput()
	if err == nil {
		return ""
	}
	_, line, ok := strings.Cut(string(out), "[emerg] ")
	if !ok {
		return string(out)
	}
	line, _, _ = strings.Cut(line, "\n")
	if i := strings.Index(line, " in "+s.Dir); i >= 0 {
		line = line[:i]
	}
	return s.normal(line)
}
