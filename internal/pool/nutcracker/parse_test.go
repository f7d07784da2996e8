package nutcracker

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/internal/conf"
)

const minimal = "a:\n  listen: 127.0.0.1:1\n  servers:\n   - 127.0.0.1:6379:1\n"

// cases are files and the sentence that refuses them; "" accepts.
var cases = []struct{ text, want string }{
	{minimal, ""},
	{"", "file is empty in F:1"},
	{"# nothing\n", "file is empty in F:1"},
	{"---\n" + minimal, "document markers are not allowed in F:1"},
	{minimal + "...\n", "document markers are not allowed in F:5"},
	{"%YAML 1.1\n---\n" + minimal, "YAML directives are not allowed in F:1"},
	{"a: {listen: 127.0.0.1:1}\n", "flow style is not allowed in F:1"},
	{"a:\n  listen: 127.0.0.1:1\n  servers: [127.0.0.1:6379:1]\n", "flow style is not allowed in F:3"},
	{"a: &x\n  listen: 127.0.0.1:1\n  servers:\n   - 127.0.0.1:6379:1\n", "anchors are not allowed in F:1"},
	{"a: !!map\n  listen: 127.0.0.1:1\n  servers:\n   - 127.0.0.1:6379:1\n", "tags are not allowed in F:1"},
	{"a:\n\tlisten: 127.0.0.1:1\n", "tabs are not allowed as indentation in F:2"},
	{"- a\n- b\n", "file is not a mapping of pools in F:1"},
	{"a\n", "file is not a mapping of pools in F:1"},
	{"a: b\n", `pool "a" has no keys in F:1`},
	{"a:\n  listen: ''\n", `value of "listen" is empty in F:2`},
	{"a:\n  nix: 1\n", `key "nix" is unknown in F:2`},
	{minimal + "  listen: 127.0.0.1:2\n", `key "listen" is duplicate in F:5`},
	{minimal + minimal, `pool "a" is duplicate in F:5`},
	{minimal + strings.Replace(minimal, "a:", "b:", 1), `pools "a" and "b" have the same listen address "127.0.0.1:1" in F:5`},
	{"a:\n  servers:\n   - 127.0.0.1:6379:1\n", `pool "a" has no "listen" in F:1`},
	{"a:\n  listen: 127.0.0.1:1\n", `pool "a" has no "servers" in F:1`},
	{"a:\n  listen: 127.0.0.1\n", `"listen: 127.0.0.1" has no port in F:2`},
	{"a:\n  listen: 127.0.0.1:0\n", `"listen: 127.0.0.1:0" has an invalid port in F:2`},
	{"a:\n  listen: 127.0.0.1:65536\n", `"listen: 127.0.0.1:65536" has an invalid port in F:2`},
	{"a:\n  listen: /tmp/x 01000\n", `"listen: /tmp/x 01000" has a mode over 0777 in F:2`},
	{minimal + "  hash: FNV1A_64\n", `"hash: FNV1A_64" is not a hash function in F:5`},
	{minimal + "  hash: md5\n", ""},
	{minimal + "  hash_tag: '{'\n", `"hash_tag: {" is not two bytes long in F:5`},
	{minimal + "  hash_tag: '{}'\n", ""},
	{minimal + "  distribution: Ketama\n", `"distribution: Ketama" is not a distribution in F:5`},
	{minimal + "  distribution: random\n", ""},
	{minimal + "  timeout: 1s\n", `"timeout: 1s" is not a number in F:5`},
	{minimal + "  timeout: -1\n", `"timeout: -1" is not a number in F:5`},
	{minimal + "  timeout: 400\n", ""},
	{minimal + "  backlog: 1.5\n", `"backlog: 1.5" is not a number in F:5`},
	{minimal + "  redis: yes\n", `"redis: yes" is neither "true" nor "false" in F:5`},
	{minimal + "  redis: True\n", `"redis: True" is neither "true" nor "false" in F:5`},
	{minimal + "  redis: true\n  redis_auth: x\n", ""},
	{minimal + "  redis_auth: x\n", `pool "a" has "redis_auth" and is not a redis pool in F:1`},
	{minimal + "  redis_db: 3\n", ""},
	{minimal + "  redis_db: x\n", `"redis_db: x" is not a number in F:5`},
	{minimal + "  server_connections: 0\n", `"server_connections: 0" must not be zero in F:5`},
	{minimal + "  server_retry_timeout: x\n", `"server_retry_timeout: x" is not a number in F:5`},
	{minimal + "  server_failure_limit: 3\n", ""},
	{minimal + "  preconnect: on\n", `"preconnect: on" is neither "true" nor "false" in F:5`},
	{minimal + "   - 127.0.0.1:6379:2\n", `server "127.0.0.1:6379:2" has the name of another one in F:5`},
	{minimal + "   - 127.0.0.1:6379:2 other\n", ""},
	{minimal + "   - 127.0.0.1:6379:0\n", `server "127.0.0.1:6379:0" has an invalid weight in F:5`},
	{minimal + "   - 127.0.0.1:6379:-1\n", `server "127.0.0.1:6379:-1" has an invalid weight in F:5`},
	{minimal + "   - 127.0.0.1:0:1\n", `server "127.0.0.1:0:1" has an invalid port in F:5`},
	{minimal + "   - 6379:1\n", `server "6379:1" is not "host:port:weight" or "/path:weight" in F:5`},
	{minimal + "   - x\n", `server "x" is not "host:port:weight" or "/path:weight" in F:5`},
	{minimal + "   - /tmp/x:1\n   - /tmp/y:1 y\n", ""},
	{minimal + "   - ::1:6379:1\n", ""},
	{"a:\n  servers:\n  - h:1:1\n  - 'g:1:1 name'\n  listen: ::1:9000\n", ""},
	{"a:\n  listen: /tmp/x 0600\n  servers:\n  - h:1:1\n", ""},
	{"a:\n  listen: /tmp/x 9\n  servers:\n  - h:1:1\n", ""},
}

