package e2e_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

func get(path string, lines ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
}

func post(path, contentType, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		path, contentType, len(body), body)
}

func sum(text string) string {
	s := sha1.Sum([]byte(text))
	return hex.EncodeToString(s[:])
}

// bigText is a megabyte that needs no escaping in a form.
var bigText = strings.Repeat("0123456789abcdef", 1<<16)

func upload() string {
	const boundary = "----boundary"
	return post("/upload", "multipart/form-data; boundary="+boundary,
		"--"+boundary+"\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"+
			bigText+"\r\n--"+boundary+"--\r\n")
}

// phpRequests is what a site of PHP is asked. want must stand in the answer.
var phpRequests = []struct{ name, send, want string }{
	{"environment", get("/some/page?a=1&b=%20", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8", "Cookie: a=b", "Cookie: c=d",
		"Accept: */*", "x_under: dropped", "X-Long: "+strings.Repeat("l", 300)), "HTTP_X_FORWARDED_FOR=1.2.3.4, 5.6.7.8\n"},
	{"host with a port", strings.Replace(get("/"), "example.test", "Example.test:8080", 1), "SCRIPT_NAME=/index.php\n"},
	{"no host", "GET /x HTTP/1.0\r\n\r\n", "REQUEST_URI=/x\n"},
	{"directory with an index", get("/blog/"), "blog /blog/index.php"},
	{"directory without a slash", get("/blog"), "301 Moved"},
	{"path behind the script", get("/index.php/one/two%20words?x"), "PATH_INFO=/one/two words\n"},
	{"script that is not there", get("/none.php"), "404 Not Found"},
	{"file", get("/plain.txt"), "a file\n"},
	{"HEAD", strings.Replace(get("/big"), "GET", "HEAD", 1), "200 OK"},
	{"form of a megabyte", post("/form?q=1", "application/x-www-form-urlencoded", "text="+bigText), "1048576 " + sum(bigText) + " 1"},
	{"form in chunks", "POST /form?q=2 HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
		"Transfer-Encoding: chunked\r\n\r\n5\r\ntext=\r\n3\r\nabc\r\n0\r\n\r\n", "3 " + sum("abc") + " 2"},
	{"upload", upload(), "a.bin 1048576 0 " + sum(bigText) + " yes"},
	{"404 of the application", get("/missing"), "no such page"},
	{"exception", get("/broken"), "500 Internal Server Error"},
	{"more than the buffers hold", get("/big"), strings.Repeat("z", 1024)},
	{"cookies and a redirect", get("/login"), "Location: /welcome?x=1\r\n"},
	{"complaints", get("/careless"), "done"},
	{"file by the server", get("/private"), "for you only\n"},
	{"not buffered", get("/flush"), "three"},
	{"length", get("/length"), "Content-Length: 5\r\n"},
	{"no content", get("/nothing"), "204 No Content"},
	{"not asked for", get("/files/private.txt"), "404 Not Found"},
}

// The same site behind Debian's nginx and behind us gives the same answers, and
// what PHP is told is the same.
func TestPHPAsNginx(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"", "fastcgi_keep_conn on; fastcgi_buffering off; fastcgi_request_buffering off; fastcgi_hide_header X-Powered-By;"} {
		t.Run(fmt.Sprintf("options %q", options), func(t *testing.T) {
			nginx, _ := startPHP(t, e2e.Nginx(t), options)
			b, _ := startPHP(t, e2e.Binary(), options)
			for _, c := range phpRequests {
				if c.name == "form in chunks" && strings.Contains(options, "request_buffering off") {
					continue // PHP wants to know a length that nobody knows
				}
				whole, got := phpAnswer(t, b, c.send)
				_, want := phpAnswer(t, nginx, c.send)
				if !strings.Contains(whole, c.want) {
					t.Errorf("%s: no %.100q in\n%.3000s", c.name, c.want, whole)
				}
				if got != want {
					t.Errorf("%s: %s\nnginx: %s", c.name, firstDifference(got, want), firstDifference(want, got))
				}
			}
			b.WaitLog(`\[error\].* FastCGI sent in stderr: "PHP message: careful now; ?PHP message: PHP Notice:  noticed in .*" while reading response header from upstream, client: 127.0.0.1, server: example.test, request: "GET /careless HTTP/1.1", upstream: "fastcgi://unix:.*/php.sock:", host: "example.test"`)
			b.WaitLog(`FastCGI sent in stderr: "PHP message: PHP Fatal error:  Uncaught Exception: it broke`)
		})
	}
}

