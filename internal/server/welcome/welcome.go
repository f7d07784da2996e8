// Package welcome is what a program that was started without a configuration
// serves: one page on 127.0.0.1:8080, in the foreground.
package welcome

import (
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Address is where the page is.
const Address = "http://127.0.0.1:8080/"

//go:embed nginx.conf
var text string

// Text is the built-in configuration with that pid file.
func Text(pidFile string) []byte {
	return []byte(strings.ReplaceAll(text, "{{pid}}", pidFile))
}

// Missing reports whether there is no file of that name.
func Missing(name string) bool {
	_, err := os.Stat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// PIDFile returns where the built-in configuration keeps its pid file: in a
// folder of the user alone.
func PIDFile() string {
	if os.Geteuid() == 0 {
		return "/run/baton.pid"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "baton.pid")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, ".baton.pid")
}
