package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A poolLoad is what redis-benchmark does to a pool of Redis servers.
type poolLoad struct {
	backends int
	clients  int
	pipeline int      // requests at once
	size     int      // of values
	command  []string // with __rand_int__ for a number of a key
	keys     int      // of which __rand_int__ is one
}

// The pools' cases: what is asked, how, and of how many servers.
func poolCases() (all []benchCase) {
	const set, get = "set", "get"
	add := func(name, about string, l poolLoad) {
		all = append(all, benchCase{name, about, load{}, func(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
			return runPool(ctx, b, c, &l)
		}})
	}
	for _, backends := range []int{1, 4} {
		for _, pipeline := range []int{1, 16} {
			for _, verb := range []string{get, set} {
				l := poolLoad{backends: backends, clients: 50, pipeline: pipeline, size: 64, keys: 10_000, command: []string{get, "key:__rand_int__"}}
				if verb == set {
					l.command = []string{set, "key:__rand_int__", value(l.size)}
				}
				add(fmt.Sprintf("pool-%s-%d-%d", verb, pipeline, backends),
					fmt.Sprintf("%s, 50 clients, pipeline of %d, %d Redis servers", strings.ToUpper(verb), pipeline, backends), l)
			}
		}
		many := []string{"mget"}
		for range 100 {
			many = append(many, "key:__rand_int__")
		}
		add(fmt.Sprintf("pool-mget-%d", backends), fmt.Sprintf("MGET of 100 keys, 50 clients, %d Redis servers", backends),
			poolLoad{backends: backends, clients: 50, pipeline: 1, size: 64, keys: 10_000, command: many})
	}
	const megabyte = 1 << 20
	add("pool-get-1m", "GET of 1 MB, 10 clients, 4 Redis servers",
		poolLoad{backends: 4, clients: 10, pipeline: 1, size: megabyte, keys: 20, command: []string{get, "key:__rand_int__"}})
	add("pool-set-1m", "SET of 1 MB, 10 clients, 4 Redis servers",
		poolLoad{backends: 4, clients: 10, pipeline: 1, size: megabyte, keys: 20, command: []string{set, "key:__rand_int__", value(megabyte)}})
	return append(all, benchCase{"pool-memory", "memory of 1,000 clients of a pool, idle and after 16 requests at once", load{}, runPoolMemory})
}

// valueFile is what an argument of redis-benchmark may not be: longer than the
// kernel lets an argument be.
const valueFile = "\x00"

// value is an argument of size bytes.
func value(size int) string {
	if size > 100_000 {
		return valueFile + strconv.Itoa(size)
	}
	return strings.Repeat("x", size)
}

// nutcrackerBinary is what pools are measured beside.
const nutcrackerBinary = "/usr/sbin/nutcracker"

var poolHello = hello{"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n", "+PONG\r\n"}

// backends are Redis servers beside the load.
type backends []*server

func (b *bench) startRedis(ctx context.Context, n int) (all backends, err error) {
	for range n {
		s, err := b.newServer(program{name: "redis", path: "redis-server"}, "")
		if err != nil {
			return all, err
		}
		s.core, s.hello = loadCore, poolHello
		_, port, _ := strings.Cut(s.addr, ":")
		s.args = []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir}
		if err := s.start(ctx); err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (r backends) stop() {
	for _, s := range r {
		s.stop()
	}
}

// yml is the nutcracker.yml that both programs get.
func (r backends) yml(listen string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "bench:\n  listen: %s\n  redis: true\n  hash: fnv1a_64\n  distribution: ketama\n  timeout: 20000\n  backlog: 4096\n  servers:\n", listen)
	for i, s := range r {
		fmt.Fprintf(&text, "   - %s:1 server%d\n", s.addr, i)
	}
	return text.String()
}

// startPools starts baton and nutcracker before the same servers.
func (b *bench) startPools(ctx context.Context, name string, r backends) (both [2]*server, err error) {
	for i, p := range [2]program{b.programs[0], {name: "nutcracker", path: nutcrackerBinary}} {
		if i == 0 && b.profiles != "" {
			profile, err := filepath.Abs(filepath.Join(b.profiles, name+".pprof"))
			if err != nil {
				return both, err
			}
			p.env = "BATON_PPROF=" + profile
		}
		s, err := b.newServer(p, "worker_processes 1;\nenv BATON_PPROF;\nworker_rlimit_nofile 20000;\ndaemon off;\n"+
			"pid {{dir}}/nginx.pid;\nerror_log {{dir}}/error.log;\nevents { worker_connections 19000; }\nnutcracker {{dir}}/pools.yml;\n")
		if err != nil {
			return both, err
		}
		s.hello = poolHello
		file := filepath.Join(s.dir, "pools.yml")
		if err := os.WriteFile(file, []byte(r.yml(s.addr)), 0o644); err != nil {
			return both, err
		}
		if i == 1 {
			_, port, _ := strings.Cut(s.second, ":")
			s.args = []string{"-c", file, "-o", filepath.Join(s.dir, "error.log"), "-a", "127.0.0.1", "-s", port}
		}
		if err := s.start(ctx); err != nil {
			return both, err
		}
		both[i] = s
		s.worker = s.cmd.Process.Pid
		if i == 0 {
			if err := s.findWorker(); err != nil {
				return both, err
			}
		}
	}
	return both, nil
}

