package main

import "fmt"

// flags is nginx's command line. See "Command-line parameters" in nginx's
// documentation.
type flags struct {
	help, version, configure bool   // -h or -?, -v, -V
	test, dump, quiet        bool   // -t, -T (which implies test), -q
	prefix                   string // -p
	errorLog                 string // -e
	file                     string // -c
	globals                  string // -g
	signal                   string // -s: stop, quit, reload, reopen, upgrade, status
	prefixSet, fileSet       bool
	errorLogSet              bool
}

// parseFlags reads args, which do not include the program's name. Letters may
// be joined ("-tq"), and a value may follow its letter at once ("-p/srv").
func parseFlags(args []string) (flags, error) {
	var f flags
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "" || word[0] != '-' {
			return f, fmt.Errorf("invalid option: %q", word)
		}
		for at := 1; at < len(word); at++ {
			letter := word[at]
			if f.setSwitch(letter) {
				continue
			}
			what, known := takesValue[letter]
			if !known {
				return f, fmt.Errorf("invalid option: \"%c\"", letter)
			}
			value := word[at+1:]
			if value == "" {
				i++
				if i >= len(args) {
					return f, fmt.Errorf("option \"-%c\" requires %s", letter, what)
				}
				value = args[i]
			}
			if err := f.setValue(letter, value); err != nil {
				return f, err
			}
			break
		}
	}
	return f, nil
}

var takesValue = map[byte]string{
	'p': "directory name",
	'e': "file name",
	'c': "file name",
	'g': "parameter",
	's': "parameter",
}

func (f *flags) setSwitch(letter byte) bool {
	switch letter {
	case '?', 'h':
		f.version, f.help = true, true
	case 'v':
		f.version = true
	case 'V':
		f.version, f.configure = true, true
	case 't':
		f.test = true
	case 'T':
		f.test, f.dump = true, true
	case 'q':
		f.quiet = true
	default:
		return false
	}
	return true
}

func (f *flags) setValue(letter byte, value string) error {
	switch letter {
	case 'p':
		f.prefix, f.prefixSet = value, true
	case 'e':
		f.errorLog, f.errorLogSet = value, true
	case 'c':
		f.file, f.fileSet = value, true
	case 'g':
		f.globals = value
	case 's':
		switch value {
		case "stop", "quit", "reopen", "reload", "upgrade", "status":
			f.signal = value
		default:
			return fmt.Errorf("invalid option: \"-s %s\"", value)
		}
	}
	return nil
}
