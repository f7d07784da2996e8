package variable

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
)

// subject has variables and nothing else.
type subject struct{ state State }

func (s *subject) Variables() *State { return &s.state }

func (s *subject) Scratch(n int) []byte { return make([]byte, 0, n) }

func (s *subject) Logf(log.Level, string, ...any) {}

func testVariables() Registry[*subject] {
	vs := NewRegistry[*subject]()
	for _, name := range []string{"a", "b_2"} {
		if _, err := vs.Declare(name, func(*subject) (string, bool) { return "<" + name + ">", true }, 0); err != nil {
			panic(err)
		}
	}
	vs.DeclarePrefix("arg_", func(rest string) Getter[*subject] {
		return func(*subject) (string, bool) { return "arg " + rest, true }
	})
	return vs
}

func TestValue(t *testing.T) {
	vs := testVariables()
	d := new(conf.Directive)
	r := new(subject)
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{"$a", "<a>"},
		{"x${a}y", "x<a>y"},
		{"$a$b_2", "<a><b_2>"},
		{"$a-$b_2", "<a>-<b_2>"},
		{"$A", "<a>"},
		{"$arg_Q.", "arg q."},
		{"[$1$9]", "[]"},
		{strings.Repeat("$a,", 12), strings.Repeat("<a>,", 12)},
	} {
		v, err := vs.Compile(d, c.text)
		if err == nil {
			err = vs.Resolve()
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := v.Eval(r); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
		if got := string(v.Append([]byte("+"), r)); got != "+"+c.want {
			t.Errorf("%q appends %q", c.text, got)
		}
	}
	for text, want := range map[string]string{
		"$":        "invalid variable name",
		"a$ ":      "invalid variable name",
		"${}":      "invalid variable name",
		"${":       "invalid variable name",
		"${1}":     `unknown "1" variable`,
		"${a-b}":   `the closing bracket in "a" variable is missing`,
		"${a":      `the closing bracket in "a" variable is missing`,
		"$none":    `unknown "none" variable`,
		"x${none}": `unknown "none" variable`,
	} {
		vs := testVariables()
		_, err := vs.Compile(d, text)
		if err == nil {
			err = vs.Resolve()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestVariablesAreDeclaredOnce(t *testing.T) {
	vs := testVariables()
	if _, err := vs.Declare("A", Empty[*subject], 0); err == nil || err.Error() != `the duplicate "A" variable` {
		t.Errorf("%v", err)
	}
	if _, err := vs.Settable("a", Empty[*subject]); err == nil {
		t.Error("a fixed variable can be set")
	}
	v, err := vs.Settable("mine", Empty[*subject])
	if err != nil {
		t.Fatal(err)
	}
	r := &subject{State{Values: make([]Cached, vs.Slots())}}
	if text, ok := v.Get(r); text != "" || !ok {
		t.Errorf("unset: %q, %v", text, ok)
	}
	v.Set(r, "now")
	if text, _ := v.Get(r); text != "now" {
		t.Errorf("set: %q", text)
	}
}

// A name can be used before it is declared, and a declared one is not one of a
// family.
func TestVariablesAreUsedFirst(t *testing.T) {
	vs := testVariables()
	v, err := vs.Compile(new(conf.Directive), "$later $arg_x $arg_y")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"later", "arg_x"} {
		if _, err := vs.Declare(name, func(*subject) (string, bool) { return "mine", true }, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := vs.Resolve(); err != nil {
		t.Fatal(err)
	}
	if got := v.Eval(new(subject)); got != "mine mine arg y" {
		t.Error(got)
	}
}

// No text may panic the compiler, and what it takes must evaluate.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{"", "$a", "${a}", "$1x", "a$", "${", "$arg_x-${b_2}"} {
		f.Add(seed)
	}
	r := new(subject)
	f.Fuzz(func(t *testing.T, text string) {
		vs := testVariables()
		v, err := vs.Compile(new(conf.Directive), text)
		if err == nil && !strings.Contains(text, "$") && v.Eval(r) != text {
			t.Errorf("%q is %q", text, v.Eval(r))
		}
	})
}
