package http

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// answerConf says how the server itself answers: errors, redirects, and what it
// tells about itself.
type answerConf struct {
	pages              []errorPageText
	Recursive          conf.Setting[bool]
	Tokens             conf.Setting[ServerTokens]
	MSIEPadding        conf.Setting[bool]
	MSIERefresh        conf.Setting[bool]
	AbsoluteRedirect   conf.Setting[bool]
	PortInRedirect     conf.Setting[bool]
	ServerNameRedirect conf.Setting[bool]
	PostAction         conf.Setting[string] // a path or "@name"; "": none
	SubrequestBuffer   conf.Setting[int64]  // bytes of a subrequest's answer in memory
}

// ServerTokens is the directive server_tokens.
type ServerTokens uint8

const (
	TokensOff ServerTokens = iota
	TokensOn
	TokensBuild
)

// errorPageText is one status of an error_page directive before its URI is
// compiled.
type errorPageText struct {
	status    int
	overwrite int // -1: the status stays; 0: that of the new answer
	uri       string
	directive *conf.Directive
}

var answerFeature = conf.Feature[answerConf]{
	Name: "http_answers",
	Doc:  "Error pages, redirects, and what the server tells about itself.",
	Table: conf.Table[answerConf]{
		{Name: "error_page", In: anyLevelAndIf, Args: conf.TwoMore, Variables: conf.Arg(-1), Set: (*answerConf).addErrorPage,
			Syntax: "code ... [=[response]] uri"},
		{Name: "recursive_error_pages", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *answerConf) *conf.Setting[bool] { return &c.Recursive })},
		{Name: "server_tokens", In: conf.AnyLevel, Args: conf.Take1, Syntax: "on | off | build", Default: "on",
			Set: conf.Enum([]conf.Choice[ServerTokens]{{Word: "off", V: TokensOff}, {Word: "on", V: TokensOn}, {Word: "build", V: TokensBuild}},
				func(c *answerConf) *conf.Setting[ServerTokens] { return &c.Tokens })},
		{Name: "msie_padding", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *answerConf) *conf.Setting[bool] { return &c.MSIEPadding })},
		{Name: "msie_refresh", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *answerConf) *conf.Setting[bool] { return &c.MSIERefresh })},
		{Name: "absolute_redirect", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *answerConf) *conf.Setting[bool] { return &c.AbsoluteRedirect })},
		{Name: "port_in_redirect", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *answerConf) *conf.Setting[bool] { return &c.PortInRedirect })},
		{Name: "server_name_in_redirect", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *answerConf) *conf.Setting[bool] { return &c.ServerNameRedirect })},
		{Name: "post_action", In: anyLevelAndIf, Args: conf.Take1, Syntax: "uri",
			Set: conf.Str(func(c *answerConf) *conf.Setting[string] { return &c.PostAction })},
		{Name: "subrequest_output_buffer_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "4k",
			Set: conf.Size(func(c *answerConf) *conf.Setting[int64] { return &c.SubrequestBuffer })},
	},
	Merge: (*answerConf).merge,
}

func (c *answerConf) merge(outer *answerConf) error {
	if c.pages == nil {
		c.pages = outer.pages
	}
	c.PostAction.Inherit(outer.PostAction, "")
	c.SubrequestBuffer.Inherit(outer.SubrequestBuffer, 4<<10)
	c.Recursive.Inherit(outer.Recursive, false)
	c.Tokens.Inherit(outer.Tokens, TokensOn)
	c.MSIEPadding.Inherit(outer.MSIEPadding, true)
	c.MSIERefresh.Inherit(outer.MSIERefresh, false)
	c.AbsoluteRedirect.Inherit(outer.AbsoluteRedirect, true)
	c.PortInRedirect.Inherit(outer.PortInRedirect, true)
	c.ServerNameRedirect.Inherit(outer.ServerNameRedirect, false)
	return nil
}

// addErrorPage reads "code ... [=[response]] uri".
func (c *answerConf) addErrorPage(d *conf.Directive) error {
	args := d.Args
	uri := args[len(args)-1]
	codes := args[:len(args)-1]
	overwrite := -1
	if last := codes[len(codes)-1]; strings.HasPrefix(last, "=") {
		if len(codes) == 1 {
			return d.Errorf(`invalid value "%s"`, last)
		}
		overwrite = 0
		if last != "=" {
			n, ok := parseNumber(last[1:])
			if !ok {
				return d.Errorf(`invalid value "%s"`, last)
			}
			overwrite = n
		}
		codes = codes[:len(codes)-1]
	}
	for _, code := range codes {
		status, ok := parseNumber(code)
		if !ok || status == int(StatusClientClosed) {
			return d.Errorf(`invalid value "%s"`, code)
		}
		if status < 300 || status > 599 {
			return d.Errorf(`value "%s" must be between 300 and 599`, code)
		}
		page := errorPageText{status, overwrite, uri, d}
		if overwrite == -1 && badRequestText(status) != "" {
			page.overwrite = 400
		}
		c.pages = append(c.pages, page)
	}
	return nil
}
