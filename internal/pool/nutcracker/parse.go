package nutcracker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/pool/hashkit"
)

// maxFile bounds the file.
const maxFile = 16 << 20

// Parse reads the text of the file of that name. Errors are *conf.Error. The
// pools are sorted by their names, as twemproxy does.
func Parse(file string, text []byte) ([]*Pool, error) {
	r := &reader{file: file}
	pools, err := r.read(text)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(pools, func(a, b *Pool) int { return hashkit.Compare(a.Name, b.Name) })
	return pools, nil
}

type reader struct{ file string }

func (r *reader) errorf(line int, format string, args ...any) error {
	return &conf.Error{Msg: fmt.Sprintf(format, args...), File: r.file, Line: line}
}

func (r *reader) read(text []byte) ([]*Pool, error) {
	if len(text) > maxFile {
		return nil, r.errorf(0, "file is larger than %d bytes", maxFile)
	}
	if err := r.refuseMarkers(text); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, r.errorf(1, "file is empty")
	case err != nil:
		return nil, r.syntax(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, r.syntax(err)
		}
		return nil, r.errorf(1, "there is more than one document")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, r.errorf(1, "file is empty")
	}
	return r.pools(doc.Content[0])
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax turns the words of the YAML reader into ours.
func (r *reader) syntax(err error) error {
	text := err.Error()
	line := 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	return r.errorf(line, "%s", text)
}

// refuseMarkers refuses what belongs to YAML and not to twemproxy, and is gone
// once the text was parsed.
func (r *reader) refuseMarkers(text []byte) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		s := strings.TrimRight(string(line), "\r\n")
		if marker(s, "---") || marker(s, "...") {
			return r.errorf(n, "document markers are not allowed")
		}
		if strings.HasPrefix(s, "%") {
			return r.errorf(n, "YAML directives are not allowed")
		}
		indent := s[:len(s)-len(strings.TrimLeft(s, " \t"))]
		if rest := s[len(indent):]; strings.Contains(indent, "\t") && rest != "" && rest[0] != '#' {
			return r.errorf(n, "tabs are not allowed as indentation")
		}
	}
	return nil
}

func marker(s, word string) bool {
	rest, ok := strings.CutPrefix(s, word)
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// plain refuses what twemproxy's reader refuses of any node.
func (r *reader) plain(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.AliasNode:
		return r.errorf(n.Line, "aliases are not allowed")
	case n.Anchor != "":
		return r.errorf(n.Line, "anchors are not allowed")
	case n.Style&yaml.TaggedStyle != 0:
		return r.errorf(n.Line, "tags are not allowed")
	case n.Style&yaml.FlowStyle != 0:
		return r.errorf(n.Line, "flow style is not allowed")
	}
	return nil
}

// scalar returns the text of a node that must be one and not empty.
func (r *reader) scalar(n *yaml.Node, what string) (string, error) {
	if err := r.plain(n); err != nil {
		return "", err
	}
	if n.Kind != yaml.ScalarNode {
		return "", r.errorf(n.Line, "%s is not a single value", what)
	}
	if n.Value == "" {
		return "", r.errorf(n.Line, "%s is empty", what)
	}
	return n.Value, nil
}

func (r *reader) pools(n *yaml.Node) ([]*Pool, error) {
	if err := r.plain(n); err != nil {
		return nil, err
	}
	if n.Kind != yaml.MappingNode {
		return nil, r.errorf(n.Line, "file is not a mapping of pools")
	}
	var pools []*Pool
	for i := 0; i < len(n.Content); i += 2 {
		name, err := r.scalar(n.Content[i], "name of a pool")
		if err != nil {
			return nil, err
		}
		p := newPool(name, n.Content[i].Line)
		if err := r.pool(p, n.Content[i+1]); err != nil {
			return nil, err
		}
		for _, other := range pools {
			if other.Name == p.Name {
				return nil, r.errorf(p.Line, "pool \"%s\" is duplicate", p.Name)
			}
			if other.Listen.Text == p.Listen.Text {
				return nil, r.errorf(p.Line, "pools \"%s\" and \"%s\" have the same listen address \"%s\"", other.Name, p.Name, p.Listen.Text)
			}
		}
		pools = append(pools, p)
	}
	if len(pools) == 0 {
		return nil, r.errorf(n.Line, "there is no pool")
	}
	return pools, nil
}

func (r *reader) pool(p *Pool, n *yaml.Node) error {
	if err := r.plain(n); err != nil {
		return err
	}
	if n.Kind != yaml.MappingNode {
		return r.errorf(n.Line, "pool \"%s\" has no keys", p.Name)
	}
	seen := p.lines
	for i := 0; i < len(n.Content); i += 2 {
		key, err := r.scalar(n.Content[i], "key")
		if err != nil {
			return err
		}
		set, known := keys[key]
		if !known {
			set, known = beyond[key]
		}
		_, twice := seen[key]
		switch {
		case !known:
			return r.errorf(n.Content[i].Line, "key \"%s\" is unknown", key)
		case twice:
			return r.errorf(n.Content[i].Line, "key \"%s\" is duplicate", key)
		}
		seen[key] = n.Content[i].Line
		value := n.Content[i+1]
		if list := lists[key]; list != nil {
			if err := list(r, p, value); err != nil {
				return err
			}
			continue
		}
		text, err := r.scalar(value, fmt.Sprintf("value of \"%s\"", key))
		if err != nil {
			return err
		}
		if err := set(p, text); err != nil {
			return r.errorf(value.Line, "\"%s: %s\" %v", key, text, err)
		}
	}
	switch {
	case seen["listen"] == 0:
		return r.errorf(p.Line, "pool \"%s\" has no \"listen\"", p.Name)
	case seen["servers"] == 0:
		return r.errorf(p.Line, "pool \"%s\" has no \"servers\"", p.Name)
	case p.RedisAuth != "" && !p.Redis:
		return r.errorf(p.Line, "pool \"%s\" has \"redis_auth\" and is not a redis pool", p.Name)
	}
	if err := r.check(p); err != nil {
		return err
	}
	return r.weights(p)
}

// lists are the keys whose values are lists.
var lists = map[string]func(r *reader, p *Pool, n *yaml.Node) error{
	"servers":     (*reader).servers,
	"redis_users": (*reader).users,
}

// weights refuses weights that would not fit into memory.
func (r *reader) weights(p *Pool) error {
	total := 0
	for _, s := range p.Servers {
		if total += s.Weight; p.Distribution != hashkit.Ketama && total > hashkit.MaxSlots {
			return r.errorf(p.Line, "weights of pool \"%s\" are more than %d together", p.Name, hashkit.MaxSlots)
		}
	}
	return nil
}

func (r *reader) servers(p *Pool, n *yaml.Node) error {
	if err := r.plain(n); err != nil {
		return err
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return r.errorf(n.Line, "\"servers\" is not a list")
	}
	if len(n.Content) > MaxServers {
		return r.errorf(n.Line, "more than %d servers in a pool are not supported", MaxServers)
	}
	names := make(map[string]bool)
	for _, c := range n.Content {
		text, err := r.scalar(c, "server")
		if err != nil {
			return err
		}
		s, err := parseServer(text)
		if err != nil {
			return r.errorf(c.Line, "server \"%s\" %v", text, err)
		}
		if names[s.Name] {
			return r.errorf(c.Line, "server \"%s\" has the name of another one", text)
		}
		names[s.Name] = true
		p.Servers = append(p.Servers, s)
	}
	slices.SortFunc(p.Servers, func(a, b Server) int { return hashkit.Compare(a.Name, b.Name) })
	return nil
}
