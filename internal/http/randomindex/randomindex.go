package randomindex

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf says whether a level picks files.
type Conf struct {
	on conf.Setting[bool]
}

// Feature joins the server by its line in internal/modules, before index.
var Feature = http.Feature[Conf]{
	Name: "random_index",
	Doc:  "answers a request for a directory with one of its files, picked at random",
	Directives: conf.Table[Conf]{
		{Name: "random_index", In: conf.Location, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.on })},
	},
	Merge: func(c, outer *Conf) error {
		c.on.Inherit(outer.on, false)
		return nil
	},
	Install: func(c *Conf, b *http.Builder) error {
		if c.on.V {
			b.Phase(http.Content, serve)
		}
		return nil
	},
}

// serve goes on with a file of the directory that the URI names.
func serve(r *http.Request) http.Result {
	if !strings.HasSuffix(r.URI, "/") || r.Method&(h1.GET|h1.HEAD|h1.POST) == 0 {
		return http.Declined
	}
	path := r.Path(r.URI, 0)
	if path == "" {
		return 500
	}
	path = strings.TrimSuffix(path, "/")
	dir, err := os.OpenFile(path+"/", os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return notOpened(r, path, err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	entries, err := dir.ReadDir(-1)
	if err != nil {
		r.LogErr(log.Crit, err, `readdir() "%s" failed`, path)
		return 500
	}
	name := pick(r, path, entries)
	if name == "" {
		return http.Declined
	}
	uri := append(append(r.Scratch(len(r.URI)+len(name)), r.URI...), name...)
	return r.InternalRedirect(http.View(uri), r.Args)
}

// pick is the name of one regular file, or link to one; "" when there is none.
// Each has the same chance. Names that start with a dot are left out.
func pick(r *http.Request, path string, entries []os.DirEntry) (picked string) {
	count := 0
	for _, e := range entries {
		if e.Name()[0] == '.' || !isFile(r, path, e) {
			continue
		}
		if count++; rand.IntN(count) == 0 {
			picked = e.Name()
		}
	}
	return picked
}

func isFile(r *http.Request, path string, e os.DirEntry) bool {
	if e.Type()&os.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	info, failure := r.StatFile(path + "/" + e.Name())
	return failure.Errno == 0 && info.Kind == http.RegularFile
}

func notOpened(r *http.Request, path string, err error) http.Result {
	level, result := log.Error, http.Result(500)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		result = 404
	case errors.Is(err, syscall.EACCES):
		result = 403
	default:
		level = log.Crit
	}
	r.LogErr(level, err, `opendir() "%s" failed`, path)
	return result
}
