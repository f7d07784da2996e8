package process

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A running nginx whose file was replaced by our program upgrades into it by
// USR2 and QUIT, and back into nginx, this time by the control socket.
func TestUpgradeFromAndToNginx(t *testing.T) {
	const nginx = "/usr/sbin/nginx"
	if _, err := os.Stat(nginx); err != nil {
		t.Skip("no nginx installed: ", err)
	}
	p := newProbe(t)
	install := func(from string) {
		t.Helper()
		os.Remove(p.dir + "/nginx")
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p.dir+"/nginx", b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	conf := fmt.Sprintf("pid %s; error_log %s/nginx.log notice; worker_processes 1; env GORACE=atexit_sleep_ms=0;\n"+
		"events {}\nhttp { access_log off; server { listen %s; return 200 nginx; } }\n",
		p.conf.Settings.PIDFile, p.dir, p.conf.Listen[0])
	if err := os.WriteFile(p.dir+"/nginx.conf", []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	install(nginx)
	if out, err := exec.Command(p.dir+"/nginx", "-c", p.dir+"/nginx.conf").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var first int
	eventually(t, "nginx's pid file", func() bool {
		pid, err := ReadPIDFile(p.conf.Settings.PIDFile)
		first = pid
		return err == nil
	})
	p.pids = append(p.pids, first)
	if _, _, err := Control(timeout(t), first, "reload", nil); err == nil {
		t.Fatal("nginx has a control socket")
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	install(self)
	unix.Kill(first, unix.SIGUSR2)
	eventually(t, "the new master's pid file", func() bool {
		pid, err := ReadPIDFile(p.conf.Settings.PIDFile)
		return err == nil && pid != first
	})
	ours := p.master()
	unix.Kill(first, unix.SIGQUIT)
	eventually(t, "nginx to leave us alone", func() bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", ours))
		return !strings.Contains(string(status), fmt.Sprintf("PPid:\t%d\n", first))
	})
	if _, _, text := p.ask(); text != "one" {
		t.Fatalf("%q answers", text)
	}
	if got := cmdline(ours); !strings.HasPrefix(got, "probe: master process "+p.dir+"/nginx -c ") {
		t.Errorf("title %q", got)
	}

	install(nginx)
	ok, message, err := Control(timeout(t), ours, "upgrade", nil)
	if !ok || err != nil {
		t.Fatalf("%v, %q, %v", ok, message, err)
	}
	eventually(t, "our master to end", func() bool { return cmdline(ours) == "" })
	second, err := ReadPIDFile(p.conf.Settings.PIDFile)
	if err != nil {
		t.Fatal(err)
	}
	p.pids = append(p.pids, second)
	c, err := net.Dial("tcp", p.conf.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
	b := make([]byte, 1000)
	n, _ := c.Read(b)
	if !strings.Contains(string(b[:n]), "Server: nginx") {
		t.Fatalf("answer: %q", b[:n])
	}
}
