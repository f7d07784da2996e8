package streamtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/stream"
)

// streamModule is where Debian's package has nginx's stream module.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

// nginx finds the real nginx to compare with, and what makes it know stream{}: the
// file that BATON_TEST_NGINX names, in which the module is to be, else that of the
// distribution. The test is skipped when there is none.
func nginx(t testing.TB) (binary, load string) {
	t.Helper()
	if path := os.Getenv("BATON_TEST_NGINX"); path != "" {
		return path, ""
	}
	if _, err := os.Stat(streamModule); err != nil {
		t.Skip("the stream module of the real nginx is not installed")
	}
	return "/usr/sbin/nginx", "load_module " + streamModule + "; "
}

// rejectedByNginx gives the reason for which the real nginx refuses site, without
// the time, the process and the file's folder; empty when it takes it.
func rejectedByNginx(t testing.TB, site Site) string {
	t.Helper()
	binary, load := nginx(t)
	s := newServer(t, site)
	file := filepath.Join(s.Dir, "nginx.conf")
	text := fmt.Sprintf("%serror_log %s/error.log; pid %s/nginx.pid; events { }\nstream {\n%s\n}\n", load, s.Dir, s.Dir, s.expand(site.Stream))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "-t", "-q", "-p", s.Dir, "-e", "error.log", "-c", file).CombinedOutput()
	if err == nil {
		return ""
	}
	_, line, ok := strings.Cut(string(out), "[emerg] ")
	if !ok {
		return string(out)
	}
	line, _, _ = strings.Cut(line, "\n")
	return s.normal(placeInFile.ReplaceAllString(numbered.ReplaceAllString(line, ""), ""))
}

var (
	numbered    = regexp.MustCompile(`^[0-9]+#[0-9]+: `)
	placeInFile = regexp.MustCompile(` in /\S+:[0-9]+$`)
)

// normal is text without what differs between two servers.
func (s *Server) normal(text string) string {
	for name, address := range s.addresses {
		text = strings.ReplaceAll(text, address, "{{"+name+"}}")
	}
	return strings.ReplaceAll(text, s.Dir, "{{dir}}")
}

// CompareRejected checks that a stream block is refused with the sentence of the
// real nginx.
func CompareRejected(t *testing.T, features []stream.Module, block string) {
	t.Helper()
	site := Site{Stream: block}
	theirs, ours := rejectedByNginx(t, site), Rejected(t, features, site)
	if theirs == "" {
		t.Errorf("%s\nnginx takes it, baton says: %s", block, ours)
	} else if theirs != ours {
		t.Errorf("%s\nnginx: %s\nbaton: %s", block, theirs, ours)
	}
}
