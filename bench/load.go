package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A load is what wrk does to a server with conf inside of its server block.
type load struct {
	conf        string
	more        string // beside that server block
	path        string // "/" when empty
	header      string // one more field of each request; none when empty
	script      string // for wrk, in Lua; none when empty
	connections int
	close       bool // one connection per request
	pipeline    int  // requests written at once, without a script of its own; 0 for one
	streams     int  // at once on each connection, over HTTP/2 by h2load; 0 for HTTP/1
}

// A sample is one round under load.
type sample struct {
	rate   float64 // requests per second
	cpu    float64 // microseconds of the worker per request
	waited float64 // percent of the round that the worker was kept from its core
}

const loadHeading = `| case | baton req/s | nginx req/s | ratio | baton µs | nginx µs | CPU ratio | from - to | disturbed |
|---|---|---|---|---|---|---|---|---|
`

// runLoad starts both servers and gives them rounds in turn.
func runLoad(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	backend := ""
	if strings.Contains(c.load.more, "{{backend}}") {
		s, err := b.startBackend(ctx)
		if err != nil {
			return loadHeading, "", err
		}
		defer s.stop()
		backend = s.addr
	}
	var servers [2]*server
	for i, p := range b.programs {
		if servers[i], err = b.startCase(ctx, p, c, backend); err != nil {
			return loadHeading, "", err
		}
		defer servers[i].stop()
	}
	return b.inRounds(ctx, c, servers)
}

// startCase runs p with the configuration of a case, whose backend, if it has one,
// is at that address.
func (b *bench) startCase(ctx context.Context, p program, c *benchCase, backend string) (*server, error) {
	if p == b.programs[0] && b.profiles != "" {
		profile, err := filepath.Abs(filepath.Join(b.profiles, c.name+".pprof"))
		if err != nil {
			return nil, err
		}
		p.env = "BATON_PPROF=" + profile
	}
	conf := strings.NewReplacer("{{backend}}", backend).Replace(configuration(c.load.conf, c.load.more))
	if _, err := os.Stat(streamModule); err == nil && p.path == "/usr/sbin/nginx" && strings.Contains(c.load.more, "\nstream {") {
		conf = "load_module " + streamModule + ";\n" + conf
	}
	s, err := b.newServer(p, conf)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := s.findWorker(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// inRounds puts both servers under load in turn.
func (b *bench) inRounds(ctx context.Context, c *benchCase, servers [2]*server) (heading, row string, err error) {
	for _, s := range servers {
		if _, err := c.load.round(ctx, s, b.duration/4+time.Second); err != nil { // warm up
			return loadHeading, "", err
		}
	}
	var samples [2][]sample
	for range b.rounds {
		for i, s := range servers {
			got, err := c.load.round(ctx, s, b.duration)
			if err != nil {
				return loadHeading, "", err
			}
			samples[i] = append(samples[i], got)
		}
	}
	return loadHeading, loadRow(c.name, samples), nil
}

func loadRow(name string, samples [2][]sample) string {
	rate := func(s sample) float64 { return s.rate }
	cpu := func(s sample) float64 { return s.cpu }
	waited := func(s sample) float64 { return s.waited }
	ratios := ratiosOf(samples, cpu)
	disturbed := median(append(pick(samples[0], waited), pick(samples[1], waited)...))
	return fmt.Sprintf("| %s | %.0f | %.0f | %.2f | %.2f | %.2f | **%.2f** | %.2f - %.2f | %.0f %% |\n", name,
		median(pick(samples[0], rate)), median(pick(samples[1], rate)), median(ratiosOf(samples, rate)),
		median(pick(samples[0], cpu)), median(pick(samples[1], cpu)), median(ratios), least(ratios), most(ratios), disturbed)
}

// round is one run of wrk or h2load.
func (l *load) round(ctx context.Context, s *server, d time.Duration) (sample, error) {
	path := l.path
	if path == "" {
		path = "/"
	}
	seconds := strconv.Itoa(int(max(d.Round(time.Second), time.Second) / time.Second))
	if l.streams > 0 {
		return s.measure(func() (requests, rate float64, err error) {
			text, err := exec.CommandContext(ctx, "taskset", "-c", loadCore, "h2load", "-c"+strconv.Itoa(l.connections),
				"-m"+strconv.Itoa(l.streams), "-D"+seconds, "http://"+s.second+path).CombinedOutput()
			if err != nil {
				return 0, 0, fmt.Errorf("h2load: %w: %s", err, text)
			}
			return readH2load(string(text))
		})
	}
	args := []string{"-c", loadCore, "wrk", "-t1", "-c" + strconv.Itoa(l.connections), "-d" + seconds + "s", "--timeout", "60s"}
	if l.close {
		args = append(args, "-H", "Connection: close")
	}
	if l.header != "" {
		args = append(args, "-H", l.header)
	}
	script := l.script
	if l.pipeline > 1 {
		script = pipelineScript(l.pipeline)
	}
	if script != "" {
		file := filepath.Join(s.dir, "wrk.lua")
		if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
			return sample{}, err
		}
		args = append(args, "-s", file)
	}
	return s.measure(func() (requests, rate float64, err error) {
		text, err := exec.CommandContext(ctx, "taskset", append(args, "http://"+s.addr+path)...).CombinedOutput()
		if err != nil {
			return 0, 0, fmt.Errorf("wrk: %w: %s", err, text)
		}
		return readWrk(string(text))
	})
}

// measure is what the worker needs for the requests that do makes.
func (s *server) measure(do func() (requests, rate float64, err error)) (sample, error) {
	before, err := cpuUsage(s.worker)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	requests, rate, err := do()
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", s.name, err)
	}
	took := time.Since(began)
	after, err := cpuUsage(s.worker)
	if err != nil {
		return sample{}, err
	}
	return sample{
		rate:   rate,
		cpu:    float64((after.ran - before.ran).Nanoseconds()) / 1000 / requests,
		waited: 100 * float64(after.waited-before.waited) / float64(took),
	}, nil
}

