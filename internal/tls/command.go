package tls

import (
	"fmt"
	"slices"
	"strings"
)

// commands are OpenSSL's configuration commands that mean something here; see
// SSL_CONF_cmd(3).
var commands = map[string]func(*ClientOptions, string) error{
	"CipherString": func(o *ClientOptions, value string) (err error) {
		o.Ciphers, err = ParseCiphers(value)
		return err
	},
	"Groups": setGroups, "Curves": setGroups,
	"MinProtocol": func(o *ClientOptions, value string) error {
		p := Protocol(value)
		if p == 0 {
			return errCommand{"MinProtocol", value}
		}
		o.Protocols &^= p - 1
		return nil
	},
	"MaxProtocol": func(o *ClientOptions, value string) error {
		p := Protocol(value)
		if p == 0 {
			return errCommand{"MaxProtocol", value}
		}
		o.Protocols &= 2*p - 1
		return nil
	},
	"Ciphersuites": func(_ *ClientOptions, value string) error {
		for _, name := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"} {
			if !slices.Contains(strings.Split(value, ":"), name) {
				return fmt.Errorf(`"Ciphersuites" without "%s" is not supported, crypto/tls has it always`, name)
			}
		}
		return nil
	},
}

func setGroups(o *ClientOptions, value string) (err error) {
	o.Curves, err = ParseCurves(value)
	return err
}

// An errCommand is a command whose value means nothing.
type errCommand struct{ name, value string }

func (e errCommand) Error() string {
	return fmt.Sprintf(`SSL_CONF_cmd("%s", "%s") failed (SSL: bad value)`, e.name, e.value)
}

// KnownCommand reports whether a command of ssl_conf_command means something here.
func KnownCommand(name string) bool { return commands[name] != nil }

// Command applies a known command of ssl_conf_command.
func (o *ClientOptions) Command(name, value string) error { return commands[name](o, value) }

// FileName is the name of a file of certificates as [LoadCertificate] wants it;
// absolute makes a path absolute.
func FileName(absolute func(string) string, name string) string {
	if !IsFile(name) {
		return name
	}
	return absolute(name)
}

// IsFile reports whether a name is that of a file, and not a text or another store.
func IsFile(name string) bool {
	return !strings.HasPrefix(name, data) && !strings.HasPrefix(name, "engine:") && !strings.HasPrefix(name, "store:")
}