func TestParse(t *testing.T) {
	for _, tt := range cases {
		_, err := Parse("F", []byte(tt.text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// TestParseAsNutcracker compares every verdict with the real program's.
func TestParseAsNutcracker(t *testing.T) {
	const program = "/usr/sbin/nutcracker"
	if _, err := os.Stat(program); err != nil {
		t.Skip("Debian's nutcracker is not installed")
	}
	file := filepath.Join(t.TempDir(), "n.yml")
	for _, tt := range cases {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := exec.Command(program, "-t", "-c", file, "-o", os.DevNull).Run()
		if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if (err == nil) != (tt.want == "") {
			t.Errorf("%q: nutcracker says %v", tt.text, err)
		}
	}
}

func TestPool(t *testing.T) {
	pools, err := Parse("F", []byte(`
zz:
  listen: /tmp/s 0660
  redis: true
  timeout: 400
  servers:
    - 10.0.0.1:11211:1
    - 10.0.0.1:06379:2
    - /tmp/b:3
    - h:1:4 x
b:
  listen: ::1:9000
  servers:
    - ::1:6379:1
`))
	if err != nil {
		t.Fatal(err)
	}
	if pools[0].Name != "b" || pools[1].Name != "zz" {
		t.Errorf("order %s %s", pools[0].Name, pools[1].Name)
	}
	if l := pools[0].Listen; l.Host != "::1" || l.Port != 9000 || l.Mode != -1 {
		t.Errorf("listen %+v", l)
	}
	p := pools[1]
	if p.Listen.Mode != 0o660 || p.Timeout != 400*time.Millisecond || p.RetryTimeout != 30*time.Second || p.Backlog != 512 {
		t.Errorf("pool %+v", p)
	}
	var names []string
	for _, s := range p.Servers {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"x", "/tmp/b:", "10.0.0.1", "10.0.0.1:06379"}, names); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range cases {
		f.Add(tt.text)
	}
	for _, tt := range beyondCases {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pools, err := Parse("F", []byte(text))
		if want := new(conf.Error); err != nil && !errors.As(err, &want) {
			t.Errorf("error without a place: %v", err)
		}
		for _, p := range pools {
			if len(p.Servers) == 0 {
				t.Errorf("pool %q without servers", p.Name)
			}
		}
	})
}
