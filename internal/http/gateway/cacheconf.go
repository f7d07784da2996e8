package gateway

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cache"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
	"github.com/baton-project/baton/internal/zone"
)

// CacheSettings are the directives with which answers are kept.
type CacheSettings struct {
	Cache            conf.Setting[*conf.Directive] // nil: off
	Key              conf.Setting[*conf.Directive] // nil: the module's own
	MinUses          conf.Setting[int]
	MaxRangeOffset   conf.Setting[int64]
	UseStale         conf.Setting[Failure]
	Methods          conf.Setting[h1.Method]
	Lock             conf.Setting[bool]
	LockTimeout      conf.Setting[time.Duration]
	LockAge          conf.Setting[time.Duration]
	Revalidate       conf.Setting[bool]
	ConvertHead      conf.Setting[bool]
	BackgroundUpdate conf.Setting[bool]

	valid         []validity        // nil: inherited
	bypass, never []*conf.Directive // _bypass and no_cache; nil: inherited
	paths         []*cachePath      // of http{}
}

// A cachePath is one *_cache_path.
type cachePath struct {
	at    *conf.Directive
	cache *cache.Cache
	spec  zone.Spec
}

// A validity is for how long answers with a status are kept.
type validity struct {
	status  int // 0: any
	seconds int64
}

// validFor is for how many seconds an answer is kept that does not say so itself.
func (s *CacheSettings) validFor(status int) int64 {
	for _, v := range s.valid {
		if v.status == 0 || v.status == status {
			return v.seconds
		}
	}
	return 0
}

var cacheMethods = []conf.Choice[h1.Method]{{Word: "GET", V: h1.GET}, {Word: "HEAD", V: h1.HEAD}, {Word: "POST", V: h1.POST}}

// cacheTable are the directives of the cache.
func cacheTable[C any](prefix string, t t[C]) conf.Table[C] {
	at := t.at
	table := conf.Table[C]{
		{Name: "cache", Variables: conf.Arg(0), Set: t.apply((*Settings).setCache), Syntax: "zone | off", Default: "off"},
		{Name: "cache_key", Variables: conf.Arg(0), Set: directiveOf(t, func(s *Settings) *conf.Setting[*conf.Directive] { return &s.Key }), Syntax: "string"},
		{Name: "cache_bypass", Args: conf.OneMore, Variables: conf.ArgsFrom(0), Syntax: "string ...", Set: t.apply(func(s *Settings, d *conf.Directive) error {
			s.bypass = append(s.bypass, d)
			return nil
		})},
		{Name: "no_cache", Args: conf.OneMore, Variables: conf.ArgsFrom(0), Syntax: "string ...", Set: t.apply(func(s *Settings, d *conf.Directive) error {
			s.never = append(s.never, d)
			return nil
		})},
		{Name: "cache_valid", Args: conf.OneMore, Set: t.apply((*Settings).addValid), Syntax: "[code ...] time"},
		{Name: "cache_min_uses", Syntax: "number", Default: "1",
			Set: conf.Num(func(c *C) *conf.Setting[int] { return &at(c).MinUses })},
		{Name: "cache_max_range_offset", Syntax: "number", Set: t.apply((*Settings).setRangeOffset)},
		{Name: "cache_use_stale", Args: conf.OneMore, Syntax: "error | timeout | invalid_header | updating | http_500 | ... | off ...", Default: "off",
			Set: bitmask(failures, func(c *C) *conf.Setting[Failure] { return &at(c).UseStale })},
		{Name: "cache_methods", Args: conf.OneMore, Syntax: "GET | HEAD | POST ...", Default: "GET HEAD",
			Set: bitmask(cacheMethods, func(c *C) *conf.Setting[h1.Method] { return &at(c).Methods })},
		{Name: "cache_lock", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.Lock })), Default: "off"},
		{Name: "cache_lock_timeout", Set: conf.Msec(t.duration(func(s *Settings) *conf.Setting[time.Duration] { return &s.LockTimeout })), Syntax: "time", Default: "5s"},
		{Name: "cache_lock_age", Set: conf.Msec(t.duration(func(s *Settings) *conf.Setting[time.Duration] { return &s.LockAge })), Syntax: "time", Default: "5s"},
		{Name: "cache_revalidate", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.Revalidate })), Default: "off"},
		{Name: "cache_background_update", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.BackgroundUpdate })), Default: "off"},
		{Name: "cache_path", In: conf.Main, Args: conf.TwoMore, Syntax: "path [levels=levels] [use_temp_path=on|off] keys_zone=name:size [inactive=time] [max_size=size] ...",
			Set: t.apply(func(s *Settings, d *conf.Directive) error { return s.addPath(d, prefix) })},
	}
	if prefix == "proxy_" {
		table = append(table, conf.Entry[C]{Name: "cache_convert_head", Args: conf.Flag,
			Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.ConvertHead })), Default: "on"})
	}
	return table
}

