package authbasic_test

import (
	"encoding/base64"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// htpasswd has one user for each scheme; the password is "password".
const htpasswd = "# comment\n\nplain:{PLAIN}password:a comment\nsha:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\r\n" +
	"ssha:{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0\nssha2:{SSHA}Zm9vCg==\n#hidden:{PLAIN}password\n" +
	"apr1:$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.\napr12:$apr1$\ncrypt:sa3tHJ3/KuYvI\nbad:password\nempty:\n" +
	"one:$1$salt$qJH7.N4xYta3aEG/dfqo/0\nfive:$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1\n" +
	"six:$6$rounds=1234$s$4DBoM5GnCASQ0/IFZ79YmYesN01E5lU9iITJZDnxdhwLAjbMsDRUZrJ8h.AmTmi5KJbfejhM2UNBjOLyUXBtI/\n" +
	"two:$2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm\nplain:{PLAIN}second\n" +
	"long:{PLAIN}password\nlast:{PLAIN}password"

var site = httptest.Site{
	HTTP: `
		access_log {{dir}}/access.log;
		server {
			listen {{addr}};
			root {{dir}}/html;
			auth_basic "closed site"; auth_basic_user_file {{dir}}/htpasswd;
			location / { }
			location /off { auth_basic off; }
			location /realm { auth_basic "for $arg_r"; }
			location /var { auth_basic_user_file $arg_f; }
			location /relative { auth_basic_user_file htpasswd; }
			location /nofile { auth_basic_user_file {{dir}}/none; }
			location /folder { auth_basic_user_file {{dir}}; }
			location /loop { auth_basic_user_file {{dir}}/loop; }
			location /any { satisfy any; deny all; }
			location /anyallow { satisfy any; allow 127.0.0.1; deny all; }
			location /all { allow all; }
			location /alldeny { deny all; }
			location /user { error_page 401 = @user; }
			location @user { auth_basic off; return 200 "<$remote_user>\n"; }
			location /put { auth_basic off; limit_except GET { auth_basic put; } }
			location /page { error_page 401 /text; }
			location /text { auth_basic off; return 200 "text\n"; }
		}`,
	Files: map[string]string{"htpasswd": htpasswd, "html/index.html": "index", "html/off": "off", "html/all": "all", "html/any": "any", "html/anyallow": "aa", "html/put": "put"},
	Prepare: func(t testing.TB, dir string) {
		if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
			t.Fatal(err)
		}
	},
}

