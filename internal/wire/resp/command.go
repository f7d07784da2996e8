package resp

// A Kind says how a command is passed on.
type Kind uint8

// The kinds of commands.
const (
	Unknown   Kind = iota
	Keyed          // to the server of its first key
	Keyless        // to a server that does not matter
	Eval           // to the server of the first key behind their number
	Values         // MGET: split, the values are merged
	Sum            // DEL and the like: split, the numbers are added
	Pairs          // MSET: split, one answer
	SumIfMany      // EXISTS: as Sum, when there are several keys
	Ping           // answered here, as all below
	Quit
	Auth
	Hello
	Client
	Info
	Select
	Echo
	CommandInfo // COMMAND: passed on without arguments, answered with some
)

// A Command is one that is known.
type Command struct {
	Name string // in lower case
	Kind Kind
	// Args is how many arguments follow the key, Any when that is the server's
	// to check.
	Args int8
}

// Any number of arguments.
const Any = -1

// maxName is the length of the longest name.
const maxName = 20

// Find finds a command by its name in any case; nil when it is not passed on.
func Find(name []byte) *Command {
	if len(name) == 0 || len(name) > maxName {
		return nil
	}
	h := fold(name)
	for i := h & (tableSize - 1); ; i = (i + 1) & (tableSize - 1) {
		c := table[i]
		if c == nil {
			return nil
		}
		if equal(name, c.Name) {
			return c
		}
	}
}

// Fits reports whether count arguments, the name included, are enough and not
// too many.
func (c *Command) Fits(count int) bool {
	switch c.Kind {
	case Keyed:
		return count >= 2 && (c.Args == Any || count == 2+int(c.Args))
	case Values, Sum, SumIfMany:
		return count >= 2
	case Pairs:
		return count >= 3 && count%2 == 1
	case Eval:
		return count >= 4
	case Auth, Echo, Select:
		return count >= 2
	}
	return true
}

const tableSize = 512

var table = build()

func fold(name []byte) (h uint32) {
	h = 2166136261
	for _, c := range name {
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	return h ^ h>>15
}

func equal(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func build() (t [tableSize]*Command) {
	for i := range commands {
		c := &commands[i]
		at := fold([]byte(c.Name)) & (tableSize - 1)
		for t[at] != nil {
			at = (at + 1) & (tableSize - 1)
		}
		t[at] = c
	}
	return t
}