// directiveOf stores the directive itself, whose argument is compiled later.
func directiveOf[C any](t t[C], field func(*Settings) *conf.Setting[*conf.Directive]) func(*C, *conf.Directive) error {
	return t.apply(func(s *Settings, d *conf.Directive) error { return field(s).Set(d) })
}

func (s *Settings) setCache(d *conf.Directive) error {
	switch {
	case d.Args[0] == "off":
		return s.Cache.Set(nil)
	case s.Cache.IsSet():
		return conf.ErrDuplicate
	case s.Store.V != nil:
		return d.Errorf(`"%s" directive is incompatible with "%sstore"`, d.Name, strings.TrimSuffix(d.Name, "cache"))
	}
	return s.Cache.Set(d)
}

func (s *Settings) setRangeOffset(d *conf.Directive) error {
	n, err := conf.ParseOffset(d.Args[0])
	if err != nil {
		return conf.ErrInvalidValue
	}
	return s.MaxRangeOffset.Set(n)
}

func (s *Settings) addValid(d *conf.Directive) error {
	last := len(d.Args) - 1
	valid, err := conf.ParseSec(d.Args[last])
	if err != nil {
		return d.Errorf(`invalid time value "%s"`, d.Args[last])
	}
	seconds := int64(valid / time.Second)
	if last == 0 {
		for _, status := range []int{200, 301, 302} {
			s.valid = append(s.valid, validity{status, seconds})
		}
		return nil
	}
	for _, word := range d.Args[:last] {
		status := int64(0)
		if word != "any" {
			if status, err = conf.ParseNumber(word); err != nil || status < 100 || status > 599 {
				return d.Errorf(`invalid status "%s"`, word)
			}
		}
		s.valid = append(s.valid, validity{int(status), seconds})
	}
	return nil
}

func (s *Settings) addPath(d *conf.Directive, prefix string) error {
	c, spec, err := cache.Parse(d, prefix+"cache")
	if err != nil {
		return err
	}
	for _, p := range s.paths {
		if p.spec.Name == spec.Name {
			return d.Errorf(`duplicate zone "%s"`, spec.Name)
		}
	}
	s.paths = append(s.paths, &cachePath{d, c, spec})
	return nil
}