func authorization(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestAsNginx(t *testing.T) {
	var cases []httptest.Case
	add := func(method, target string, lines ...string) {
		cases = append(cases, httptest.Case{Name: strings.Join(append([]string{method, target}, lines...), " "), Request: httptest.Request(method, target, lines...)})
	}
	for _, user := range []string{"plain", "sha", "ssha", "ssha2", "apr1", "apr12", "crypt", "bad", "empty", "one", "five", "six", "two", "last", "hidden", "#hidden", "nobody", "pla", "plainer"} {
		add("GET", "/", authorization(user, "password"))
		add("GET", "/", authorization(user, "wrong"))
		add("GET", "/", authorization(user, ""))
	}
	add("GET", "/", authorization("plain", "second"))
	add("GET", "/", authorization("plain", "pass:word"))
	for _, value := range []string{"", "Basic", "Basic ", "Basic    ", "basic cGxhaW46cGFzc3dvcmQ=", "BASIC   cGxhaW46cGFzc3dvcmQ", "Basic !!!", "Basic cGxhaW4=", "Basic OnBhc3N3b3Jk",
		"Basic cGxhaW46cGFzc3dvcmQ=garbage", "Basic c", "Bearer cGxhaW46cGFzc3dvcmQ=", "Basiccplain"} {
		add("GET", "/", "Authorization: "+value)
		add("GET", "/user", "Authorization: "+value)
	}
	for _, target := range []string{"/off", "/realm?r=x", "/var?f=htpasswd", "/var?f=nx", "/var", "/relative", "/nofile", "/folder", "/loop", "/any", "/anyallow", "/all", "/alldeny", "/user", "/put", "/page"} {
		add("GET", target)
		add("GET", target, authorization("plain", "password"))
		add("GET", target, authorization("plain", "wrong"))
	}
	add("POST", "/put")
	add("HEAD", "/put")
	add("HEAD", "/")
	add("PUT", "/put", authorization("plain", "password"))
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`auth_basic;`, `auth_basic a b;`, `auth_basic a; auth_basic b;`, `auth_basic_user_file a b;`,
		`auth_basic_user_file a; auth_basic_user_file b;`,
		`auth_basic $nowhere; auth_basic_user_file a;`, `auth_basic a; auth_basic_user_file $nowhere;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}

func TestUnsupportedScheme(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP:  `server { listen {{addr}}; root {{dir}}; auth_basic x; auth_basic_user_file {{dir}}/htpasswd; }`,
		Files: map[string]string{"htpasswd": "yes:$y$j9T$salt$hash\n"},
	})
	if got := httptest.Status(s.Get("/", authorization("yes", "password"))); got != 500 {
		t.Errorf("status %d", got)
	}
	if logged := s.ReadFile("error.log"); !strings.Contains(logged, `user "yes": password hashes "$y$" are not supported, client: `) {
		t.Error(logged)
	}
}

func TestDelay(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `server { listen {{addr}}; root {{dir}}; auth_delay 150ms; auth_basic x; auth_basic_user_file {{dir}}/htpasswd;
			location /any { satisfy any; deny all; } location /denied { deny all; } }`,
		Files: map[string]string{"htpasswd": "plain:{PLAIN}password\n", "index.html": "index"},
	})
	for _, tt := range []struct {
		target, password string
		status           int
		delayed          bool
	}{
		{"/", "wrong", 401, true}, {"/any", "wrong", 401, true}, {"/", "password", 200, false}, {"/denied", "password", 403, false},
	} {
		from := time.Now()
		status := httptest.Status(s.Get(tt.target, authorization("plain", tt.password)))
		if took := time.Since(from); status != tt.status || tt.delayed && took < 150*time.Millisecond {
			t.Errorf("%s: %d after %v", tt.target, status, took)
		}
	}
	// Who was let in, or not asked, did not wait.
	if logged := s.ReadFile("error.log"); strings.Count(logged, "delaying unauthorized request, client: ") != 2 {
		t.Error(logged)
	}
}

// Who does not wait for the answer is not kept.
func TestDelayEndsWithTheClient(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `access_log {{dir}}/access.log; server { listen {{addr}}; auth_delay 1h; auth_basic x; auth_basic_user_file {{dir}}/none; }`})
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, httptest.Request("GET", "/")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, s, "error.log", "delaying unauthorized request, client: ")
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, s, "error.log", "client prematurely closed connection, client: ")
	waitFor(t, s, "access.log", `"GET / HTTP/1.1" 499 0 `)
}

// waitFor waits until a log has a line with text in it.
func waitFor(t *testing.T, s *httptest.Server, file, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.ReadFile(file), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s has no %q:\n%s", file, text, s.ReadFile(file))
		}
	}
}

// A password that takes long does not keep others waiting.
func TestSlowHashLetsOthersPass(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `server { listen {{addr}}; root {{dir}}; location /slow { auth_basic x; auth_basic_user_file {{dir}}/htpasswd; } }`,
		Files: map[string]string{"index.html": "index",
			"htpasswd": "slow:$2y$09$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm\n"},
	})
	const guesses = 3
	done := make(chan int, guesses)
	for range guesses {
		go func() { done <- httptest.Status(s.Get("/slow", authorization("slow", "guess"))) }()
	}
	served := 0
	for left := guesses; left > 0; {
		select {
		case status := <-done:
			left--
			if status != 401 {
				t.Errorf("status %d", status)
			}
		default:
			if got := httptest.Status(s.Get("/")); got != 200 {
				t.Fatalf("status %d", got)
			}
			served++
		}
	}
	if served < 3*guesses {
		t.Errorf("only %d requests were served beside %d slow hashes", served, guesses)
	}
}
