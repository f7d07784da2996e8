package accesslog

import (
	"sync"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/variable"
)

// Logs are the access logs of one level, compiled.
type Logs[S Subject] struct {
	place   Place // whose files outputs write to
	style   *Style[S]
	outputs []output[S]
	lines   sync.Pool // of *[]byte: room for a line
}

// output is one access_log; exactly one of file, syslog and path is set.
type output[S Subject] struct {
	file     *log.File
	syslog   *log.Sender
	severity int                // of syslog
	path     *variable.Value[S] // with variables
	cache    *log.PathCache     // of path; nil: opened for each line
	ops      []op[S]
	escape   escape
	filter   *variable.Value[S] // nil: all
}

// op appends literal text, or a variable when that is not nil.
type op[S Subject] struct {
	text     string
	variable *variable.Variable[S]
}

// A Place is where logs are compiled for.
type Place struct {
	Files *log.Files
	// Default is where a block without access_log logs to, an absolute path; ""
	// for nowhere.
	Default string
	// Caches is shared by all levels of one block.
	Caches *Caches
}

// A Builder compiles texts and finds variables.
type Builder[S Subject] interface {
	Compile(d *conf.Directive, text string) (*variable.Value[S], error)
	Variable(d *conf.Directive, name string) (*variable.Variable[S], error)
}

// Name has the files of c opened even if nothing is ever logged there. It is called
// for each level on which a directive stands.
func (c *Conf[S]) Name(files *log.Files) error {
	for i := range c.targets {
		t := &c.targets[i]
		if t.syslog != nil || t.variable {
			continue
		}
		if _, err := files.File(t.path); err != nil {
			return err
		}
	}
	return nil
}

// Compile returns the logs of c, once for all levels that share it; nil when
// nothing is logged.
func (c *Conf[S]) Compile(y *Style[S], b Builder[S], p Place) (*Logs[S], error) {
	if c.off {
		return nil, nil
	}
	if c.compiled == nil || c.compiled.place != p {
		compiled, err := c.compile(y, b, p)
		if err != nil {
			return nil, err
		}
		c.compiled = compiled
	}
	if len(c.compiled.outputs) == 0 {
		return nil, nil
	}
	return c.compiled, nil
}

func (c *Conf[S]) compile(y *Style[S], b Builder[S], p Place) (*Logs[S], error) {
	l := &Logs[S]{place: p, style: y, lines: sync.Pool{New: func() any { return new([]byte) }}}
	targets := c.targets
	if targets == nil && p.Default != "" {
		targets = []target[S]{{path: p.Default, format: y.combined()}}
	}
	for i := range targets {
		o, err := targets[i].compile(b, p, c.cache.V)
		if err != nil {
			return nil, err
		}
		l.outputs = append(l.outputs, o)
	}
	return l, nil
}

func (t *target[S]) compile(b Builder[S], place Place, cache *log.Caching) (o output[S], err error) {
	o.escape = t.format.escape
	for _, p := range t.format.pieces {
		op := op[S]{text: p.text}
		if p.variable != "" {
			if op.variable, err = b.Variable(t.at, p.variable); err != nil {
				return output[S]{}, err
			}
		}
		o.ops = append(o.ops, op)
	}
	if t.filter != "" {
		if o.filter, err = b.Compile(t.at, t.filter); err != nil {
			return output[S]{}, err
		}
	}
	if t.syslog != nil {
		o.syslog, o.severity = place.Files.Syslog(*t.syslog), t.syslog.Severity
		return o, nil
	}
	switch {
	case t.variable:
		o.cache = place.caches(cache)
		o.path, err = b.Compile(t.at, t.path)
	case t.buffering.Size > 0:
		o.file, err = place.Files.Buffer(t.path, t.buffering)
	default:
		o.file, err = place.Files.File(t.path)
	}
	return o, err
}

// Caches are the caches of one block: levels that inherit open_log_file_cache have
// one together. The zero value is empty.
type Caches struct {
	made map[*log.Caching]*log.PathCache
}

// caches finds the cache for an open_log_file_cache, nil for none.
func (p *Place) caches(how *log.Caching) *log.PathCache {
	if how == nil {
		return nil
	}
	if p.Caches.made == nil {
		p.Caches.made = make(map[*log.Caching]*log.PathCache)
	}
	if p.Caches.made[how] == nil {
		p.Caches.made[how] = p.Files.PathCache(*how)
	}
	return p.Caches.made[how]
}

// Write writes the lines of a request or session that has ended.
func (l *Logs[S]) Write(s S) {
	room := l.lines.Get().(*[]byte)
	for i := range l.outputs {
		o := &l.outputs[i]
		if o.filter != nil {
			if value := o.filter.Eval(s); value == "" || value == "0" {
				continue
			}
		}
		line := append(o.appendLine((*room)[:0], s), '\n')
		switch {
		case o.syslog != nil:
			o.syslog.Send(o.severity, line[:len(line)-1])
		case o.path != nil:
			l.writeAtPath(s, o, line)
		default:
			report(s, o.file.WriteLine(line))
		}
		*room = line
	}
	l.lines.Put(room)
}

func report[S Subject](s S, err error) {
	if err != nil {
		s.Logf(log.Alert, "%v", err)
	}
}

// writeAtPath writes line to the file that the variables of s name.
func (l *Logs[S]) writeAtPath(s S, o *output[S], line []byte) {
	if l.style.Writable != nil && !l.style.Writable(s) {
		return
	}
	f, err := o.cache.Open(o.path.Eval(s))
	if err != nil {
		s.Logf(log.Crit, "%v", err)
		return
	}
	defer f.Done()
	report(s, f.WriteLine(line))
}

func (o *output[S]) appendLine(dst []byte, s S) []byte {
	for i := range o.ops {
		op := &o.ops[i]
		if op.variable == nil {
			dst = append(dst, op.text...)
			continue
		}
		value, ok := op.variable.Get(s)
		if !ok {
			dst = o.escape.appendMissing(dst)
			continue
		}
		dst = o.escape.append(dst, value)
	}
	return dst
}
