package accesslog

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
)

const (
	gzipBuffer   = 64 << 10 // bytes, when gzip comes before any buffer=
	fastestLevel = 1
)

// setOption reads one of the words behind the format.
func (t *target[S]) setOption(d *conf.Directive, word string) error {
	name, value, hasValue := strings.Cut(word, "=")
	switch {
	case name == "gzip":
		return t.setGzip(d, value, hasValue)
	case name == "buffer" && hasValue:
		size, err := conf.ParseSize(value)
		if err != nil || size == 0 {
			return d.Errorf("invalid buffer size \"%s\"", value)
		}
		t.buffering.Size = int(size)
	case name == "flush" && hasValue:
		flush, err := conf.ParseMsec(value)
		if err != nil || flush == 0 {
			return d.Errorf("invalid flush time \"%s\"", value)
		}
		t.buffering.Flush = flush
	case name == "if" && hasValue:
		t.filter = value
	default:
		return d.Errorf("invalid parameter \"%s\"", word)
	}
	return nil
}

func (t *target[S]) setGzip(d *conf.Directive, level string, hasLevel bool) error {
	if t.buffering.Size == 0 {
		t.buffering.Size = gzipBuffer
	}
	t.buffering.Gzip = fastestLevel
	if !hasLevel {
		return nil
	}
	n, err := conf.ParseNumber(level)
	if err != nil || n < 1 || n > 9 {
		return d.Errorf("invalid compression level \"%s\"", level)
	}
	t.buffering.Gzip = int(n)
	return nil
}

// checkBuffering refuses buffers where nginx has none. One file has one buffer,
// whoever logs to it.
func (t *target[S]) checkBuffering(d *conf.Directive) error {
	name := d.Args[0]
	if t.variable {
		name = t.path // as nginx says it
	}
	how := t.buffering
	if how.Size == 0 {
		if how.Flush != 0 {
			return d.Errorf("no buffer is defined for access_log \"%s\"", name)
		}
		return nil
	}
	if t.variable {
		return d.Errorf("buffered logs cannot have variables in name")
	}
	if t.syslog != nil {
		return d.Errorf("logs to syslog cannot be buffered")
	}
	main := conf.Make[Conf[S]](outermost(d.Level()))
	if known, ok := main.buffers[t.path]; ok && known != how {
		return d.Errorf("access_log \"%s\" already defined with conflicting parameters", name)
	}
	if main.buffers == nil {
		main.buffers = make(map[string]log.Buffering)
	}
	main.buffers[t.path] = how
	return nil
}

func (c *Conf[S]) setCache(d *conf.Directive) error {
	if c.cache.IsSet() {
		return conf.ErrDuplicate
	}
	how := log.Caching{Inactive: 10 * time.Second, MinUses: 1, Valid: time.Minute}
	off := false
	for _, word := range d.Args {
		if word == "off" {
			off = true
			continue
		}
		if !setCaching(&how, word) {
			return d.Errorf("invalid \"open_log_file_cache\" parameter \"%s\"", word)
		}
	}
	if off {
		return c.cache.Set(nil)
	}
	if how.Max == 0 {
		return d.Errorf("\"open_log_file_cache\" must have \"max\" parameter")
	}
	return c.cache.Set(&how)
}

// setCaching reads one word of open_log_file_cache.
func setCaching(how *log.Caching, word string) bool {
	name, value, ok := strings.Cut(word, "=")
	if !ok {
		return false
	}
	var err error
	switch name {
	case "max":
		how.Max, err = number(value)
	case "min_uses":
		how.MinUses, err = number(value)
	case "inactive":
		how.Inactive, err = conf.ParseSec(value)
	case "valid":
		how.Valid, err = conf.ParseSec(value)
	default:
		return false
	}
	return err == nil
}

func number(text string) (int, error) {
	n, err := conf.ParseNumber(text)
	return int(n), err
}
