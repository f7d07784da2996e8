package referer

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/match"
)

// Conf is the referers of one level.
type Conf struct {
	at          *conf.Directive // the first valid_referers; nil: every referer is valid
	outer       *Conf
	none        bool // no Referer field at all is valid
	blocked     bool // and one that does not begin with http:// or https://
	serverNames bool
	hosts       match.Names[string] // what the path has to begin with
	named       bool                // hosts is not empty
	regexes     []*http.Regex       // of what follows the scheme
	hostRegexes []*http.Regex       // of the host alone: those of server_name
}

const places = conf.Server | conf.Location

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "referer",
	Doc:  "tells pages that link here with consent from others",
	Directives: conf.Table[Conf]{
		{Name: "valid_referers", In: places, Args: conf.OneMore, Set: (*Conf).add,
			Syntax: "none | blocked | server_names | string ..."},
		{Name: "referer_hash_max_size", In: places, Args: conf.Take1, Accepted: "the table of names grows by itself"},
		{Name: "referer_hash_bucket_size", In: places, Args: conf.Take1, Accepted: "the table of names grows by itself"},
	},
	Merge: (*Conf).merge,
	Main: func(_ *Conf, m *http.MainBuilder) error {
		_, err := m.SettableOr("invalid_referer", invalid) // a map may have declared it already
		return err
	},
	Declare: (*Conf).addServerNames,
}

func (c *Conf) add(d *conf.Directive) error {
	if c.at == nil {
		c.at = d
	}
	for _, text := range d.Args {
		switch text {
		case "":
			return d.Errorf(`invalid referer ""`)
		case "none":
			c.none = true
			continue
		case "blocked":
			c.blocked = true
			continue
		case "server_names":
			c.serverNames = true
			continue
		case "~":
			return d.Errorf(`empty regex in "~"`)
		}
		if pattern, ok := strings.CutPrefix(text, "~"); ok {
			regex, err := http.CompileRegex(d, pattern, true)
			if err != nil {
				return err
			}
			c.regexes = append(c.regexes, regex)
			continue
		}
		host, path := text, ""
		if slash := strings.IndexByte(text, '/'); slash >= 0 {
			host, path = text[:slash], text[slash:]
		}
		if err := c.addHost(d, host, path); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conf) addHost(d *conf.Directive, host, path string) error {
	if err := c.hosts.AddHost(host, path); err != nil {
		return d.Errorf(`%v "%s"`, err, host)
	}
	c.named = true
	return nil
}

// addServerNames resolves server_names, which may follow further down.
func (c *Conf) addServerNames(m *http.MainBuilder) error {
	if c.at == nil {
		return nil
	}
	if c.serverNames {
		for _, name := range http.ServerNames(c.at.Level()) {
			if err := c.addServerName(m, name); err != nil {
				return err
			}
		}
	}
	if c.hostRegexes == nil {
		c.hostRegexes = c.outer.hostRegexes
	}
	if (c.none || c.blocked) && !c.named {
		return &conf.Error{Msg: `the "none" or "blocked" referers are specified in the "valid_referers" directive without any valid referer`}
	}
	return nil
}

func (c *Conf) addServerName(m *http.MainBuilder, name string) error {
	pattern, ok := strings.CutPrefix(name, "~")
	if !ok {
		if name == "$hostname" {
			name = m.Env().Hostname
		}
		return c.addHost(c.at, name, "")
	}
	regex, err := http.CompileRegex(c.at, pattern, strings.ToLower(pattern) != pattern)
	c.hostRegexes = append(c.hostRegexes, regex)
	return err
}

// merge takes over the expressions of the enclosing level where this one has
// none: nginx inherits them apart from names.
func (c *Conf) merge(outer *Conf) error {
	c.outer = outer
	if c.regexes == nil {
		c.regexes = outer.regexes
	}
	return nil
}
