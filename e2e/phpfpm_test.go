package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// A phpFPM is a real php-fpm that listens on a unix socket, with two children.
type phpFPM struct {
	t       testing.TB
	program string
	dir     string
	socket  string
	cmd     *exec.Cmd
}

// newPHP prepares a php-fpm whose files are in dir. The test is skipped when it is
// not installed.
func newPHP(t testing.TB, dir string) *phpFPM {
	t.Helper()
	found, _ := filepath.Glob("/usr/sbin/php-fpm*")
	if len(found) == 0 {
		t.Skip("php-fpm is not installed: FastCGI is not tested against the real thing")
	}
	return &phpFPM{t: t, program: found[0], dir: dir, socket: filepath.Join(dir, "php.sock")}
}

// start returns when it accepts connections.
func (p *phpFPM) start() {
	p.t.Helper()
	_ = os.Remove(p.socket)
	conf := fmt.Sprintf(`
[global]
error_log = %[1]s/fpm.log
pid = %[1]s/fpm.pid
daemonize = no
[www]
listen = %[2]s
listen.mode = 0666
pm = static
pm.max_children = 2
clear_env = yes
php_admin_value[error_reporting] = -1
php_admin_flag[display_errors] = off
php_admin_flag[log_errors] = on
php_admin_flag[html_errors] = off
php_admin_value[upload_tmp_dir] = %[1]s/uploads
php_admin_value[post_max_size] = 16M
php_admin_value[upload_max_filesize] = 16M
php_admin_value[default_charset] = UTF-8
`, p.dir, p.socket)
	args := []string{"-n", "-F", "-y", filepath.Join(p.dir, "fpm.conf"), "-p", p.dir}
	if os.Getuid() == 0 {
		args = append(args, "-R")
		conf += "user = nobody\ngroup = nogroup\n"
	}
	if err := os.WriteFile(filepath.Join(p.dir, "fpm.conf"), []byte(conf), 0o644); err != nil {
		p.t.Fatal(err)
	}
	_ = os.Mkdir(filepath.Join(p.dir, "uploads"), 0o777)
	_ = os.Chmod(filepath.Join(p.dir, "uploads"), 0o777)
	p.cmd = exec.Command(p.program, args...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output strings.Builder
	p.cmd.Stderr = &output
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.stop)
	if !e2e.Eventually(20*time.Second, func() bool {
		c, err := net.Dial("unix", p.socket)
		if err == nil {
			c.Close()
		}
		return err == nil
	}) {
		p.stop()
		p.t.Fatalf("php-fpm does not listen: %s", output.String())
	}
}

// stop ends it and its children at once, as a crash would.
func (p *phpFPM) stop() {
	if p.cmd == nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait()
	p.cmd = nil
}

// frontController is a small application in the way of WordPress: every path that
// is no file comes to it.
const frontController = `<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
switch ($path) {
case '/form':
	header('Content-Type: text/plain');
	echo strlen($_POST['text']), ' ', sha1($_POST['text']), ' ', $_GET['q'];
	break;
case '/upload':
	$f = $_FILES['file'];
	echo $f['name'], ' ', $f['size'], ' ', $f['error'], ' ', sha1_file($f['tmp_name']), ' ', is_uploaded_file($f['tmp_name']) ? 'yes' : 'no';
	break;
case '/missing':
	http_response_code(404);
	echo 'no such page';
	break;
case '/broken':
	throw new Exception('it broke');
case '/big':
	for ($i = 0; $i < 4096; $i++) echo str_repeat(chr(97 + $i % 26), 1024);
	break;
case '/login':
	setcookie('a', '1', 0, '/');
	setcookie('b', 'two words', 0, '/');
	header('X-Powered-By: us');
	header('Location: /welcome?x=1');
	break;
case '/careless':
	error_log('careful now');
	trigger_error('noticed', E_USER_NOTICE);
	echo 'done';
	break;
case '/slow':
	usleep(5000000);
	echo 'at last';
	break;
case '/private':
	header('X-Accel-Redirect: /files/private.txt');
	header('Content-Type: application/x-private');
	header('Set-Cookie: seen=1');
	break;
case '/flush':
	header('X-Accel-Buffering: no');
	echo 'one '; flush(); echo 'two '; flush(); echo 'three';
	break;
case '/length':
	header('Content-Length: 5');
	echo 'hello';
	break;
case '/early':
	header('Content-Length: 50');
	echo 'hello';
	break;
case '/nothing':
	http_response_code(204);
	break;
default:
	header('Content-Type: text/plain');
	header_remove('X-Powered-By');
	ksort($_SERVER);
	foreach ($_SERVER as $k => $v) {
		if (is_string($v) && $k != 'REMOTE_PORT' && $k != 'SERVER_SOFTWARE') echo "$k=$v\n";
	}
}
`

// phpSite serves it the way Debian's files show.
const phpSite = `http {
	keepalive_timeout 75; client_max_body_size 20m; client_body_temp_path {{dir}}/client;
	upstream php { server {{php.unix}}; keepalive 2; }
	server {
		listen {{web}}; server_name example.test;
		root {{dir}}/www; index index.php;
		location / { try_files $uri $uri/ /index.php?$args; }
		location /files/ { internal; root {{dir}}; }
		location ~ [^/]\.php(/|$) {
			include fastcgi-php.conf;
			fastcgi_pass php; OPTIONS
		}
	}
}`

// startPHP starts program in front of a php-fpm of its own.
func startPHP(t *testing.T, program, options string) (*e2e.Server, *phpFPM) {
	t.Helper()
	b := e2e.New(t, strings.ReplaceAll(phpSite, "OPTIONS", options))
	p := newPHP(t, b.Dir)
	b.Use(program)
	for _, name := range []string{"fastcgi.conf", "snippets/fastcgi-php.conf"} {
		text, err := os.ReadFile("/etc/nginx/" + name)
		if err != nil {
			t.Skipf("Debian's files for FastCGI are not there: %v", err)
		}
		b.Write(filepath.Base(name), string(text))
	}
	for _, name := range []string{"www", "www/blog", "files"} {
		if err := os.Mkdir(b.Path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.Write("www/index.php", frontController)
	b.Write("www/blog/index.php", `<?php echo 'blog ', $_SERVER['SCRIPT_NAME'];`)
	b.Write("www/plain.txt", "a file\n")
	b.Write("files/private.txt", "for you only\n")
	p.start()
	b.Launch()
	b.WaitReady()
	return b, p
}
