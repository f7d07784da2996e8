package gateway

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// hintsConf is the directive early_hints.
type hintsConf struct {
	conditions conf.Setting[*conf.Directive] // one of its arguments must be true
}

// EarlyHints joins the server by its line in internal/modules.
var EarlyHints = http.Feature[hintsConf]{
	Name: "early_hints",
	Doc:  "Lets answers of status 103 through to clients that know them.",
	Directives: conf.Table[hintsConf]{
		{Name: "early_hints", In: conf.AnyLevel, Args: conf.OneMore, Variables: conf.ArgsFrom(0), Syntax: "string ...",
			Set: func(c *hintsConf, d *conf.Directive) error { return c.conditions.Set(d) }},
	},
	Merge: func(c, outer *hintsConf) error {
		c.conditions.Inherit(outer.conditions, nil)
		return nil
	},
}

// compileHints compiles the conditions of b's location.
func (p *Pass) compileHints(b *http.Builder) error {
	d := conf.Get[hintsConf](b.Level()).conditions.V
	if d == nil {
		return nil
	}
	for _, arg := range d.Args {
		v, err := b.Compile(d, arg)
		if err != nil {
			return err
		}
		p.hints = append(p.hints, v)
	}
	return nil
}

// passEarly passes a head of status 103 on to the client, if that may get it. size
// is that of the head.
func (x *Exchange) passEarly(size int) error {
	r := x.Request
	if !x.wantsHints() {
		return nil
	}
	if x.earlySize += size; x.earlySize > int(x.Pass.Settings.BufferSize.V) {
		r.Logf(log.Info, "upstream sent too big early hints")
		return nil
	}
	var lines http.Headers
	for i := range x.Answer.Lines {
		if line := &x.Answer.Lines[i]; !x.Pass.Settings.hidden.has(line.Name) {
			lines.Add(line.Name, line.Value)
		}
	}
	return r.SendEarlyHints(lines)
}

// wantsHints tests the conditions of early_hints.
func (x *Exchange) wantsHints() bool {
	for _, v := range x.Pass.hints {
		if text := v.Eval(x.Request); text != "" && text != "0" {
			return true
		}
	}
	return false
}
