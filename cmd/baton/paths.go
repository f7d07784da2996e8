package main

import (
	"path/filepath"
)

// Where things are when no flag says otherwise. A package is built with
// -ldflags "-X main.prefix=...", as nginx is with --prefix and its like.
// Relative ones start at the prefix.
var (
	prefix       = "/usr/local/baton/"
	confPath     = "conf/nginx.conf"
	errorLogPath = "logs/error.log"
	accessPath   = "logs/access.log"
	pidPath      = "logs/baton.pid"
)

// paths are the places that the program uses.
type paths struct {
	prefix, conf, errorLog, accessLog, pid string
}

// debian are the paths of Debian's nginx package. They hold when the program
// runs under the name nginx, so that it finds what a running nginx of that
// package was started with.
var debian = paths{
	prefix:    "/usr/share/nginx/",
	conf:      "/etc/nginx/nginx.conf",
	errorLog:  "stderr",
	accessLog: "/var/log/nginx/access.log",
	pid:       "/run/nginx.pid",
}

// programName is the last part of what the program was started as: "nginx"
// makes it nginx in titles and paths, anything else is baton.
func programName(argv0 string) string {
	if filepath.Base(argv0) == "nginx" {
		return "nginx"
	}
	return "baton"
}

func defaultPaths(name string) paths {
	if name == "nginx" {
		return debian
	}
	return paths{prefix: prefix, conf: confPath, errorLog: errorLogPath, accessLog: accessPath, pid: pidPath}
}
