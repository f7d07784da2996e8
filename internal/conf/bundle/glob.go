package bundle

import (
	"os"
	"slices"
	"strings"
)

// glob finds files as glob(3) does, which nginx uses: unlike path/filepath it
// leaves out names with a leading dot unless the pattern has one, takes "[!a]"
// for a negation, and takes a "[" that nothing closes for itself. Folders
// that cannot be read match nothing.
func glob(pattern string) []string {
	found := []string{""}
	rest := pattern
	if strings.HasPrefix(rest, "/") {
		found = []string{"/"}
		rest = strings.TrimLeft(rest, "/")
	}
	for rest != "" && len(found) > 0 {
		part, behind, more := strings.Cut(rest, "/")
		rest = strings.TrimLeft(behind, "/")
		found = step(found, part)
		if more {
			found = folders(found)
		}
	}
	slices.Sort(found)
	return found
}

// step replaces each folder by what matches part in it.
func step(in []string, part string) []string {
	var out []string
	for _, folder := range in {
		if !strings.ContainsAny(part, `*?[\`) {
			if _, err := os.Lstat(folder + part); err == nil {
				out = append(out, folder+part)
			}
			continue
		}
		for _, name := range list(folder) {
			hidden := strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".")
			if !hidden && match(part, name) {
				out = append(out, folder+name)
			}
		}
	}
	return out
}

func list(folder string) []string {
	if folder == "" {
		folder = "."
	}
	f, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return names
}

// folders keeps what is a folder, with a slash behind it.
func folders(in []string) []string {
	var out []string
	for _, name := range in {
		if st, err := os.Stat(name); err == nil && st.IsDir() {
			out = append(out, name+"/")
		}
	}
	return out
}