// What differs for reasons that have nothing to do with PHP: ports, the time of
// files, and that nginx joins lines of one name, and makes HTTP_HOST of the request
// line too, since 1.23 and 1.31.
var unlike = regexp.MustCompile(`(?m)^((SERVER_PORT|HTTP_HOST|HTTP_X_FORWARDED_FOR|HTTP_COOKIE)=.*\n|(Last-Modified|ETag): .*\n)`)

// phpAnswer is what comes back, in a form that can be compared: without the chunks
// of the body, which depend on how PHP's output came, and the fields sorted. The
// client does not close its side before, which would end the request.
func phpAnswer(t *testing.T, b *e2e.Server, send string) (whole, comparable string) {
	network, address := b.Address("web")
	c := e2e.DialAddress(t, network, address)
	defer c.Close()
	c.Send(send)
	method, _, _ := strings.Cut(send, " ")
	r := c.Read(method)
	slices.Sort(r.Fields)
	whole = strings.Join(append([]string{r.Line}, r.Fields...), "\r\n") + "\r\n\r\n" + string(r.Body)
	whole = strings.ReplaceAll(e2e.Normalize(whole, address), b.Dir, "DIR")
	return whole, unlike.ReplaceAllString(whole, "")
}

// firstDifference is the part of a that begins to differ from b.
func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("%.300q", a[max(0, min(i, len(a))-60):])
}

// Without php-fpm the answer is 502, and when it is back all is well again; so it
// is when its processes die under load.
func TestPHPGoneAndBack(t *testing.T) {
	t.Parallel()
	b, p := startPHP(t, e2e.Binary(), "")
	load := b.StartLoad("web", &e2e.Load{KeepAlive: 8, PerConn: 16, Rate: 100, Path: "/length", Body: func(s string) bool { return s == "hello" || strings.Contains(s, "502 Bad Gateway") }})
	load.More(20)
	p.stop()
	b.WaitLog(`connect\(\) to unix:.*/php.sock failed \(111: Connection refused\) while connecting to upstream`)
	if r := b.Dial("web").Get("/length"); r.Status != 502 {
		t.Errorf("without php-fpm: %s", r.Line)
	}
	if err := os.Remove(p.socket); err != nil {
		t.Fatal(err)
	}
	b.Dial("web").Get("/length")
	p.start()
	if !e2e.Eventually(20*time.Second, func() bool { body, err := b.TryGet("web", "/length"); return err == nil && body == "hello" }) {
		t.Errorf("php-fpm is back, but not for us:\n%s", b.Log())
	}
	load.More(20)
	load.Stop()
}

func TestSlowPHPScript(t *testing.T) {
	t.Parallel()
	b, _ := startPHP(t, e2e.Binary(), "fastcgi_read_timeout 100ms;")
	if r := b.Dial("web").Get("/slow"); r.Status != 504 {
		t.Errorf("%s", r.Line)
	}
	b.WaitLog(`\[error\].* upstream timed out \(110: Connection timed out\) while reading response header from upstream`)
}

func TestPHPClientGone(t *testing.T) {
	t.Parallel()
	b, _ := startPHP(t, e2e.Binary(), "")
	network, address := b.Address("web")
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, get("/slow"))
	c.Close()
	b.Dial("web").Get("/length").Want(200, "hello") // the other child
}
