package browser

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

func declare(m *http.MainBuilder) error {
	for name, get := range map[string]http.Getter{"modern_browser": modernVariable, "ancient_browser": ancientVariable, "msie": msieVariable} {
		if _, err := m.SettableOr(name, get); err != nil { // a map may have declared it already
			return err
		}
	}
	return nil
}

func confOf(r *http.Request) *Conf { return conf.Get[Conf](r.Location().Level()) }

// modernVariable is $modern_browser.
func modernVariable(r *http.Request) (string, bool) {
	if c := confOf(r); c.isModern(r.HeaderNamed("user-agent")) {
		return c.modernValue.V, true
	}
	return "", true
}

// ancientVariable is $ancient_browser.
func ancientVariable(r *http.Request) (string, bool) {
	if c := confOf(r); !c.isModern(r.HeaderNamed("user-agent")) {
		return c.ancientValue.V, true
	}
	return "", true
}

// msieVariable is $msie.
func msieVariable(r *http.Request) (string, bool) {
	agent, _ := r.HeaderNamed("user-agent")
	at := strings.Index(agent, "MSIE ")
	if at >= 0 && at+len("MSIE 6.") < len(agent) && !strings.Contains(agent, "Opera") {
		return "1", true
	}
	return "", true
}

// isModern judges a User-Agent, which is perhaps not given.
func (c *Conf) isModern(agent string, given bool) bool {
	if !given {
		return c.unlistedModern
	}
	for _, b := range c.modern {
		if version, ok := b.find(agent); ok {
			have, _ := parseVersion(version, b.version)
			return have >= b.version
		}
	}
	if len(c.modern) > 0 && !c.unlistedModern || c.isAncient(agent) {
		return false
	}
	return c.unlistedModern
}

func (c *Conf) isAncient(agent string) bool {
	if c.netscape4 && len(agent) > len("Mozilla/4.72 ") && strings.HasPrefix(agent, "Mozilla/") && agent[8] > '0' && agent[8] < '5' {
		return true
	}
	for _, part := range c.ancient {
		if strings.Contains(agent, part) {
			return true
		}
	}
	return false
}

// find returns what stands in agent where the version of b would.
func (b browser) find(agent string) (version string, ok bool) {
	kind := &kinds[b.kind]
	if len(agent) <= kind.skip {
		return "", false
	}
	at := strings.Index(agent[kind.skip:], kind.mark)
	if at < 0 {
		return "", false
	}
	if at += kind.skip + kind.behind; at >= len(agent) {
		return "", false
	}
	return agent[at:], true
}

// parseVersion reads "5.0.1" as 5000100 up to the end of text or to what belongs
// to no version, which is at end. At a dot it stops when the version is greater
// than enough already.
func parseVersion(text string, enough uint64) (version uint64, end int) {
	number, scale := uint64(0), uint64(1000000)
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			number = number*10 + uint64(c-'0')
		case c == '.':
			version += number * scale
			if version > enough {
				return version, i
			}
			number = 0
			scale /= 100
		default:
			return version + number*scale, i
		}
	}
	return version + number*scale, len(text)
}