// merge fills what s left unset from the enclosing level's outer.
func (s *CacheSettings) merge(prefix string, outer *CacheSettings) error {
	s.Cache.Inherit(outer.Cache, nil)
	s.Key.Inherit(outer.Key, nil)
	s.MinUses.Inherit(outer.MinUses, 1)
	s.MaxRangeOffset.Inherit(outer.MaxRangeOffset, math.MaxInt64)
	s.UseStale.Inherit(outer.UseStale, 0)
	if s.UseStale.V&nextOff != 0 {
		s.UseStale.V = 0
	}
	if s.UseStale.V&FailedError != 0 {
		s.UseStale.V |= failedNoLive
	}
	s.Methods.Inherit(outer.Methods, 0)
	s.Methods.V |= h1.GET | h1.HEAD
	s.Lock.Inherit(outer.Lock, false)
	s.LockTimeout.Inherit(outer.LockTimeout, 5*time.Second)
	s.LockAge.Inherit(outer.LockAge, 5*time.Second)
	s.Revalidate.Inherit(outer.Revalidate, false)
	s.ConvertHead.Inherit(outer.ConvertHead, prefix == "proxy_")
	s.BackgroundUpdate.Inherit(outer.BackgroundUpdate, false)
	if s.valid == nil {
		s.valid = outer.valid
	}
	if s.bypass == nil {
		s.bypass = outer.bypass
	}
	if s.never == nil {
		s.never = outer.never
	}
	if outer.paths != nil {
		s.paths = outer.paths
	}
	if d := s.Cache.V; d != nil && s.Key.V == nil && prefix != "proxy_" {
		d.Warnf(`no "%[1]scache_key" for "%[1]scache"`, prefix)
	}
	if d := s.Cache.V; d != nil && !strings.Contains(d.Args[0], "$") && s.cacheNamed(d.Args[0]) == nil {
		return mergeError(`"%s" zone "%s" is unknown`, d.Name, d.Args[0])
	}
	return nil
}

// DeclareCaches makes the caches of http{} known. A module calls it from its Main.
func (s *Settings) DeclareCaches(m *http.MainBuilder) error {
	for _, p := range s.paths {
		z, err := m.Zone(p.at, p.spec)
		if err != nil {
			return err
		}
		p.cache.Zone = z
		m.TempFolder(http.DefaultTempPath(p.cache.Dir))
		c := p.cache
		m.OnStart(func(logger *log.Logger) (stop func()) {
			if !c.Zone.Mapped() {
				return func() {}
			}
			ctx, cancel := context.WithCancel(context.Background())
			var running sync.WaitGroup
			running.Go(func() { c.Run(ctx, logger) })
			return func() {
				cancel()
				running.Wait()
			}
		})
	}
	return nil
}

// cachePlan is the cache of one location, compiled.
type cachePlan struct {
	fixed         *cache.Cache // nil: name says which
	name          *http.Value
	key           *http.Value // nil: the codec's own
	bypass, never []*http.Value
}

// compileCache compiles the directives; the location has no cachePlan without.
func (p *Pass) compileCache(b *http.Builder) (err error) {
	s := &p.Settings.CacheSettings
	d := s.Cache.V
	if d == nil {
		return nil
	}
	plan := &cachePlan{}
	if plan.name, err = b.Compile(d, d.Args[0]); err != nil {
		return err
	}
	if name, literal := plan.name.Literal(); literal {
		plan.fixed = s.cacheNamed(name)
	}
	if s.Key.V != nil {
		if plan.key, err = b.Compile(s.Key.V, s.Key.V.Args[0]); err != nil {
			return err
		}
	}
	if plan.bypass, err = compileAll(b, s.bypass); err != nil {
		return err
	}
	if plan.never, err = compileAll(b, s.never); err != nil {
		return err
	}
	p.cache = plan
	return nil
}

// Caches reports whether answers are kept here.
func (s *Settings) Caches() bool { return s.Cache.V != nil }

func (s *CacheSettings) cacheNamed(name string) *cache.Cache {
	for _, p := range s.paths {
		if p.spec.Name == name {
			return p.cache
		}
	}
	return nil
}

func compileAll(b *http.Builder, directives []*conf.Directive) (values []*http.Value, err error) {
	for _, d := range directives {
		for _, text := range d.Args {
			v, err := b.Compile(d, text)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
	}
	return values, nil
}

// anySays reports whether one of values is neither empty nor "0".
func anySays(values []*http.Value, r *http.Request) bool {
	for _, v := range values {
		if text := v.Eval(r); text != "" && text != "0" {
			return true
		}
	}
	return false
}
