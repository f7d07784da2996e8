package gzip

import (
	"errors"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf says what one level compresses.
type Conf struct {
	On        conf.Setting[bool]
	Types     http.TypeSet
	MinLength conf.Setting[int64] // bytes; compared only when the length is known
	Level     conf.Setting[int]   // 1 to 9

	// Accepted without effect.
	buffers  conf.Setting[conf.Buffers]
	window   conf.Setting[int64]
	hash     conf.Setting[int64]
	postpone conf.Setting[int64]
	noBuffer conf.Setting[bool]
}

// Feature joins the server by its line in internal/modules, behind the filters
// that change the text of a body, before ranges.
var Feature = http.Feature[Conf]{
	Name: "gzip",
	Doc:  "compresses answers",
	Directives: conf.Table[Conf]{
		{Name: "gzip", In: conf.AnyLevel | conf.LocationIf, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.On })},
		{Name: "gzip_types", In: conf.AnyLevel, Args: conf.OneMore, Set: (*Conf).addTypes, Syntax: "mime-type ...", Default: "text/html"},
		{Name: "gzip_min_length", In: conf.AnyLevel, Args: conf.Take1, Syntax: "length", Default: "20",
			Set: conf.Size(func(c *Conf) *conf.Setting[int64] { return &c.MinLength })},
		{Name: "gzip_comp_level", In: conf.AnyLevel, Args: conf.Take1, Syntax: "level", Default: "1",
			Set: conf.NumBetween(1, 9, func(c *Conf) *conf.Setting[int] { return &c.Level })},
		{Name: "gzip_buffers", In: conf.AnyLevel, Args: conf.Take2, Syntax: "number size",
			Set:      conf.Bufs(func(c *Conf) *conf.Setting[conf.Buffers] { return &c.buffers }),
			Accepted: "compressed bytes gather in one buffer that is written when it is full"},
		{Name: "gzip_window", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setWindow, Syntax: "size",
			Accepted: "the compressor's window is 32k"},
		{Name: "gzip_hash", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setHash, Syntax: "size",
			Accepted: "the compressor's tables have the size of their level"},
		{Name: "postpone_gzipping", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size",
			Set:      conf.Size(func(c *Conf) *conf.Setting[int64] { return &c.postpone }),
			Accepted: "compressors come from a pool, so there is no allocation to put off"},
		{Name: "gzip_no_buffer", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off",
			Set:      conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.noBuffer }),
			Accepted: "what a handler wants sent at once is flushed in any case"},
	},
	Merge:   (*Conf).merge,
	Main:    (*Conf).declare,
	Install: (*Conf).install,
}

func (c *Conf) addTypes(d *conf.Directive) error {
	c.Types.Add(d, "text/html")
	return nil
}

func (c *Conf) setWindow(d *conf.Directive) error {
	return setPowerOfTwo(&c.window, d.Args[0], 32<<10, "must be 512, 1k, 2k, 4k, 8k, 16k, or 32k")
}

func (c *Conf) setHash(d *conf.Directive) error {
	return setPowerOfTwo(&c.hash, d.Args[0], 128<<10, "must be 512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k")
}

// setPowerOfTwo stores a size between 512 and the largest; must ends the error.
func setPowerOfTwo(s *conf.Setting[int64], text string, largest int64, must string) error {
	if s.IsSet() {
		return conf.ErrDuplicate
	}
	size, err := conf.ParseSize(text)
	if err != nil {
		return err
	}
	if size < 512 || size > largest || size&(size-1) != 0 {
		return errors.New(must)
	}
	return s.Set(size)
}

func (c *Conf) merge(outer *Conf) error {
	c.On.Inherit(outer.On, false)
	c.Types.Inherit(outer.Types, "text/html")
	c.MinLength.Inherit(outer.MinLength, 20)
	c.Level.Inherit(outer.Level, 1)
	return nil
}
