package http

import (
	"regexp"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/wire/h1"
)

// pathConf says where files are, what they are, and who may ask for them.
type pathConf struct {
	root        string // as written, without the slash at its end
	rootAt      *conf.Directive
	isAlias     bool
	aliasLength int  // bytes of the URI that alias stands for
	aliasWhole  bool // alias in a regex location: root is the whole path
	Internal    bool

	DefaultType conf.Setting[string]
	types       map[string]string // by extension in lower case; nil: inherited

	ETag            conf.Setting[bool]
	IfModifiedSince conf.Setting[h1.IfModifiedSince]
	MaxRanges       conf.Setting[int]
	LogNotFound     conf.Setting[bool]
	Satisfy         conf.Setting[Satisfy]
	AuthDelay       conf.Setting[time.Duration] // before an answer 401; 0: none
	Sendfile        conf.Setting[bool]
	SendfileChunk   conf.Setting[int64]
}

// Satisfy is the directive satisfy.
type Satisfy uint8

const (
	SatisfyAll Satisfy = iota
	SatisfyAny
)

const anyLevelAndIf = conf.AnyLevel | conf.LocationIf

var pathFeature = conf.Feature[pathConf]{
	Name: "http_paths",
	Doc:  "Where files are found, what type they have, and how they may be asked for.",
	Table: conf.Table[pathConf]{
		{Name: "root", In: anyLevelAndIf, Args: conf.Take1, Variables: conf.Arg(0), Set: (*pathConf).setRoot, Syntax: "path", Default: "html"},
		{Name: "alias", In: conf.Location, Args: conf.Take1, Variables: conf.Arg(0), Set: (*pathConf).setRoot, Syntax: "path"},
		{Name: "internal", In: conf.Location, Args: conf.NoArgs, Set: (*pathConf).setInternal},
		{Name: "default_type", In: conf.AnyLevel, Args: conf.Take1, Syntax: "mime-type", Default: "text/plain",
			Set: conf.Str(func(c *pathConf) *conf.Setting[string] { return &c.DefaultType })},
		{Name: "types", In: conf.AnyLevel, Args: conf.Block | conf.NoArgs, Set: (*pathConf).addTypes, Syntax: "{ ... }",
			Default: "text/html html; image/gif gif; image/jpeg jpg;"},
		{Name: "etag", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *pathConf) *conf.Setting[bool] { return &c.ETag })},
		{Name: "if_modified_since", In: conf.AnyLevel, Args: conf.Take1, Syntax: "off | exact | before", Default: "exact",
			Set: conf.Enum([]conf.Choice[h1.IfModifiedSince]{{Word: "off", V: h1.IfModifiedOff}, {Word: "exact", V: h1.IfModifiedExact}, {Word: "before", V: h1.IfModifiedBefore}},
				func(c *pathConf) *conf.Setting[h1.IfModifiedSince] { return &c.IfModifiedSince })},
		{Name: "max_ranges", In: conf.AnyLevel, Args: conf.Take1, Syntax: "number",
			Set: conf.Num(func(c *pathConf) *conf.Setting[int] { return &c.MaxRanges })},
		{Name: "log_not_found", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *pathConf) *conf.Setting[bool] { return &c.LogNotFound })},
		{Name: "satisfy", In: conf.AnyLevel, Args: conf.Take1, Syntax: "all | any", Default: "all",
			Set: conf.Enum([]conf.Choice[Satisfy]{{Word: "all", V: SatisfyAll}, {Word: "any", V: SatisfyAny}},
				func(c *pathConf) *conf.Setting[Satisfy] { return &c.Satisfy })},
		{Name: "auth_delay", In: conf.AnyLevel, Args: conf.Take1, Syntax: "time", Default: "0s",
			Set: conf.Msec(func(c *pathConf) *conf.Setting[time.Duration] { return &c.AuthDelay })},
		{Name: "sendfile", In: anyLevelAndIf, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *pathConf) *conf.Setting[bool] { return &c.Sendfile })},
		{Name: "sendfile_max_chunk", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "2m",
			Set: conf.Size(func(c *pathConf) *conf.Setting[int64] { return &c.SendfileChunk })},

		{Name: "types_hash_max_size", In: conf.AnyLevel, Args: conf.Take1, Accepted: "the table of types grows by itself"},
		{Name: "types_hash_bucket_size", In: conf.AnyLevel, Args: conf.Take1, Accepted: "the table of types grows by itself"},
		{Name: "aio", In: conf.AnyLevel, Args: conf.Take1, Accepted: "reading a file never holds up other connections"},
		{Name: "aio_write", In: conf.AnyLevel, Args: conf.Flag, Accepted: "writing a file never holds up other connections"},
		{Name: "directio", In: conf.AnyLevel, Args: conf.Take1, Accepted: "files are read through the page cache, which keeps their content the same"},
		{Name: "directio_alignment", In: conf.AnyLevel, Args: conf.Take1, Accepted: "files are read through the page cache"},
		{Name: "read_ahead", In: conf.AnyLevel, Args: conf.Take1, Accepted: "read ahead is the kernel's"},
		{Name: "output_buffers", In: conf.AnyLevel, Args: conf.Take2, Accepted: "answers are gathered in one buffer per connection"},
		{Name: "postpone_output", In: conf.AnyLevel, Args: conf.Take1, Accepted: "answers are gathered in one buffer per connection"},
	},
	Merge: (*pathConf).merge,
}

