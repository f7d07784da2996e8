package rewrite

import (
	"sync"
	"syscall"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// program is the statements of one block, compiled.
type program struct {
	steps []step
	level log.Level // of what rewrite_log tells: notice, else debug
	// machines are those at leisure: a step may keep its machine from living
	// on the stack, and most requests pass here.
	machines sync.Pool
}

// step does one statement. It returns false when the program ends there; the
// machine then holds the result.
type step func(m *machine) bool

// machine is one run of a program.
type machine struct {
	r      *http.Request
	result http.Result
	quote  bool // captures are escaped; see ngx_http_script_engine_t
}

// install adds the program in the block where its statements stand, and in none
// below it.
func (c *Conf) install(b *http.Builder) error {
	if len(c.statements) == 0 || conf.Own[Conf](b.Level()) != c {
		return nil
	}
	phase := http.Rewrite
	switch b.Level().Context {
	case conf.Server:
		phase = http.ServerRewrite
	case conf.Location:
	default:
		return nil // the statements of an if are steps of the program around it
	}
	p := &program{level: log.Debug}
	p.machines.New = func() any { return new(machine) }
	if c.log.V {
		p.level = log.Notice
	}
	steps, err := p.compile(b, c.statements)
	if err != nil {
		return err
	}
	p.steps = steps
	b.Phase(phase, p.run)
	return nil
}

func (p *program) run(r *http.Request) http.Result {
	m := p.machines.Get().(*machine)
	*m = machine{r: r, result: http.Declined, quote: true}
	m.run(p.steps)
	result := m.result
	m.r = nil
	p.machines.Put(m)
	return result
}

func (m *machine) run(steps []step) bool {
	for _, do := range steps {
		if !do(m) {
			return false
		}
	}
	return true
}

func (p *program) compile(b *http.Builder, statements []statement) ([]step, error) {
	steps := make([]step, 0, len(statements))
	for i := range statements {
		s := &statements[i]
		var do step
		var err error
		switch s.kind {
		case returnStatement:
			do, err = compileReturn(b, s)
		case setStatement:
			do, err = compileSet(b, s)
		case breakStatement:
			do = (*machine).stay
		case rewriteStatement:
			do, err = p.compileRewrite(b, s)
		case ifStatement:
			do, err = p.compileIf(b, s)
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, do)
	}
	return steps, nil
}

// stay is "break": the location is not chosen anew, and the program ends.
func (m *machine) stay() bool {
	m.r.KeepLocation()
	return false
}

func compileReturn(b *http.Builder, s *statement) (step, error) {
	status := s.status
	if status >= 400 && s.text == "" {
		return func(m *machine) bool { m.result = http.Result(status); return false }, nil
	}
	value, err := b.Compile(s.at, s.text)
	if err != nil {
		return nil, err
	}
	switch status {
	case 301, 302, 303, 307, 308:
		return func(m *machine) bool { m.result = m.r.Redirect(status, value.Eval(m.r)); return false }, nil
	}
	return func(m *machine) bool {
		m.r.Out.Status = status // for $status in the text
		m.result = m.r.Respond(status, "", value.Eval(m.r))
		return false
	}, nil
}

func compileSet(b *http.Builder, s *statement) (step, error) {
	variable, err := b.Variable(s.at, s.at.Args[0][1:])
	if err != nil {
		return nil, err
	}
	if value, err := b.Compile(s.at, s.at.Args[1]); err != nil {
		return nil, err
	} else if text, ok := value.Literal(); ok {
		return func(m *machine) bool { variable.Set(m.r, text); return true }, nil
	}
	value, err := compileText(b, s.at, s.at.Args[1], false)
	if err != nil {
		return nil, err
	}
	return func(m *machine) bool { variable.Set(m.r, m.eval(value)); return true }, nil
}

// eval is the text of a value, valid until the request ends.
func (m *machine) eval(t *text) string {
	out, _ := t.eval(m.r.Scratch(64), m.r, m.quote)
	return http.View(out)
}

func (p *program) compileRewrite(b *http.Builder, s *statement) (step, error) {
	replacement, err := compileText(b, s.at, s.text, s.status == 0)
	if err != nil {
		return nil, err
	}
	return func(m *machine) bool {
		r := m.r
		matched := s.regex.Match(r, r.URI)
		if r.LogEnabled(p.level) { // so that the arguments cost nothing when not
			verb := "does not match"
			if matched {
				verb = "matches"
			}
			r.Logf(p.level, "\"%s\" %s \"%s\"", s.at.Args[0], verb, r.URI)
		}
		if !matched {
			return true
		}
		if s.status != 0 {
			p.redirect(m, s, replacement)
			return false
		}
		return p.replace(m, s, replacement)
	}, nil
}

// redirect ends the program with a redirect of the client.
func (p *program) redirect(m *machine, s *statement, replacement *text) {
	r := m.r
	location, _ := replacement.eval(r.Scratch(128+len(r.Args)), r, true)
	location = unescapeRedirect(location)
	if s.keepArgs && r.Args != "" {
		separator := byte('?')
		if replacement.hasArgs {
			separator = '&'
		}
		location = append(append(location, separator), r.Args...)
	}
	if r.LogEnabled(p.level) {
		r.Logf(p.level, "rewritten redirect: \"%s\"", location)
	}
	m.result = r.Redirect(s.status, http.View(location))
}

// replace changes the URI.
func (p *program) replace(m *machine, s *statement, replacement *text) bool {
	r := m.r
	m.quote = false
	out, split := replacement.eval(r.Scratch(128+len(r.Args)), r, false)
	uri := out
	if split >= 0 {
		uri = out[:split:split]
		args := out[split:]
		if s.keepArgs && r.Args != "" {
			args = append(append(args, '&'), r.Args...)
		}
		r.Args = http.View(args)
	} else if !s.keepArgs {
		r.Args = ""
	}
	if r.LogEnabled(p.level) {
		r.Logf(p.level, "rewritten data: \"%s\", args: \"%s\"", uri, r.Args)
	}
	if len(uri) == 0 {
		r.Logf(log.Error, "the rewritten URI has a zero length")
		m.result = 500
		return false
	}
	r.SetURI(http.View(uri))
	if s.stay {
		r.KeepLocation()
	}
	return !s.end
}

func (p *program) compileIf(b *http.Builder, s *statement) (step, error) {
	holds, err := compileCondition(b, s)
	if err != nil {
		return nil, err
	}
	var body []step
	if own := conf.Own[Conf](s.inner); own != nil {
		if body, err = p.compile(b, own.statements); err != nil {
			return nil, err
		}
	}
	var inner *http.Location // nil in a server, whose location is yet to be chosen
	if s.inner.Context == conf.LocationIf {
		inner = b.Nested(s.inner)
	}
	return func(m *machine) bool {
		if !holds(m) {
			return true
		}
		if inner != nil {
			m.r.EnterLocation(inner)
		}
		return m.run(body)
	}, nil
}

func compileCondition(b *http.Builder, s *statement) (func(m *machine) bool, error) {
	c := &s.condition
	switch c.test {
	case isFile, isDirectory, exists, isExecutable:
		path, err := compileText(b, s.at, c.subject, false)
		if err != nil {
			return nil, err
		}
		return func(m *machine) bool { return m.testFile(c.test, m.eval(path)) != c.negative }, nil
	}
	variable, err := b.Variable(s.at, c.subject)
	if err != nil {
		return nil, err
	}
	switch c.test {
	case isEqual:
		operand, err := compileText(b, s.at, c.operand, false)
		if err != nil {
			return nil, err
		}
		return func(m *machine) bool {
			value, _ := variable.Get(m.r)
			return (value == m.eval(operand)) != c.negative
		}, nil
	case matches:
		return func(m *machine) bool {
			value, _ := variable.Get(m.r)
			return c.regex.Match(m.r, value) != c.negative
		}, nil
	}
	return func(m *machine) bool {
		value, _ := variable.Get(m.r)
		return value != "" && value != "0"
	}, nil
}

// testFile asks the disk about path.
func (m *machine) testFile(test conditionTest, path string) bool {
	info, failure := m.r.StatCached(path)
	switch failure.Errno {
	case 0:
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ENAMETOOLONG:
		return false
	default:
		m.r.LogErr(log.Crit, failure.Errno, "%s \"%s\" failed", failure.Call, path)
		return false
	}
	switch test {
	case isFile:
		return info.Kind == http.RegularFile
	case isDirectory:
		return info.Kind == http.Directory
	case isExecutable:
		return info.Executable
	}
	return info.Kind != http.OtherFile
}