func stopBoth(both [2]*server) {
	for _, s := range both {
		if s != nil {
			s.stop()
		}
	}
}

const poolHeading = `| case | direct req/s | baton req/s | nutcracker req/s | ratio | baton µs | nutcracker µs | CPU ratio | from - to | disturbed |
|---|---|---|---|---|---|---|---|---|---|
`

// runPool gives baton, nutcracker and a direct connection rounds in turn.
func runPool(ctx context.Context, b *bench, c *benchCase, l *poolLoad) (heading, row string, err error) {
	r, err := b.startRedis(ctx, l.backends)
	defer r.stop()
	if err != nil {
		return poolHeading, "", err
	}
	both, err := b.startPools(ctx, c.name, r)
	defer stopBoth(both)
	if err != nil {
		return poolHeading, "", err
	}
	fill := *l
	fill.pipeline, fill.command = 1, []string{"set", "key:__rand_int__", value(l.size)}
	for _, addr := range []string{both[0].addr, r[0].addr} { // the direct one asks a single server for all of them
		if _, err := fill.run(ctx, addr, 3*l.keys); err != nil {
			return poolHeading, "", err
		}
	}
	var samples [2][]sample
	var direct []float64
	var counts [3]int
	for i, addr := range []string{both[0].addr, both[1].addr, r[0].addr} { // warm up, and see how much is enough
		counts[i] = max(20, 2000/max(1, l.size/10_000))
		for range 2 {
			rate, err := l.run(ctx, addr, counts[i])
			if err != nil {
				return poolHeading, "", err
			}
			counts[i] = int(math.Ceil(rate * b.duration.Seconds()))
		}
	}
	for range b.rounds {
		for i, s := range both {
			got, err := s.measure(func() (requests, rate float64, err error) {
				rate, err = l.run(ctx, s.addr, counts[i])
				return float64(counts[i]), rate, err
			})
			if err != nil {
				return poolHeading, "", err
			}
			samples[i] = append(samples[i], got)
		}
		rate, err := l.run(ctx, r[0].addr, counts[2])
		if err != nil {
			return poolHeading, "", err
		}
		direct = append(direct, rate)
	}
	rest := strings.TrimPrefix(loadRow(c.name, samples), "| "+c.name)
	return poolHeading, fmt.Sprintf("| %s | %.0f %s", c.name, median(direct), rest), nil
}

var redisRate = regexp.MustCompile(`([\d.]+) requests per second`)

// run is one run of redis-benchmark with so many requests; it returns how many
// were answered in a second.
func (l *poolLoad) run(ctx context.Context, addr string, requests int) (rate float64, err error) {
	_, port, _ := strings.Cut(addr, ":")
	args := []string{"-c", loadCore, "redis-benchmark", "-h", "127.0.0.1", "-p", port, "-c", strconv.Itoa(l.clients), "-P", strconv.Itoa(l.pipeline),
		"-n", strconv.Itoa(requests), "-r", strconv.Itoa(l.keys), "-q"}
	command := l.command
	var in *strings.Reader
	if last := len(command) - 1; strings.HasPrefix(command[last], valueFile) {
		size, _ := strconv.Atoi(command[last][1:])
		in = strings.NewReader(strings.Repeat("x", size))
		command = command[:last]
		args = append(args, "-x")
	}
	cmd := exec.CommandContext(ctx, "taskset", append(args, command...)...)
	if in != nil {
		cmd.Stdin = in
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("redis-benchmark: %w: %s", err, text)
	}
	found := redisRate.FindAllStringSubmatch(string(text), -1)
	if found == nil || strings.Contains(string(text), "Error from server") {
		return 0, fmt.Errorf("redis-benchmark says %.500q", text)
	}
	return strconv.ParseFloat(found[len(found)-1][1], 64)
}
