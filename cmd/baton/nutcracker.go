package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/pool"
	"github.com/baton-project/baton/internal/server"
	"github.com/baton-project/baton/process"
)

// Where twemproxy's things are when no flag says otherwise; a package may be
// built with others.
var (
	nutcrackerConf = "conf/nutcracker.yml"
	nutcrackerLog  = "stderr"
)

// asNutcracker reports whether the program is to be twemproxy, by its name or by
// its first argument, and returns the arguments behind that.
func asNutcracker(args []string) ([]string, bool) {
	switch {
	case strings.HasSuffix(filepath.Base(args[0]), "nutcracker"):
		return args[1:], true
	case len(args) > 1 && args[1] == "nutcracker":
		return args[2:], true
	}
	return nil, false
}

// nutcrackerFlags are twemproxy's.
type nutcrackerFlags struct {
	help, version, test, daemon, describe bool
	verbose                               int
	output, conf, pid                     string
	statsPort                             int
	statsAddr                             string
}

// A nutcrackerOption is one of twemproxy's flags. what it requires is for
// messages; "" is a flag without a value.
type nutcrackerOption struct {
	letter byte
	long   string
	what   string
	set    func(f *nutcrackerFlags, value string) error
}

var nutcrackerOptions = []nutcrackerOption{
	{'h', "help", "", func(f *nutcrackerFlags, _ string) error { f.help, f.version = true, true; return nil }},
	{'V', "version", "", func(f *nutcrackerFlags, _ string) error { f.version = true; return nil }},
	{'t', "test-conf", "", func(f *nutcrackerFlags, _ string) error { f.test = true; return nil }},
	{'d', "daemonize", "", func(f *nutcrackerFlags, _ string) error { f.daemon = true; return nil }},
	{'D', "describe-stats", "", func(f *nutcrackerFlags, _ string) error { f.describe, f.version = true, true; return nil }},
	{'v', "verbose", "a number", func(f *nutcrackerFlags, v string) error {
		n, err := natural('v', v)
		f.verbose = n
		return err
	}},
	{'o', "output", "a file name", func(f *nutcrackerFlags, v string) error { f.output = v; return nil }},
	{'c', "conf-file", "a file name", func(f *nutcrackerFlags, v string) error { f.conf = v; return nil }},
	{'s', "stats-port", "a number", func(f *nutcrackerFlags, v string) error {
		n, err := natural('s', v)
		if err == nil && (n < 1 || n > 65535) {
			err = fmt.Errorf("option -s value %d is not a valid port", n)
		}
		f.statsPort = n
		return err
	}},
	{'a', "stats-addr", "a string", func(f *nutcrackerFlags, v string) error { f.statsAddr = v; return nil }},
	{'i', "stats-interval", "a number", func(_ *nutcrackerFlags, v string) error {
		_, err := natural('i', v) // the statistics are always up to date
		return err
	}},
	{'p', "pid-file", "a file name", func(f *nutcrackerFlags, v string) error { f.pid = v; return nil }},
	{'m', "mbuf-size", "a number", func(_ *nutcrackerFlags, v string) error {
		n, err := natural('m', v) // no buffer depends on it
		if err == nil && (n < 512 || n > 16777216) {
			err = fmt.Errorf("mbuf chunk size must be between 512 and 16777216 bytes")
		}
		return err
	}},
}

func natural(letter byte, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("option -%c requires a number", letter)
	}
	return n, nil
}

// parseNutcracker reads args as getopt_long does.
func parseNutcracker(args []string) (nutcrackerFlags, error) {
	f := nutcrackerFlags{verbose: 5, output: nutcrackerLog, conf: nutcrackerConf, statsPort: 22222, statsAddr: "0.0.0.0"}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		var err error
		switch {
		case word == "--":
			return f, nil
		case strings.HasPrefix(word, "--"):
			args, err = f.parseLong(word[2:], args)
		case len(word) > 1 && word[0] == '-':
			args, err = f.parseLetters(word[1:], args)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *nutcrackerFlags) parseLong(word string, args []string) ([]string, error) {
	name, value, given := strings.Cut(word, "=")
	var found []nutcrackerOption
	for _, o := range nutcrackerOptions {
		if o.long == name {
			found = []nutcrackerOption{o}
			break
		}
		if strings.HasPrefix(o.long, name) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		return args, fmt.Errorf("unrecognized option '--%s'", name)
	}
	o := found[0]
	switch {
	case o.what == "" && given:
		return args, fmt.Errorf("option '--%s' doesn't allow an argument", o.long)
	case o.what != "" && !given:
		if len(args) == 0 {
			return args, fmt.Errorf("option -%c requires %s", o.letter, o.what)
		}
		value, args = args[0], args[1:]
	}
	return args, o.set(f, value)
}

func (f *nutcrackerFlags) parseLetters(word string, args []string) ([]string, error) {
	for word != "" {
		letter := word[0]
		word = word[1:]
		var o *nutcrackerOption
		for i := range nutcrackerOptions {
			if nutcrackerOptions[i].letter == letter {
				o = &nutcrackerOptions[i]
			}
		}
		if o == nil {
			return args, fmt.Errorf("invalid option -- '%c'", letter)
		}
		value := word
		if o.what != "" {
			if word == "" {
				if len(args) == 0 {
					return args, fmt.Errorf("option -%c requires %s", letter, o.what)
				}
				value, args = args[0], args[1:]
			}
			word = ""
		}
		if err := o.set(f, value); err != nil {
			return args, err
		}
	}
	return args, nil
}

// runNutcracker is a whole life in twemproxy's place.
func runNutcracker(args []string, title *process.Title, launched *process.Launched) int {
	f, err := parseNutcracker(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "nutcracker: %v\n", err)
		writeNutcrackerUsage(os.Stderr)
		return 1
	}
	if f.version {
		fmt.Fprintf(os.Stderr, "This is nutcracker-%s\nbaton version: baton/%s\n\n", pool.Version, version)
		if f.help {
			writeNutcrackerUsage(os.Stderr)
		}
		if f.describe {
			_, _ = io.WriteString(os.Stderr, describedStats)
		}
		return 0
	}
	site, err := f.site()
	if err != nil {
		fmt.Fprintf(os.Stderr, "nutcracker: %v\n", err)
		return 1
	}
	if f.test {
		if err := site.Check(); err != nil {
			fmt.Fprintf(os.Stderr, "nutcracker: %v\nnutcracker: configuration file '%s' syntax is invalid\n", err, f.conf)
			return 1
		}
		fmt.Fprintf(os.Stderr, "nutcracker: configuration file '%s' syntax is ok\n", f.conf)
		return 0
	}
	return site.Serve(title, launched)
}

