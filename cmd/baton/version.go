package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/modules"
)

// version is baton's own; set at build time by a release.
var version = "0.1.0"

const usage = `Usage: %s [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and what is built in, then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload;
                  upgrade: run the binary on disk in its place;
                  status: show what runs
  -p prefix     : set prefix path (default: %s)
  -e filename   : set error log file (default: %s)
  -c filename   : set configuration file (default: %s)
  -g directives : set global directives out of configuration file

`

// showVersion prints what -v, -V and -h ask for. The first line names the nginx
// release whose behaviour is followed: tools and test suites decide by it.
func showVersion(w io.Writer, name string, f flags, p paths) {
	fmt.Fprintf(w, "nginx version: %s\n", http.ServerProduct)
	fmt.Fprintf(w, "baton version: baton/%s\n", version)
	if f.help {
		fmt.Fprintf(w, usage, name, p.prefix, p.errorLog, p.conf)
	}
	if f.configure {
		fmt.Fprintf(w, "built by %s for %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
		if slices.Contains(modules.Configure(), "--with-http_ssl_module") {
			fmt.Fprintln(w, "TLS SNI support enabled")
		}
		fmt.Fprintf(w, "configure arguments: --prefix=%s --conf-path=%s --error-log-path=%s --http-log-path=%s --pid-path=%s %s\n",
			strings.TrimSuffix(p.prefix, "/"), p.conf, p.errorLog, p.accessLog, p.pid, strings.Join(modules.Configure(), " "))
	}
}
