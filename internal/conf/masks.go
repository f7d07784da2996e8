package conf

// Context is a set of places where a directive may stand. The bits are those
// of nginx-go-crossplane, which generates them from nginx's own.
type Context uint32

// The places. Main is http{} itself, as in nginx's NGX_HTTP_MAIN_CONF; Global
// is the top of the file.
const (
	Global         Context = 0x00040000 // outside every block
	Events         Context = 0x00080000 // events
	StreamMain     Context = 0x00400000 // stream
	StreamServer   Context = 0x00800000 // stream, server
	StreamUpstream Context = 0x01000000 // stream, upstream
	Main           Context = 0x02000000 // http
	Server         Context = 0x04000000 // http, server
	Location       Context = 0x08000000 // http, location
	Upstream       Context = 0x10000000 // http, upstream
	ServerIf       Context = 0x20000000 // http, server, if
	LocationIf     Context = 0x40000000 // http, location, if
	LimitExcept    Context = 0x80000000 // http, location, limit_except

	// AnyLevel is http, server and location.
	AnyLevel = Main | Server | Location

	anywhere = Global | Events | StreamMain | StreamServer | StreamUpstream |
		AnyLevel | Upstream | ServerIf | LocationIf | LimitExcept
)

var contextNames = [...]struct {
	bit  Context
	name string
}{
	{Global, "main"},
	{Events, "events"},
	{Main, "http"},
	{Server, "server"},
	{Location, "location"},
	{ServerIf, "if in server"},
	{LocationIf, "if in location"},
	{LimitExcept, "limit_except"},
	{Upstream, "upstream"},
	{StreamMain, "stream"},
	{StreamServer, "stream, server"},
	{StreamUpstream, "stream, upstream"},
}

// Names lists the places as nginx's manual calls them, outermost first.
func (c Context) Names() []string {
	var names []string
	for _, n := range contextNames {
		if c&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Arity says how many arguments a directive takes, and whether a block
// follows. The bits are those of nginx-go-crossplane.
type Arity uint32

// The argument counts. Several TakeN may be joined; Block joins any of them.
const (
	NoArgs  Arity = 0x0001
	Take1   Arity = 0x0002
	Take2   Arity = 0x0004
	Take3   Arity = 0x0008
	Take4   Arity = 0x0010
	Take5   Arity = 0x0020
	Take6   Arity = 0x0040
	Take7   Arity = 0x0080
	Block   Arity = 0x0100 // "{" follows the arguments instead of ";"
	Flag    Arity = 0x0400 // one argument, "on" or "off"; see [OnOff]
	Any     Arity = 0x0800
	OneMore Arity = 0x1000 // one or more
	TwoMore Arity = 0x2000 // two or more

	Take12   = Take1 | Take2
	Take13   = Take1 | Take3
	Take23   = Take2 | Take3
	Take34   = Take3 | Take4
	Take123  = Take12 | Take3
	Take1234 = Take123 | Take4
)

// maxArgs is the most that any directive takes unless it says Any or "more".
const maxArgs = 7

// allows reports whether n arguments are right, by nginx's rules.
func (a Arity) allows(n int) bool {
	switch {
	case a&Any != 0:
		return true
	case a&Flag != 0:
		return n == 1
	case a&OneMore != 0:
		return n >= 1
	case a&TwoMore != 0:
		return n >= 2
	case n > maxArgs:
		return false
	}
	return a&(NoArgs<<n) != 0
}
