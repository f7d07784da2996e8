package gzipstatic

import (
	"strings"
	"syscall"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf says whether one level looks for compressed files.
type Conf struct {
	Use conf.Setting[use]
}

// use is the value of gzip_static.
type use uint8

const (
	off    use = iota
	on         // for clients that can take it
	always     // for all
)

// Feature joins the server by its line in internal/modules, right before static.
var Feature = http.Feature[Conf]{
	Name: "gzip_static",
	Doc:  "answers with files that were compressed beforehand",
	Directives: conf.Table[Conf]{
		{Name: "gzip_static", In: conf.AnyLevel, Args: conf.Take1, Syntax: "on | off | always", Default: "off",
			Set: conf.Enum([]conf.Choice[use]{{Word: "off", V: off}, {Word: "on", V: on}, {Word: "always", V: always}},
				func(c *Conf) *conf.Setting[use] { return &c.Use })},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) merge(outer *Conf) error {
	c.Use.Inherit(outer.Use, off)
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	if c.Use.V != off {
		b.Phase(http.Content, c.Use.V.serve)
	}
	return nil
}

// serve answers with the compressed form of the file that the URI leads to, if
// there is one.
func (u use) serve(r *http.Request) http.Result {
	if r.Method&(h1.GET|h1.HEAD) == 0 || strings.HasSuffix(r.URI, "/") {
		return http.Declined
	}
	accepted := u == always || r.AcceptsGzip()
	if !accepted && !r.GzipVary() {
		return http.Declined
	}
	const suffix = ".gz"
	path := r.Path(r.URI, len(suffix))
	if path == "" {
		return 500
	}
	path = http.View(append(append(r.Scratch(len(path)+len(suffix)), path...), suffix...))
	f, failure := r.OpenCached(path)
	if failure.Errno != 0 {
		logFailure(r, path, failure)
		return http.Declined
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	if u == on {
		r.VariesByGzip()
		if !accepted {
			return http.Declined
		}
	}
	switch f.Kind {
	case http.Directory:
		return http.Declined
	case http.OtherFile:
		r.Logf(log.Crit, "\"%s\" is not a regular file", path)
		return 404
	}
	return send(r, f)
}

// send answers with f, which stays the caller's to close.
func send(r *http.Request, f *http.File) http.Result {
	if result := r.Discard(); result != http.Declined {
		return result
	}
	r.Out.Status = 200
	r.Out.ContentLength = f.Size
	r.Out.LastModified = f.Modified
	if r.ETagEnabled() {
		r.Out.ETag = http.View(h1.AppendETag(r.Scratch(len(`""`)+16+1+16), f.Modified, f.Size))
	}
	r.SetContentType()
	r.Out.Headers.Add("Content-Encoding", "gzip")
	r.Out.AllowRanges = true
	r.Doing(" while sending response to client")
	if r.SendHeader() == nil && !r.Out.HeadersOnly {
		_ = r.SendFile(&f.Owned, 0, f.Size) // on failure the core closes the connection
	}
	return http.Done
}

// logFailure logs why path could not be opened, unless there is just no such
// file.
func logFailure(r *http.Request, path string, failure http.FileError) {
	level := log.Crit
	switch failure.Errno {
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ENAMETOOLONG:
		return
	case syscall.EACCES, syscall.EMLINK, syscall.ELOOP:
		level = log.Error
	}
	r.LogErr(level, failure.Errno, "%s \"%s\" failed", failure.Call, path)
}
