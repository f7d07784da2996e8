package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlags(t *testing.T) {
	tests := []struct {
		line string
		want flags
		err  string
	}{
		{line: "", want: flags{}},
		{line: "-t", want: flags{test: true}},
		{line: "-tq", want: flags{test: true, quiet: true}},
		{line: "-T", want: flags{test: true, dump: true}},
		{line: "-h", want: flags{help: true, version: true}},
		{line: "-?", want: flags{help: true, version: true}},
		{line: "-V -t", want: flags{version: true, configure: true, test: true}},
		{line: "-p /srv -c web.conf", want: flags{prefix: "/srv", prefixSet: true, file: "web.conf", fileSet: true}},
		{line: "-p/srv -tcweb.conf", want: flags{prefix: "/srv", prefixSet: true, test: true, file: "web.conf", fileSet: true}},
		{line: "-e stderr -g daemon", want: flags{errorLog: "stderr", errorLogSet: true, globals: "daemon"}},
		{line: "-s reload", want: flags{signal: "reload"}},
		{line: "-sstatus", want: flags{signal: "status"}},
		{line: "-s dance", err: `invalid option: "-s dance"`},
		{line: "-s", err: `option "-s" requires parameter`},
		{line: "-p", err: `option "-p" requires directory name`},
		{line: "-c", err: `option "-c" requires file name`},
		{line: "-e", err: `option "-e" requires file name`},
		{line: "-g", err: `option "-g" requires parameter`},
		{line: "-x", err: `invalid option: "x"`},
		{line: "reload", err: `invalid option: "reload"`},
	}
	for _, tt := range tests {
		got, err := parseFlags(strings.Fields(tt.line))
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%q: error %v, want %s", tt.line, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.line, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(flags{})); diff != "" {
			t.Errorf("%q: %s", tt.line, diff)
		}
	}
}

func FuzzFlags(f *testing.F) {
	f.Add("-tq\x00-p\x00/srv")
	f.Add("-s\x00reload")
	f.Fuzz(func(t *testing.T, line string) {
		parseFlags(strings.Split(line, "\x00"))
	})
}