// levels are those of nginx for twemproxy's numbers from 0 on.
var levels = [...]string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

// site is the configuration that the flags stand for.
func (f *nutcrackerFlags) site() (*server.Site, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	under := func(name string) string {
		if name == "" || name[0] == '/' {
			return name
		}
		return filepath.Join(dir, name)
	}
	site := &server.Site{
		Program: "nutcracker", Version: version,
		Prefix: strings.TrimSuffix(dir, "/") + "/",
		File:   "/nutcracker command line",
		// A pid file without a flag would be in somebody's way.
		PIDFile:  under(f.pid),
		ErrorLog: "stderr",
	}
	if f.output != "stderr" {
		site.ErrorLog = under(f.output)
	}
	on := map[bool]string{true: "on", false: "off"}
	host := f.statsAddr
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	var text strings.Builder
	if os.Geteuid() == 0 {
		text.WriteString("user root root;\n") // twemproxy stays who it is
	}
	fmt.Fprintf(&text, "daemon %s;\nerror_log %s %s;\nevents { }\nnutcracker %s %s;\n", on[f.daemon],
		quoted(site.ErrorLog), levels[min(f.verbose, len(levels)-1)], quoted(under(f.conf)),
		quoted(fmt.Sprintf("stats=%s:%d", host, f.statsPort)))
	site.Text = []byte(text.String())
	return site, nil
}

// quoted is s as a word of nginx.conf.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func writeNutcrackerUsage(w io.Writer) {
	fmt.Fprintf(w, nutcrackerUsage, nutcrackerLog, nutcrackerConf)
}

const nutcrackerUsage = `Usage: nutcracker [-?hVdDt] [-v verbosity level] [-o output file]
                  [-c conf file] [-s stats port] [-a stats addr]
                  [-i stats interval] [-p pid file] [-m mbuf size]

Options:
  -h, --help             : this help
  -V, --version          : show version and exit
  -t, --test-conf        : test configuration and exit; says what is wrong, and where
  -d, --daemonize        : run as a daemon
  -D, --describe-stats   : print stats description and exit
  -v, --verbose=N        : set logging level (default: 5, min: 0, max: 11)
  -o, --output=S         : set logging file (default: %s)
  -c, --conf-file=S      : set configuration file (default: %s)
  -s, --stats-port=N     : set stats monitoring port (default: 22222)
  -a, --stats-addr=S     : set stats monitoring ip (default: 0.0.0.0)
  -i, --stats-interval=N : accepted; statistics are always up to date
  -p, --pid-file=S       : set pid file (default: off); needed for an upgrade (USR2)
  -m, --mbuf-size=N      : accepted; memory is not cut into chunks

Signals: HUP reloads the configuration, USR1 reopens the log, USR2 upgrades the
binary, QUIT ends when clients have their replies.

`

const describedStats = `pool stats:
  client_eof          "# eof on client connections"
  client_err          "# errors on client connections"
  client_connections  "# active client connections"
  server_ejects       "# times backend server was ejected"
  forward_error       "# times we encountered a forwarding error"
  fragments           "# fragments created from a multi-vector request"

server stats:
  server_eof          "# eof on server connections"
  server_err          "# errors on server connections"
  server_timedout     "# timeouts on server connections"
  server_connections  "# active server connections"
  server_ejected_at   "timestamp when server was ejected in usec since epoch"
  requests            "# requests"
  request_bytes       "total request bytes"
  responses           "# responses"
  response_bytes      "total response bytes"
  in_queue            "# requests in incoming queue"
  in_queue_bytes      "current request bytes in incoming queue"
  out_queue           "# requests in outgoing queue"
  out_queue_bytes     "current request bytes in outgoing queue"
`