func (c *pathConf) merge(outer *pathConf) error {
	if c.rootAt == nil {
		c.root, c.rootAt = outer.root, outer.rootAt
		c.isAlias, c.aliasLength, c.aliasWhole = outer.isAlias, outer.aliasLength, outer.aliasWhole
	}
	c.Internal = c.Internal || outer.Internal
	c.DefaultType.Inherit(outer.DefaultType, "text/plain")
	if c.types == nil {
		c.types = outer.types
	}
	if c.types == nil {
		c.types = map[string]string{"html": "text/html", "gif": "image/gif", "jpg": "image/jpeg"}
	}
	c.ETag.Inherit(outer.ETag, true)
	c.IfModifiedSince.Inherit(outer.IfModifiedSince, h1.IfModifiedExact)
	c.MaxRanges.Inherit(outer.MaxRanges, h1.UnlimitedRanges)
	c.LogNotFound.Inherit(outer.LogNotFound, true)
	c.Satisfy.Inherit(outer.Satisfy, SatisfyAll)
	c.AuthDelay.Inherit(outer.AuthDelay, 0)
	c.Sendfile.Inherit(outer.Sendfile, false)
	c.SendfileChunk.Inherit(outer.SendfileChunk, 2<<20)
	return nil
}

var rootVariable = regexp.MustCompile(`\$\{?(document_root|realpath_root)`)

func (c *pathConf) setRoot(d *conf.Directive) error {
	alias := d.Name == "alias"
	if c.rootAt != nil {
		if c.isAlias == alias {
			return conf.ErrDuplicate
		}
		return d.Errorf(`"%s" directive is duplicate, "%s" directive was specified earlier`, d.Name, c.rootAt.Name)
	}
	name := locationName(d.Level())
	if alias && name.kind == namedLocation {
		return d.Errorf(`the "alias" directive cannot be used inside the named location`)
	}
	root := d.Args[0]
	if m := rootVariable.FindStringSubmatch(root); m != nil {
		return d.Errorf(`the $%s variable cannot be used in the "%s" directive`, m[1], d.Name)
	}
	if !alias && strings.HasSuffix(root, "/") {
		root = root[:len(root)-1]
	}
	c.rootAt, c.isAlias = d, alias
	if c.aliasWhole = alias && name.kind == regexLocation; alias && !c.aliasWhole {
		c.aliasLength = len(name.text)
	}
	if !strings.HasPrefix(root, "$") && (root != "" || alias) {
		root = d.Tree().FullName(root)
	}
	c.root = root
	return nil
}

func (c *pathConf) setInternal(*conf.Directive) error {
	c.Internal = true
	return nil
}

func (c *pathConf) addTypes(d *conf.Directive) error {
	if c.types == nil {
		c.types = make(map[string]string)
	}
	return d.Each(func(t *conf.Directive) error {
		for _, extension := range t.Args {
			extension = strings.ToLower(extension)
			if old, twice := c.types[extension]; twice {
				t.Warnf(`duplicate extension "%s", content type: "%s", previous content type: "%s"`, extension, t.Name, old)
			}
			c.types[extension] = t.Name
		}
		return nil
	})
}
