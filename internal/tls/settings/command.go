package settings

import (
	"crypto/x509"
	"slices"
	"strings"

	std "crypto/tls"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/tls"
)

// Commands of ssl_conf_command that are about more than what package tls knows.
const (
	certificateCommand = "Certificate"
	keyCommand         = "PrivateKey"
	optionsCommand     = "Options"
)

// known reports whether a command means something here; server: towards clients.
func known(name string, server bool) bool {
	return tls.KnownCommand(name) || name == certificateCommand || name == keyCommand || server && name == optionsCommand
}

// addTo is for ssl_conf_command and its like.
func addTo(list *[]*conf.Directive, d *conf.Directive, server bool) error {
	if !known(d.Args[0], server) {
		return d.Errorf(`"%s" in "%s" is not supported`, d.Args[0], d.Name)
	}
	*list = append(*list, d)
	return nil
}

// runCommands applies commands to o, and returns the certificates that they name.
func runCommands(tree *conf.Tree, list []*conf.Directive, passwords [][]byte, o *tls.ClientOptions) (made []std.Certificate, err error) {
	var certificate *conf.Directive
	for _, d := range list {
		switch d.Args[0] {
		case optionsCommand:
		case certificateCommand:
			certificate = d
		case keyCommand:
			if certificate == nil {
				return nil, d.Errorf(`"PrivateKey" in "%s" without "Certificate" before it is not supported`, d.Name)
			}
			one, err := loadPair(tree, certificate.Args[1], d.Args[1], passwords)
			if err != nil {
				return nil, d.Errorf("%v", err)
			}
			made, certificate = append(made, one), nil
		default:
			if err := o.Command(d.Args[0], d.Args[1]); err != nil {
				return nil, d.Errorf("%v", err)
			}
		}
	}
	if certificate != nil {
		return nil, certificate.Errorf(`"Certificate" in "%s" without "PrivateKey" behind it is not supported`, certificate.Name)
	}
	return made, nil
}

// replace puts certificates in the place of those with the same kind of key, as OpenSSL
// has one of each.
func replace(all, by []std.Certificate) []std.Certificate {
	for _, one := range by {
		i := slices.IndexFunc(all, func(c std.Certificate) bool {
			return kindOf(c.Leaf) == kindOf(one.Leaf)
		})
		if i < 0 {
			all = append(all, one)
		} else {
			all[i] = one
		}
	}
	return all
}

func kindOf(c *x509.Certificate) x509.PublicKeyAlgorithm { return c.PublicKeyAlgorithm }

// ticketOption is what commands say of session tickets.
func ticketOption(list []*conf.Directive, on bool) (bool, error) {
	for _, d := range list {
		if d.Args[0] != optionsCommand {
			continue
		}
		for word := range strings.SplitSeq(d.Args[1], ",") {
			name := strings.TrimLeft(word, "+-")
			switch name {
			case "SessionTicket":
				on = !strings.HasPrefix(word, "-")
			case "ServerPreference": // as ssl_prefer_server_ciphers
			default:
				return on, d.Errorf(`"%s" in "Options" of "%s" is not supported`, name, d.Name)
			}
		}
	}
	return on, nil
}
