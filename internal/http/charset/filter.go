package charset

import (
	"fmt"
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// known is what the whole http{} block knows of charsets.
type known struct{ names map[string]bool }

// filter is the header filter of one location.
type filter struct {
	charset, source *http.Value // source nil: what is sent is not told
	override        bool
	types           http.TypeSet
	maps            []*translation
	names           map[string]bool // those that some directive names, in lower case
}

func (c *Conf) install(b *http.Builder) error {
	names := http.Shared[known](b)
	if names.names == nil {
		names.names = make(map[string]bool)
	}
	for _, n := range []name{c.Charset.V, c.Source.V} {
		if n.at != nil && !n.isVariable() {
			names.names[strings.ToLower(n.text)] = true
		}
	}
	for _, t := range c.maps {
		names.names[t.from], names.names[t.to] = true, true
	}
	if c.Charset.V.at == nil {
		return nil
	}
	f := &filter{override: c.Override.V, types: c.Types, maps: c.maps, names: names.names}
	var err error
	if f.charset, err = b.Compile(c.Charset.V.at, c.Charset.V.text); err != nil {
		return err
	}
	if c.Source.V.at != nil {
		if f.source, err = b.Compile(c.Source.V.at, c.Source.V.text); err != nil {
			return err
		}
		if err := f.checkMap(c.Source.V, c.Charset.V); err != nil {
			return err
		}
	}
	b.HeaderFilter(f.apply)
	return nil
}

// checkMap refuses two fixed charsets that nothing leads between.
func (f *filter) checkMap(source, charset name) error {
	if source.isVariable() || charset.isVariable() || strings.EqualFold(source.text, charset.text) {
		return nil
	}
	if f.between(source.text, charset.text) == nil {
		return fmt.Errorf(`no "charset_map" between the charsets "%s" and "%s"`, source.text, charset.text)
	}
	return nil
}

// apply names the charset of an answer of the right type.
func (f *filter) apply(r *http.Request) http.Result {
	o := &r.Out
	switch {
	case o.ContentType == "":
		return http.Declined
	case r.IsSubrequest() && r.Main().Out.Charset == "":
		return http.Declined // it becomes a part of what has no charset
	case o.OverrideCharset != "" && !r.IsSubrequest():
	case o.Charset != "" && !f.override:
		return http.Declined
	case o.Charset == "" && !f.types.Has(o.ContentType):
		return http.Declined
	}
	charset, source := f.charset.Eval(r), o.Charset
	if name := o.OverrideCharset; name != "" {
		if !f.knows(name) {
			r.Logf(log.Error, `unknown charset "%s" to override`, name)
			return http.Declined
		}
		charset = name
	}
	if r.IsSubrequest() {
		charset = r.Main().Out.Charset
	}
	if source == "" && f.source == nil {
		setCharset(r, charset)
		return http.Declined
	}
	if source == "" {
		source = f.source.Eval(r)
	}
	if strings.EqualFold(source, charset) {
		setCharset(r, charset)
		return http.Declined
	}
	if encoding, _ := o.Headers.Lookup("Content-Encoding"); encoding != "" && f.knows(charset) && f.knows(source) {
		return http.Declined
	}
	recode := f.between(source, charset)
	if recode == nil {
		r.Logf(log.Error, `no "charset_map" between the charsets "%s" and "%s"`, source, charset)
		return http.Declined
	}
	setCharset(r, charset)
	if strings.EqualFold(charset, utf8Name) || strings.EqualFold(source, utf8Name) {
		o.WillChangeSize()
	}
	if !o.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return &sink{next: next, r: r, recode: recode} })
	}
	return http.Declined
}

func (f *filter) knows(charset string) bool { return f.names[strings.ToLower(charset)] }

// between is what translates from source to charset; nil when nothing does.
func (f *filter) between(source, charset string) func(dst, p []byte) ([]byte, int) {
	source, charset = strings.ToLower(source), strings.ToLower(charset)
	for _, t := range f.maps {
		switch {
		case t.joins(source, charset) && t.isUTF8:
			return t.encode
		case t.joins(source, charset):
			return byTable(&t.forward)
		case t.joins(charset, source) && t.isUTF8:
			return t.decode
		case t.joins(charset, source):
			return byTable(&t.back)
		}
	}
	return nil
}

// setCharset names the charset, but not of a redirect: old browsers took it for
// the next page's.
func setCharset(r *http.Request, charset string) {
	if r.Out.Status == 301 || r.Out.Status == 302 {
		charset = ""
	}
	r.Out.Charset = charset
}
