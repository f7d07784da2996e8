package http

import "github.com/baton-project/baton/internal/conf"

// ServerNames are the names, as written, of the server that l is or is in. A
// server without server_name has one name, the empty one.
func ServerNames(l *conf.Level) []string {
	for l.Context != conf.Server {
		l = l.Parent
	}
	names := conf.Get[serverConf](l).Names
	if len(names) == 0 {
		return []string{""}
	}
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name.text
	}
	return texts
}
