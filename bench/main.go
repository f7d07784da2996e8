// Command bench runs baton and nginx side by side with the same configuration and
// prints, as a markdown table, what each costs.
//
//	go run ./bench                                  everything, some minutes
//	go run ./bench -cases return,file-1k -rounds 9  a part of it, more exactly
//	go run ./bench -baton /path/A -nginx /path/B    any two programs with nginx's flags
//	go run ./bench -list                            what there is
//	go run ./bench -tags pprof -pprof DIR           CPU profiles of baton's workers too
//
// The servers run one worker on the first core, the load (wrk and h2load, from Debian) on the
// second, and rounds alternate between the programs, so that what else the machine
// does hits both. CPU is user and system time of the worker, from the scheduler's
// nanosecond counts, so a busy machine disturbs it less than the rate of requests;
// the column "disturbed" says for how much of the time something else had the core.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are the command line.
type settings struct {
	baton, nginx string
	tags         string
	cases        string
	rounds       int
	duration     time.Duration
	idle         int
	tunnels      int
	servers      int
	profiles     string
	list         bool
}

func main() {
	if playRole() {
		return
	}
	var s settings
	flag.StringVar(&s.baton, "baton", "", "binary to measure; built from ./cmd/baton when empty")
	flag.StringVar(&s.nginx, "nginx", "/usr/sbin/nginx", "binary to compare with")
	flag.StringVar(&s.tags, "tags", "", "build tags for baton")
	flag.StringVar(&s.cases, "cases", "", "comma-separated names, or prefixes of names (default all, see -list)")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds of each program per case")
	flag.DurationVar(&s.duration, "duration", 3*time.Second, "length of a round under load")
	flag.IntVar(&s.idle, "idle", 10000, "idle connections of the cases \"idle\" and \"handover-idle\"")
	flag.IntVar(&s.tunnels, "tunnels", 2000, "WebSockets of the case \"handover-tunnels\"")
	flag.IntVar(&s.servers, "servers", 2645, "server blocks of the case \"config\"")
	flag.StringVar(&s.profiles, "pprof", "", "folder for CPU profiles of baton's worker, one per case; needs -tags pprof")
	flag.BoolVar(&s.list, "list", false, "print the cases and exit")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A program is one of the two binaries.
type program struct {
	name, path string
	env        string // one more variable of its environment; none when empty
}

// A bench is one run of this command.
type bench struct {
	settings
	programs [2]program // baton, nginx
	dir      string     // everything written lies in it; removed at the end
	out      io.Writer
}

func run(ctx context.Context, s *settings, out io.Writer) error {
	chosen, err := choose(s.cases)
	if err != nil {
		return err
	}
	if s.list {
		for _, c := range chosen {
			fmt.Fprintf(out, "%-12s %s\n", c.name, c.about)
		}
		return nil
	}
	tools := []string{"wrk", "taskset"}
	if slices.ContainsFunc(chosen, func(c benchCase) bool { return c.load.streams > 0 }) {
		tools = append(tools, "h2load")
	}
	if slices.ContainsFunc(chosen, func(c benchCase) bool { return strings.HasPrefix(c.name, "pool") }) {
		tools = append(tools, "redis-benchmark", "redis-server", nutcrackerBinary)
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w; on Debian: apt-get install wrk nghttp2-client util-linux redis-server redis-tools nutcracker", err)
		}
	}
	dir, err := os.MkdirTemp("", "baton-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{settings: *s, dir: dir, out: out}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	return b.runCases(ctx, chosen)
}

// prepare builds baton when no binary was named, and writes the files to serve.
func (b *bench) prepare(ctx context.Context) error {
	if err := os.Chmod(b.dir, 0o755); err != nil { // workers may run as another user
		return err
	}
	if b.baton == "" {
		b.baton = filepath.Join(b.dir, "baton")
		build := exec.CommandContext(ctx, "go", "build", "-tags", b.tags, "-o", b.baton, "github.com/baton-project/baton/cmd/baton")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("go build: %w", err)
		}
	}
	b.programs = [2]program{{name: "baton", path: b.baton}, {name: "nginx", path: b.nginx}}
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return err
		}
	}
	if err := writeCertificates(b.dir); err != nil {
		return err
	}
	return writeFiles(filepath.Join(b.dir, "html"))
}

// runCases runs every case and prints the tables. A case that one of the programs
// cannot run is said to be so, and the others go on.
func (b *bench) runCases(ctx context.Context, chosen []benchCase) error {
	for _, p := range b.programs {
		fmt.Fprintf(b.out, "%s: %s\n", p.name, version(p.path))
	}
	fmt.Fprintf(b.out, "%d rounds each, %v per round under load\n", b.rounds, b.duration)
	heading := ""
	failed := false
	for _, c := range chosen {
		table, row, err := c.run(ctx, b, &c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if table != heading {
			fmt.Fprintf(b.out, "\n%s", table)
			heading = table
		}
		if err != nil {
			failed = true
			row = fmt.Sprintf("| %s | failed: %s |\n", c.name, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		fmt.Fprint(b.out, row)
	}
	if failed {
		return errors.New("not every case could be measured")
	}
	return nil
}

// version is the first line of what the program says about itself.
func version(path string) string {
	text, err := exec.Command(path, "-v").CombinedOutput()
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line + " (" + path + ")"
}