func pipelineScript(depth int) string {
	return fmt.Sprintf(`init = function(args)
	local one = wrk.format()
	local all = {}
	for i = 1, %d do all[i] = one end
	batch = table.concat(all)
end
request = function() return batch end
`, depth)
}

var (
	requestsLine = regexp.MustCompile(`(\d+) requests in `)
	rateLine     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	troubleLine  = regexp.MustCompile(`(?m)^\s*(Non-2xx or 3xx responses: \d+|Socket errors:.*)$`)
)

var (
	h2Rate  = regexp.MustCompile(`finished in [\d.]+m?s, ([\d.]+) req/s`)
	h2Count = regexp.MustCompile(`(\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored`)
)

// readH2load takes the figures from h2load's report. Failed requests are an error.
func readH2load(report string) (requests, rate float64, err error) {
	count, second := h2Count.FindStringSubmatch(report), h2Rate.FindStringSubmatch(report)
	if count == nil || second == nil || count[1] == "0" {
		return 0, 0, fmt.Errorf("h2load says %q", report)
	}
	if count[2] != "0" || count[3] != "0" {
		return 0, 0, fmt.Errorf("h2load: %s", count[0])
	}
	if requests, err = strconv.ParseFloat(count[1], 64); err != nil {
		return 0, 0, err
	}
	rate, err = strconv.ParseFloat(second[1], 64)
	return requests, rate, err
}

// readWrk takes the figures from wrk's report. Failed requests are an error.
func readWrk(report string) (requests, rate float64, err error) {
	if trouble := troubleLine.FindString(report); trouble != "" {
		return 0, 0, fmt.Errorf("%s", strings.TrimSpace(trouble))
	}
	count, second := requestsLine.FindStringSubmatch(report), rateLine.FindStringSubmatch(report)
	if count == nil || second == nil {
		return 0, 0, fmt.Errorf("wrk says %q", report)
	}
	if requests, err = strconv.ParseFloat(count[1], 64); err != nil {
		return 0, 0, err
	}
	if requests == 0 {
		return 0, 0, fmt.Errorf("not one request was answered in this round; is the machine too busy?")
	}
	rate, err = strconv.ParseFloat(second[1], 64)
	return requests, rate, err
}
